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

  it.each([
    [100, 1],
    [15, 64],
    [1, 600],
  ])('catches up however fast the log grows: by %d values of %d KiB a turn', (count, kib) => {
    const cluster = returned(1000);
    take(cluster);
    cluster.deliver({ from: 'c' });
    for (let turns = 0; cluster.status('c').lastLog.index < cluster.status('a').lastLog.index; turns += 1) {
      expect(turns).toBeLessThan(50);
      const heard = cluster.take({ to: 'a' }).map(({ from, message }) => ({ type: 'message' as const, from, message }));
      const payloads = Array<Uint8Array>(count).fill(new Uint8Array(kib << 10));
      cluster.step('a', ...cluster.node('a').persist(), ...heard, { type: 'propose', payloads }); // its one turn
      cluster.deliver({ to: 'b' });
      cluster.persist('b');
      take(cluster);
    }
  });

  it('is not one whose entries a commit waits for', () => {
    const cluster = new CoreCluster({ options: { maxInflightMessages: 2 } });
    cluster.elect('a');
    cluster.runFor(HEARTBEAT_MS);
    for (let i = 0; i < 4; i += 1) cluster.propose('a', ...Array<string>(200).fill(KIB)); // two wait for room in the window
    cluster.deliver({ to: 'b' });
    cluster.persist('b');
    cluster.deliver({ from: 'b' });
    expect(cluster.sent('append', { to: 'b' }).map(({ entries }) => entries.length)).toEqual([400]);
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
