import type { RaftMetrics } from '../../node/metrics/metrics.js';
import { leaderReport } from '../../server/http/member-report.js';
import { CliError, EXIT } from '../exit.js';
import { interruptedExit, unlessInterrupted } from '../interrupt.js';
import type { ClientCommand, ClientContext } from './context.js';
import { answeredBy, latestConfiguration, survey, type Answer } from './discovery.js';
import { DEFAULT_INTERVAL_MS } from './flags.js';
import { table, type Cell } from './table.js';

/** One node as `rxraft status` shows it; what an unreachable one would say is null. */
export interface NodeStatus {
  readonly id: string;
  readonly role: string;
  readonly term: number | null;
  readonly leader: string | null;
  readonly commit: number | null;
  readonly applied: number | null;
  /** How many entries it has yet to apply of those that are known to be committed anywhere. */
  readonly lag: number | null;
  /** The last entry in its snapshot; 0 while there is none. */
  readonly snapshot: number | null;
  readonly address: string | null;
  readonly http: string | null;
  readonly reachable: boolean;
  /** Why it is not reachable. */
  readonly error: string | null;
}

const HEADER = ['id', 'role', 'term', 'leader', 'commit', 'applied', 'lag', 'snapshot', 'address', 'http', 'reachable'];

export const statusCommand: ClientCommand = {
  name: 'status',
  arguments: '',
  summary: 'Show every node: role, term, leader, how far it is. Exit code 3 when no leader is established.',
  options: ['watch', 'interval'],
  examples: [
    ['rxraft status', 'the three nodes of `rxraft cluster`'],
    ['rxraft status --endpoint 10.0.0.1:8101', 'asks one node, finds the others'],
    ['rxraft status --watch --interval 250', 'four times a second, until Ctrl-C'],
    ['rxraft status --json', 'for programs'],
  ],
  run: async (context) => {
    const { watch, interval } = context.flags;
    if (watch === true) return watchStatus(context, interval ?? DEFAULT_INTERVAL_MS);
    if (interval !== undefined) throw new CliError('--interval goes with --watch', EXIT.usage);
    return show(context, await askAll(context));
  },
};

async function watchStatus(context: ClientContext, intervalMs: number): Promise<number> {
  const interrupt = context.interrupt();
  while (!interrupt.aborted) {
    const nodes = await unlessInterrupted(askAll(context), interrupt, () => null);
    if (nodes === null) break;
    if (context.terminal.isInteractive && context.flags.json !== true) context.write('\u001b[H\u001b[2J');
    show(context, nodes);
    await context.pause(intervalMs, interrupt);
  }
  return interruptedExit(interrupt);
}

/** Every node that can be found. */
export async function askAll({ cluster }: ClientContext): Promise<readonly NodeStatus[]> {
  return statusOf(await survey(cluster));
}

/** One row a node, in the order of their names: those that answered, and members that did not. */
export function statusOf(answers: readonly Answer[]): readonly NodeStatus[] {
  const answered = answeredBy(answers);
  const configuration = latestConfiguration(answers);
  const commit = Math.max(0, ...[...answered.values()].map(({ metrics }) => metrics.committed.index));
  const rows = [...answered].map(([id, { endpoint, metrics }]) => rowOf(id, endpoint, metrics, commit));
  for (const id of Object.keys(configuration?.nodes ?? {})) {
    if (configuration === null || answered.has(id)) continue;
    const { address, http } = leaderReport(id, configuration);
    const error = answers.find(({ endpoint }) => endpoint === http)?.error ?? 'its HTTP address is unknown';
    rows.push(absent(id, configuration.learners.includes(id) ? 'learner' : 'voter', address, http, error));
  }
  if (rows.length === 0) rows.push(...answers.map(({ endpoint, error }) => absent('?', '?', null, endpoint, error ?? '')));
  return rows.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

function rowOf(id: string, endpoint: string, metrics: RaftMetrics, commit: number): NodeStatus {
  const { role, term, leaderId, committed, applied, snapshot, membership, runningState } = metrics;
  const { nodes } = membership.effective;
  const isMember = Object.hasOwn(nodes, id);
  const shown = runningState !== 'running' ? runningState : isMember ? role : `${role} (no member)`;
  return { id, role: shown, term, leader: leaderId, commit: committed.index, applied: applied.index, lag: commit - applied.index, snapshot: snapshot.index, address: nodes[id]?.address ?? null, http: endpoint, reachable: true, error: null };
}

function absent(id: string, role: string, address: string | null, http: string | null, error: string): NodeStatus {
  return { id, role, term: null, leader: null, commit: null, applied: null, lag: null, snapshot: null, address, http, reachable: false, error };
}

function show(context: ClientContext, nodes: readonly NodeStatus[]): number {
  if (context.flags.json === true) context.write(`${JSON.stringify(nodes)}\n`);
  else context.terminal.line(table(HEADER, nodes.map(cellsOf), context.terminal.style));
  return nodes.some(({ id, role, leader }) => role === 'leader' && leader === id) ? EXIT.ok : EXIT.unavailable;
}

function cellsOf(node: NodeStatus): Cell[] {
  const { id, role, leader, address, http, reachable, error } = node;
  const counts = [node.commit, node.applied, node.lag, node.snapshot].map((count) => String(count ?? '-'));
  const tone = role === 'leader' ? 'good' : reachable ? 'plain' : 'bad';
  return [{ text: id, tone: 'bold' }, { text: role, tone }, String(node.term ?? '-'), leader ?? '-', ...counts, address ?? '-', http ?? '-', reachable ? 'yes' : { text: `no: ${error ?? ''}`, tone: 'bad' }];
}
