import { closedLoop, type Rate } from './closed-loop.js';
import { openBenchCluster } from './memory-cluster.js';

const CONCURRENCY = 1024;

export interface LogGrowthJob {
  readonly entries: number;
  /** Entries of each portion that is measured. */
  readonly every: number;
}

/** Fills a log that is never compacted, and measures each portion of the way. */
export async function logGrowth({ entries, every }: LogGrowthJob): Promise<Rate[]> {
  const command = new Uint8Array(0);
  const warm = await openBenchCluster({ nodes: 3, snapshotPolicy: null });
  await closedLoop(CONCURRENCY, every, () => warm.leader.propose(command));
  await warm.stop();
  const { leader, stop } = await openBenchCluster({ nodes: 3, snapshotPolicy: null });
  const rates: Rate[] = [];
  for (let length = 0; length < entries; length += every) rates.push(await closedLoop(CONCURRENCY, every, () => leader.propose(command)));
  await stop();
  return rates;
}
