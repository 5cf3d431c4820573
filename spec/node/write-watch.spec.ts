import { WriteWatch } from '../../lib/node/write-watch.js';
import { MemoryCluster } from '../support/memory-cluster.js';

describe('WriteWatch', () => {
  test('reports the oldest write once it has taken too long, and only once', () => {
    const watch = new WriteWatch(100);
    watch.begin(0);
    watch.begin(50);
    expect(watch.check(99)).toBe(0);
    expect(watch.check(100)).toBe(100);
    expect(watch.check(500)).toBe(0);
  });

  test('each slow write is reported', () => {
    const watch = new WriteWatch(100);
    watch.begin(0);
    watch.begin(50);
    expect(watch.check(120)).toBe(120);
    watch.complete();
    expect(watch.check(150)).toBe(100);
    watch.complete();
    expect(watch.check(10_000)).toBe(0);
  });

  test('a disk that hangs is reported as StorageStalled while it hangs, and counted in the metrics', async () => {
    const cluster = await MemoryCluster.started({ settings: { storageStallMs: 300, requestTimeoutMs: 60_000 } });
    const leader = await cluster.leader();
    const [follower] = cluster.others(leader);
    cluster.disk(follower?.id ?? '').holdSync();
    const written = leader.node.propose('x');
    await written; // the other follower and the leader are a quorum
    await cluster.advance(250);
    expect(cluster.eventsOf(follower?.id ?? '', 'StorageStalled')).toEqual([]);
    await cluster.advance(500);
    const stalls = cluster.eventsOf(follower?.id ?? '', 'StorageStalled');
    expect(stalls).toHaveLength(1);
    expect(stalls[0]?.ms).toBeGreaterThanOrEqual(300);
    expect(stalls[0]?.ms).toBeLessThanOrEqual(400);
    expect(follower?.node.metrics.value.counters.storageStalls).toBe(1);
    cluster.disk(follower?.id ?? '').releaseSync();
    await cluster.stop();
  });
});
