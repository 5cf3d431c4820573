/**
 * Leads nodes through everything that ends calls early and prints each rejection and exception that nobody took, then `done`.
 * With the argument `control` it leaves one rejection unhandled itself, to show that it would be seen.
 */
import { setMaxListeners } from 'node:events';
import { MemoryCluster } from '../../support/memory-cluster.js';
import { roughLife } from '../../support/rough-life.js';

process.on('unhandledRejection', (error) => process.stdout.write(`unhandled rejection: ${String(error)}\n`));
process.on('uncaughtException', (error) => process.stdout.write(`uncaught exception: ${String(error)}\n`));

const dropped = (promise: Promise<unknown>): void => void promise.catch(() => undefined);

/** Calls beyond the bound, with a signal that is aborted afterwards; calls that time out and are answered late. */
async function abortAndTimeOut(): Promise<void> {
  const cluster = await MemoryCluster.started({ settings: { maxPendingProposals: 2, maxPendingReads: 2 } });
  const leader = await cluster.leader();
  await cluster.advance(300);
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  for (const id of cluster.ids) cluster.disk(id).holdSync();
  for (const { node } of [leader, ...cluster.others(leader)]) {
    for (const options of [{ signal: controller.signal }, { timeoutMs: 20 }, { timeoutMs: 20 }, { signal: controller.signal }]) {
      dropped(node.propose('x', options));
      dropped(node.read('', options));
    }
  }
  await cluster.advance(50);
  controller.abort();
  for (const id of cluster.ids) cluster.disk(id).releaseSync();
  await cluster.advance(500);
  await cluster.stop();
}

/** A disk that fails with calls in flight, on a leader and on a node that has just started. */
async function fail(): Promise<void> {
  const cluster = await MemoryCluster.started();
  const leader = await cluster.leader();
  cluster.disk(leader.id).failNextSync();
  for (let i = 0; i < 10; i += 1) dropped(leader.node.propose('x'));
  dropped(leader.node.read(''));
  await cluster.advance(3_000);
  await leader.node.stop();
  cluster.disk(leader.id).corruptEntry(1);
  dropped(cluster.start(leader.id));
  await cluster.advance(100);
  await cluster.stop();
}

/** A stop with calls that can't be answered. */
async function stop(): Promise<void> {
  const cluster = await MemoryCluster.started();
  const leader = await cluster.leader();
  cluster.network.isolate(leader.id);
  dropped(leader.node.propose('x'));
  dropped(leader.node.read(''));
  await cluster.stop();
}

await abortAndTimeOut();
await fail();
await stop();
const cluster = await MemoryCluster.started();
await roughLife(cluster, { rounds: 6 });
await cluster.stop();
if (process.argv[2] === 'control') void Promise.reject(new Error('control'));
await cluster.settle();
process.stdout.write('done\n');
