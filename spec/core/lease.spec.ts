import { CoreCluster, HEARTBEAT_MS } from '../support/core-cluster.js';

describe('the lease of a leader whose peers have all left', () => {
  it('goes on by a round of its own, and leaves no deadline in the past', () => {
    const cluster = new CoreCluster({ options: { leaseDriftMargin: 0.5 } }); // it lasts two heartbeats and a half
    cluster.elect('a');
    cluster.runFor(HEARTBEAT_MS);
    cluster.timeout('a');
    cluster.settle();
    const { core } = cluster.node('a');
    const since = cluster.now;
    cluster.step('a', { type: 'changeMembership', id: 1, change: { remove: ['b', 'c'] }, expected: null });
    cluster.deliver({ from: 'a' });
    for (const id of ['a', 'b', 'c']) cluster.persist(id);
    const agreed = cluster.take({ to: 'a' });
    for (let round = 0; round < 2; round += 1) {
      cluster.timeout('a');
      cluster.take(); // nobody answers it
    }
    for (const { from, message } of agreed) cluster.inject(from, 'a', message); // of the round before
    cluster.isCut = () => true;
    cluster.settle();
    expect(core.configuration.voters).toEqual(['a']);
    expect(core.isLeader).toBe(true);
    for (let i = 0; i < 10; i += 1) {
      expect(core.wakeAt).toBeGreaterThan(cluster.now);
      cluster.timeout('a');
    }
    expect(cluster.now).toBeGreaterThan(since + 2.5 * HEARTBEAT_MS);
    expect(cluster.status('a').leadership?.leaseValid).toBe(true);
  });
});
