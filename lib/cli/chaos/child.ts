import { isDeepStrictEqual } from 'node:util';
import type { NewNode } from '../../core/membership-plan.js';
import { initialMetrics } from '../../node/metrics/initial.js';
import type { RaftMetrics } from '../../node/metrics/metrics.js';
import { reduceMetrics } from '../../node/metrics/reduce.js';
import type { KvNode } from '../../server/kv-node.js';
import { openKvServer, type KvStateMachine } from '../../server/kv-server.js';
import { messageOf } from '../exit.js';
import { SessionHost, type SessionAnswer, type SessionWrite } from './session-host.js';
import { SessionedStore } from './sessioned-store.js';

/** What a node's process is started with, as JSON in its first argument. */
export interface ChildOptions {
  readonly id: string;
  readonly clusterId: string;
  /** Null: waits to be added. */
  readonly peers: Readonly<Record<string, NewNode>> | null;
  /** Where it listens for its peers, who know it by another address. */
  readonly listen: string;
  readonly httpPort: number;
  readonly dataDir: string;
  readonly eventBuffer: number;
  readonly snapshotEntries: number;
  readonly keepEntries: number;
}

/** What a node is asked over IPC. */
export type ChildOrder =
  /** Hold the event loop so long, in a subscriber of the events. */
  | { readonly type: 'block'; readonly ms: number }
  /** Compare the metrics with the fold of all events. */
  | { readonly type: 'fold'; readonly request: number }
  /** Write through a session of this process. */
  | { readonly type: 'write'; readonly request: number; readonly write: SessionWrite };

/** The answers to `fold`, in words and null when they are equal, and to `write`. */
export type ChildAnswer =
  | { readonly type: 'folded'; readonly request: number; readonly difference: string | null }
  | { readonly type: 'written'; readonly request: number; readonly answer: SessionAnswer };

const STOP_TIMEOUT_MS = 10_000;

async function main(): Promise<number> {
  const options = JSON.parse(process.argv[2] ?? '') as ChildOptions;
  const stopped = new Promise<string>((resolve) => {
    process.once('SIGTERM', () => resolve('SIGTERM'));
    process.once('disconnect', () => resolve('the parent process is gone'));
  });
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<{ readonly error: unknown }>((resolve) => (fail = (error) => resolve({ error })));
  const { id, clusterId, peers, listen, dataDir, httpPort, snapshotEntries, keepEntries } = options;
  const server = await openKvServer(
    { id, clusterId, ...(peers === null ? {} : { peers }), listen, dataDir, http: { host: '127.0.0.1', port: httpPort }, snapshotPolicy: { entries: snapshotEntries, keepEntries }, stateMachine: new SessionedStore() as unknown as KvStateMachine, onCreated: (node) => obey(node, fail) },
    { limits: { maxBufferedEvents: options.eventBuffer }, onError: (error) => say(`a request failed: ${messageOf(error)}`) },
  );
  process.send?.({ type: 'ready', http: `127.0.0.1:${server.http.port}` });
  const end = await Promise.race([failed, stopped]);
  if (typeof end !== 'string') say(`the node failed: ${messageOf(end.error)}`);
  await server.stop(STOP_TIMEOUT_MS);
  return typeof end === 'string' ? 0 : 1;
}

/** Folds the events, blocks when told to, and answers how the fold compares. */
function obey(node: KvNode, onFailed: (error: unknown) => void): void {
  let folded = initialMetrics();
  let blockMs = 0;
  const sessions = new SessionHost(node);
  node.events.subscribe({
    next: (event) => {
      folded = reduceMetrics(folded, event);
      if (blockMs === 0) return;
      const ms = blockMs;
      blockMs = 0;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
    },
    error: onFailed,
  });
  process.on('message', (order: ChildOrder) => {
    if (order.type === 'block') blockMs = order.ms;
    else if (order.type === 'write') void sessions.write(order.write).then((answer) => tell({ type: 'written', request: order.request, answer }));
    else tell({ type: 'folded', request: order.request, difference: difference(node.metrics.value, folded) });
  });
}

function tell(answer: ChildAnswer): void {
  if (process.connected) process.send?.(answer);
}

function difference(metrics: RaftMetrics, folded: RaftMetrics): string | null {
  const fields = Object.keys(metrics) as (keyof RaftMetrics)[];
  const differing = fields.filter((field) => !isDeepStrictEqual(metrics[field], folded[field]));
  if (differing.length === 0) return null;
  return differing.map((field) => `${field} is ${JSON.stringify(metrics[field])}, the events fold to ${JSON.stringify(folded[field])}`).join('; ');
}

function say(line: string): void {
  process.stderr.write(`${new Date().toISOString()} ${line}\n`);
}

process.stderr.on('error', () => undefined); // the log is full; what is acknowledged does not depend on it
process.stdout.on('error', () => undefined);
process.on('uncaughtException', (error) => {
  say(`uncaught exception: ${error.stack ?? error.message}`);
  process.exit(1);
});
try {
  process.exit(await main());
} catch (error) {
  say(`can't start: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`);
  process.exit(1);
}
