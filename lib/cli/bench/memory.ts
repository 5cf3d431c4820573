import { waitFor } from '../../index.js';
import { closedLoop } from './closed-loop.js';
import { openBenchCluster, type BenchCluster } from './memory-cluster.js';

const CONCURRENCY = 1024;

export interface MemoryJob {
  readonly proposals: number;
  /** Proposals between samples. */
  readonly every: number;
  readonly bytes: number;
}

/** After so many proposals, in MiB. */
export interface MemorySample {
  readonly proposals: number;
  /** What is reachable, buffers included. */
  readonly heap: number;
  /** What the process has of the machine's memory. */
  readonly resident: number;
}

/** Three nodes with a subscriber each, under load for long, with the default policy of snapshots and compaction. */
export async function memoryOverTime({ proposals, every, bytes }: MemoryJob): Promise<MemorySample[]> {
  const cluster = await openBenchCluster({ nodes: 3, observe: (node) => node.events.subscribe() });
  const samples: MemorySample[] = [];
  for (let done = 0; done < proposals; done += every) {
    await closedLoop(CONCURRENCY, every, () => cluster.leader.propose(new Uint8Array(bytes)));
    await trimLogs(cluster);
    samples.push(await sampleAfter(done + every));
  }
  await cluster.stop();
  return samples;
}

/** To the same length before every sample: the default policy alone leaves anything from 10 000 to 110 000 entries. */
async function trimLogs({ nodes }: BenchCluster): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve)); // a follower may not have applied yet what the leader has answered
  for (const node of nodes) {
    const { last } = await node.takeSnapshot();
    node.compactLog(last.index);
    await waitFor(node, ({ compacted }) => compacted.index >= last.index);
  }
  await new Promise(setImmediate); // what ended lets go of what it held
}

const MIB = 1 << 20;

async function sampleAfter(proposals: number): Promise<MemorySample> {
  for (let i = 0; i < 2; i += 1) {
    globalThis.gc?.();
    await new Promise(setImmediate); // the collector frees buffers on another thread, and tells of it later
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  return { proposals, heap: (heapUsed + external) / MIB, resident: rss / MIB };
}
