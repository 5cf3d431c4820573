import { relative } from 'node:path';
import { ESSENTIAL_EVENTS } from '../../server/event-kinds.js';
import { EventTail } from '../event-tail.js';
import { EXIT } from '../exit.js';
import { HttpClient } from '../http-client.js';
import type { Terminal } from '../terminal.js';
import { EventPrinter } from './event-printer.js';
import { LocalCluster } from './local-cluster.js';
import { planCluster, type Member } from './plan.js';
import { requireFree } from './ports.js';
import { exitText, type Exit, type NodeProcess } from './process.js';
import { leaderOf, poll } from './status.js';

export interface ClusterOptions {
  readonly dataDir: string;
  readonly clusterId: string;
  /** The first of three ports in a row. */
  readonly raftPort: number;
  readonly httpPort: number;
  /** Show every event, not only the essential ones. */
  readonly showsAll: boolean;
}

/** What the command was called with and how it is told to end. */
export interface CommandContext {
  /** The script that has the `serve` command. */
  readonly script: string;
  readonly terminal: Terminal;
  /** Aborted by the first Ctrl-C (or SIGTERM), with the signal's name. */
  readonly interrupt: AbortSignal;
}

const LEADER_TIMEOUT_MS = 30_000;
/** A node answers what is in progress before it stops; it is killed only when it hangs. */
const STOP_TIMEOUT_MS = 15_000;

/**
 * Runs three node processes on loopback and shows what happens in them, until it is interrupted.
 * Resolves with the exit code: 0 when it was interrupted, 1 when every process ended by itself.
 */
export async function runCluster(options: ClusterOptions, context: CommandContext): Promise<number> {
  const { terminal, interrupt } = context;
  const row = (first: number): number[] => [first, first + 1, first + 2];
  const members = planCluster({ ...options, raftPorts: row(options.raftPort), httpPorts: row(options.httpPort) });
  await requireFree(row(options.raftPort), 'Raft', '--raft-port');
  await requireFree(row(options.httpPort), 'HTTP', '--http-port');

  const printer = new EventPrinter(members.map(({ id }) => id), terminal.style, (line) => terminal.line(line), () => Date.now());
  let allEnded: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (allEnded = resolve));
  const cluster = new LocalCluster(members, context.script, (process, exit) => {
    if (!interrupt.aborted) noteExit(printer, process, exit);
    if (cluster.running.length === 0) allEnded();
  });
  terminal.line(`Starting three node processes, data in ${options.dataDir} …`);
  await cluster.start();
  const tails = members.map((member) => followEvents(member, options.showsAll, printer, interrupt));
  try {
    await introduce(members, cluster, context);
    printer.release();
    await Promise.race([ended, untilAborted(interrupt)]);
    if (!interrupt.aborted) terminal.line(terminal.style('bad', 'Every node process has ended.'));
    return interrupt.aborted ? EXIT.ok : EXIT.failed;
  } finally {
    await stopAll(cluster, options.dataDir, context);
    for (const tail of tails) tail.close();
  }
}

function followEvents(member: Member, showsAll: boolean, printer: EventPrinter, interrupt: AbortSignal): EventTail {
  const types = showsAll ? '' : `&type=${ESSENTIAL_EVENTS.join(',')}`;
  return new EventTail(`${member.url}/events?since=start${types}`, {
    onMessage: (message) => {
      if (!interrupt.aborted || message.event === 'NodeStopped') printer.message(member.id, message);
    },
  });
}

/** Waits for a leader, then says where everything is and what to try. */
async function introduce(members: readonly Member[], cluster: LocalCluster, { terminal, interrupt, script }: CommandContext): Promise<void> {
  const { style } = terminal;
  const client = new HttpClient(1, 5000);
  const patience = AbortSignal.any([interrupt, AbortSignal.timeout(LEADER_TIMEOUT_MS)]);
  const leader = await poll(() => leaderOf(client, members), patience, 'a leader').catch(() => null);
  client.close();
  if (interrupt.aborted) return;
  terminal.line();
  if (leader === null) terminal.line(style('bad', `There is no leader after ${LEADER_TIMEOUT_MS / 1000} s; the logs are ${members.map(({ logFile }) => logFile).join(', ')}`));
  for (const member of members) {
    const role = member.id === leader?.member.id ? style('good', `leader of term ${leader.term}`) : '';
    terminal.line(`  ${style('bold', member.id)}  ${member.url}   raft 127.0.0.1:${member.raftPort}   pid ${cluster.processOf(member.id).pid ?? '?'}   ${role}`.trimEnd());
  }
  const [a, b, c] = members.map(({ url }) => url);
  const rxraft = `node ${relative(process.cwd(), script)}`;
  const endpoint = members[0]?.httpPort === 8101 ? '' : ` --endpoint ${members.map(({ url }) => url.replace('http://', '')).join(',')}`;
  const examples = [
    `curl -i -X PUT --data 'hello' ${a ?? ''}/kv/greeting # on any node: it forwards to the leader`,
    `curl -i ${b ?? ''}/kv/greeting # linearizable, from another node`,
    `curl -N '${c ?? ''}/events?type=NewLeader' # the transitions, as they happen`,
    `${rxraft} status${endpoint} # all nodes at a glance`,
    `${rxraft} --help # put, get, events, member, transfer, snapshot, …`,
  ].map((example) => example.split(' # '));
  const width = Math.max(...examples.map(([call]) => call?.length ?? 0));
  terminal.line();
  terminal.line('Try, in another terminal:');
  for (const [call, why] of examples) terminal.line(`  ${call?.padEnd(width) ?? ''}   ${style('dim', `# ${why ?? ''}`)}`);
  terminal.line();
  terminal.line(`Kill a node (kill -9 <pid>) and watch. ${style('dim', 'Ctrl-C stops all three; the data stays.')}`);
  terminal.line();
}

function noteExit(printer: EventPrinter, { member, script }: NodeProcess, exit: Exit): void {
  printer.notice(member.id, 'bad', `the process ${exitText(exit)}; its log is ${member.logFile}`);
  printer.notice(member.id, 'plain', `start it again from another terminal: ${['node', script, ...member.args].join(' ')}`);
}

async function stopAll(cluster: LocalCluster, dataDir: string, { terminal }: CommandContext): Promise<void> {
  if (cluster.running.length === 0) return;
  terminal.line();
  terminal.line('Stopping …');
  const exits = await cluster.stop(STOP_TIMEOUT_MS);
  for (const { id, wasKilled, ...exit } of exits) {
    if (wasKilled) terminal.line(terminal.style('bad', `${id} did not stop within ${STOP_TIMEOUT_MS / 1000} s and was killed; nothing acknowledged is lost`));
    else if (exit.code !== 0) terminal.line(terminal.style('bad', `${id} ${exitText(exit)}`));
  }
  terminal.line(`Stopped. The data is kept in ${dataDir}; the next start goes on from it.`);
}

function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
