import type { RaftMetrics } from '../../node/metrics/metrics.js';
import { leaderReport } from '../../server/http/member-report.js';
import { EXIT, messageOf } from '../exit.js';
import type { HttpClient } from '../http-client.js';
import type { ClientCommand, ClientContext } from './context.js';
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

/** An answer of one endpoint: metrics, or why there are none. */
interface Answer {
  readonly endpoint: string;
  readonly metrics: RaftMetrics | null;
  readonly error: string | null;
}

const HEADER = ['id', 'role', 'term', 'leader', 'commit', 'applied', 'lag', 'snapshot', 'address', 'http', 'reachable'];
const REFRESH_MS = 1000;

export const statusCommand: ClientCommand = {
  name: 'status',
  arguments: '',
  summary: 'Show every node: role, term, leader, how far it is. Exit code 3 when no leader is established.',
  options: ['watch'],
  examples: [
    ['rxraft status', 'the three nodes of `rxraft cluster`'],
    ['rxraft status --endpoint 10.0.0.1:8101', 'asks one node, finds the others'],
    ['rxraft status --json', 'for programs'],
  ],
  run: async (context) => {
    if (context.flags.watch !== true) return show(context, await askAll(context));
    const interrupt = context.interrupt();
    while (!interrupt.aborted) {
      const nodes = await askAll(context);
      if (context.terminal.isInteractive && context.flags.json !== true) context.write('\u001b[H\u001b[2J');
      show(context, nodes);
      await pause(REFRESH_MS, interrupt);
    }
    return EXIT.ok;
  },
};

/** Asks the given endpoints, then the members that they know of and that were not asked yet. */
export async function askAll({ cluster }: ClientContext): Promise<readonly NodeStatus[]> {
  const { http, endpoints } = cluster.parts;
  const first = await Promise.all(endpoints.map((endpoint) => ask(http, endpoint)));
  const labels = new Set(first.flatMap(({ metrics }) => (metrics === null ? [] : Object.keys(metrics.membership.effective.nodes).map((id) => leaderReport(id, metrics.membership.effective).http))));
  const rest = [...labels].filter((endpoint): endpoint is string => endpoint !== null && !endpoints.includes(endpoint));
  return statusOf([...first, ...(await Promise.all(rest.map((endpoint) => ask(http, endpoint))))]);
}

/** One row a node, in the order of their names: those that answered, and members that did not. */
export function statusOf(answers: readonly Answer[]): readonly NodeStatus[] {
  const metrics = new Map<string, { endpoint: string; metrics: RaftMetrics }>();
  for (const { endpoint, metrics: found } of answers) if (found !== null && !metrics.has(found.nodeId)) metrics.set(found.nodeId, { endpoint, metrics: found });
  const answered = [...metrics.values()].map((answer) => answer.metrics);
  const newest = answered.reduce<RaftMetrics | null>((best, next) => (best === null || next.membership.effectiveIndex > best.membership.effectiveIndex ? next : best), null);
  const configuration = newest?.membership.effective;
  const commit = Math.max(0, ...answered.map((each) => each.committed.index));
  const rows = [...metrics].map(([id, { endpoint, metrics: found }]) => rowOf(id, endpoint, found, commit));
  for (const id of Object.keys(configuration?.nodes ?? {})) {
    if (configuration === undefined || metrics.has(id)) continue;
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

async function ask(http: HttpClient, endpoint: string): Promise<Answer> {
  try {
    const { status, body } = await http.send('GET', `http://${endpoint}/metrics.json`);
    if (status !== 200) return { endpoint, metrics: null, error: `answered with ${status}` };
    return { endpoint, metrics: JSON.parse(body.toString()) as RaftMetrics, error: null };
  } catch (error) {
    return { endpoint, metrics: null, error: (error as { code?: string }).code ?? messageOf(error) };
  }
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

/** Resolves after a while, or at once when it is interrupted. */
export function pause(ms: number, interrupt: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      interrupt.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    interrupt.addEventListener('abort', end);
    if (interrupt.aborted) end();
  });
}
