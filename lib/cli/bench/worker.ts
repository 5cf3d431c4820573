import { EventPublisher } from '../../node/reporting/publisher.js';
import { closedLoop, promiseLoop, type Rate } from './closed-loop.js';
import { openBenchCluster, type Reporting } from './cluster.js';
import { durableAppend } from './durable-append.js';
import { isolatedRate } from './isolated.js';

/** One measurement in a process of its own, so that none is warmed or littered by another. Prints one line of JSON. */
async function main(): Promise<void> {
  const [kind, ...rest] = process.argv.slice(2);
  if (kind === 'isolated') {
    process.stdout.write(`${JSON.stringify(await isolatedRate(rest[0] ?? '.', rest[1] === 'true', Number(rest[2]), Number(rest[3])))}\n`);
    return;
  }
  const result = kind === 'append' ? await durableAppend(rest[0] ?? '.', Number(rest[1])) : await proposals(Number(rest[0]), Number(rest[1]), rest[2] as Reporting);
  process.stdout.write(`${JSON.stringify(result)}\n`);
}

async function proposals(concurrency: number, total: number, reporting: Reporting): Promise<{ cluster: Rate; ceiling: Rate }> {
  // "Compiled out": as if the call that publishes a turn's events were not in the program.
  if (reporting === 'out') Object.defineProperty(EventPublisher.prototype, 'publish', { value: () => undefined });
  const { leader, stop } = await openBenchCluster(reporting);
  const empty = new Uint8Array(0);
  const propose = (): Promise<unknown> => leader.propose(empty);
  const ceilingCall = promiseLoop();
  await closedLoop(concurrency, total / 5, propose);
  await closedLoop(concurrency, total / 5, ceilingCall);
  globalThis.gc?.();
  const cluster = await closedLoop(concurrency, total, propose);
  globalThis.gc?.();
  const ceiling = await closedLoop(concurrency, total, ceilingCall);
  await stop();
  return { cluster, ceiling };
}

await main();
