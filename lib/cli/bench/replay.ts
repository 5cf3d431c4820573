import { bytesCodec, createRaftNode, MemoryNetwork, waitFor } from '../../index.js';
import { FileStorage } from '../../storage/file.js';
import { idleMachine, type BenchNode } from './memory-cluster.js';

/** Proposals at once while the log is made. */
const BATCH = 1000;

export interface LogJob {
  readonly path: string;
  /** Entries behind the snapshot. */
  readonly entries: number;
  readonly bytes: number;
}

/** Leaves what a node does that ran for long: a snapshot, and a log of `entries` after it. */
export async function buildLog({ path, entries, bytes }: LogJob): Promise<void> {
  const node = nodeOn(path);
  await node.start();
  await waitFor(node, ({ leadership }) => leadership?.established === true);
  const propose = (count: number): Promise<unknown> => node.proposeBatch(Array.from({ length: count }, () => new Uint8Array(bytes).fill(7)));
  await propose(BATCH);
  const { last } = await node.takeSnapshot();
  node.compactLog(last.index);
  for (let left = entries; left > 0; left -= BATCH) await propose(Math.min(left, BATCH));
  await node.stop();
}

export interface StartTimes {
  /** From the call of `start()` until it resolves: store open, log outlined, snapshot restored. */
  readonly startMs: number;
  /** From there until the whole log is applied again, the node's own election included. */
  readonly appliedMs: number;
  readonly entries: number;
}

/** Starts a node on such a log. */
export async function startOnLog({ path }: Pick<LogJob, 'path'>): Promise<StartTimes> {
  const node = nodeOn(path);
  const startedAt = performance.now();
  await node.start();
  const runsAt = performance.now();
  const { lastLog, compacted } = node.metrics.value;
  await waitFor(node, ({ applied }) => applied.index >= lastLog.index);
  const appliedAt = performance.now();
  await node.stop();
  return { startMs: runsAt - startedAt, appliedMs: appliedAt - runsAt, entries: lastLog.index - compacted.index };
}

/** A cluster of one on disk; its log stays as it is. */
function nodeOn(path: string): BenchNode {
  return createRaftNode({
    id: 'a',
    peers: { a: 'a' },
    storage: new FileStorage({ path }),
    transport: new MemoryNetwork().transport(),
    stateMachine: idleMachine(),
    commandCodec: bytesCodec,
    snapshotPolicy: null,
  });
}
