import { entriesBytes } from '../../lib/core/entry.js';
import { CoreCluster, HEARTBEAT_MS } from '../support/core-cluster.js';

const STEP_BYTES = 64 << 10;
const KIB = 'x'.repeat(1 << 10);

/** `a` leads, and `c` is back after it missed this many commands of a KiB; it has just answered where its log ends. */
function returned(missed: number): CoreCluster {
  const cluster = new CoreCluster();
  cluster.elect('a');
  cluster.runFor(HEARTBEAT_MS);
  cluster.isCut = (from, to) => from === 'c' || to === 'c';
  for (let i = 0; i < missed; i += 100) cluster.propose('a', ...Array<string>(100).fill(KIB));
  cluster.step('a', { type: 'connection', peer: 'c', up: false, error: '' });
  cluster.settle();
  cluster.isCut = () => false;
  cluster.step('a', { type: 'connection', peer: 'c', up: true, error: '' });
  return cluster;
}

/** What is on its way to `c`. */
const sentBytes = (cluster: CoreCluster): number => cluster.sent('append', { to: 'c' }).reduce((sum, { entries }) => sum + entriesBytes(entries), 0);

/** `c` takes what is on its way, and its answer waits. */
function take(cluster: CoreCluster): void {
  cluster.deliver({ to: 'c' });
  cluster.persist('c');
}

describe('a peer that is behind', () => {
  it('is sent a step a turn, the next one a millisecond later when nothing else happens', () => {
    const cluster = returned(1000);
    take(cluster); // the probe
    cluster.deliver({ from: 'c' });
    expect(sentBytes(cluster)).toBeGreaterThan(STEP_BYTES / 2);
    expect(sentBytes(cluster)).toBeLessThanOrEqual(STEP_BYTES);
    const { now } = cluster;
    expect(cluster.node('a').core.wakeAt).toBe(now + 1);
    const before = sentBytes(cluster);
    cluster.timeout('a');
    expect(cluster.now).toBe(now + 1);
    expect(sentBytes(cluster) - before).toBeLessThanOrEqual(STEP_BYTES);
    expect(sentBytes(cluster) - before).toBeGreaterThan(STEP_BYTES / 2);
    cluster.runFor(HEARTBEAT_MS);
    expect(cluster.status('c').lastLog).toEqual(cluster.status('a').lastLog);
    expect(cluster.node('a').core.wakeAt).toBeGreaterThan(cluster.now + 1);
  });

  it('holds up nobody else: what is new goes to the others at once', () => {
    const cluster = returned(1000);
    take(cluster);
    cluster.deliver({ from: 'c' });
    cluster.propose('a', 'new');
    expect(cluster.sent('append', { to: 'b' }).flatMap(({ entries }) => entries)).toHaveLength(1);
  });

  it('catches up however fast the log grows: twice what is new is sent it', () => {
    const cluster = returned(1000);
    take(cluster);
    cluster.deliver({ from: 'c' });
    let turns = 0;
    while (cluster.status('c').lastLog.index < cluster.status('a').lastLog.index) {
      turns += 1;
      cluster.propose('a', ...Array<string>(100).fill(KIB)); // more than a step
      cluster.settle();
      expect(turns).toBeLessThan(100);
    }
  });

  it('makes every turn awaited meanwhile, for any may send it more', () => {
    const cluster = returned(1000);
    take(cluster);
    const persisted = { type: 'persisted' as const, writeId: 0, ioMs: 0 };
    expect(cluster.node('a').core.isAwaited(persisted)).toBe(false);
    cluster.deliver({ from: 'c' });
    expect(cluster.node('a').core.isAwaited(persisted)).toBe(true);
  });
});
