import { configurationOf } from '../../lib/core/configuration.js';
import { CoreCluster, HEARTBEAT_MS, MIN_TIMEOUT_MS } from '../support/core-cluster.js';

function read(cluster: CoreCluster, id: number, lease = false): void {
  cluster.step('a', { type: 'read', id, lease });
}

function ledByA(options: ConstructorParameters<typeof CoreCluster>[0] = {}): CoreCluster {
  const cluster = new CoreCluster(options);
  cluster.elect('a');
  cluster.settle();
  return cluster;
}

describe('S50 A new leader answers no ReadIndex before it has committed in its term', () => {
  // §8, thesis §6.4
  it.each([{ lease: false }, { lease: true }])('lease: $lease', ({ lease }) => {
    const cluster = new CoreCluster({ logs: { a: [1, 1], b: [1, 1], c: [1, 1] } });
    cluster.isCut = (_from, _to, type) => type === 'append';
    cluster.elect('a');
    read(cluster, 7, lease);
    cluster.runFor(2 * HEARTBEAT_MS);
    const { leadership, committed } = cluster.status('a');
    expect({ leadership, committed }).toMatchObject({ leadership: { leaseValid: true, established: false }, committed: { index: 0 } });
    expect(cluster.node('a').reads).toEqual([]);
    cluster.isCut = () => false;
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(cluster.node('a').reads).toEqual([{ id: 7, index: 3, refusal: null }]);
    expect(cluster.status('a').leadership).toMatchObject({ established: true });
  });
});

describe('S51 ReadIndex acknowledgements count current voters only, with unique monotonic contexts', () => {
  // thesis §6.4
  it('a learner’s answer confirms nothing', () => {
    const configuration = { ...configurationOf({ a: '', b: '', c: '', d: '' }), voters: ['a', 'b', 'c'], learners: ['d'] };
    const cluster = ledByA({ ids: ['a', 'b', 'c', 'd'], configuration });
    read(cluster, 1);
    cluster.deliver({ to: 'd' });
    cluster.deliver({ from: 'd' });
    cluster.inject('z', 'a', { type: 'heartbeatReply', term: 2, round: 2, willing: true });
    expect(cluster.status('a').peers['d']?.lastContactAt).toBe(cluster.now);
    expect(cluster.node('a').reads).toEqual([]);
    cluster.deliver({ to: 'b' });
    cluster.deliver({ from: 'b' });
    expect(cluster.node('a').reads).toMatchObject([{ id: 1, refusal: null }]);
  });

  it('late, doubled and invented answers confirm nothing newer than what they echo', () => {
    const cluster = ledByA();
    read(cluster, 1);
    const [heartbeat] = cluster.sent('heartbeat', { to: 'b' });
    const round = heartbeat?.round ?? 0;
    for (const echoed of [round - 1, round - 1, round + 1, round + 1000, 0]) {
      cluster.inject('b', 'a', { type: 'heartbeatReply', term: 2, round: echoed, willing: true });
      cluster.inject('c', 'a', { type: 'heartbeatReply', term: 1, round, willing: true });
    }
    expect(cluster.node('a').reads).toEqual([]);
    cluster.inject('b', 'a', { type: 'heartbeatReply', term: 2, round, willing: true });
    expect(cluster.node('a').reads).toMatchObject([{ id: 1, index: 2 }]);
  });

  it('a follower echoes the rounds of this term’s leader, not those of the last', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'b', { type: 'heartbeat', term: 2, round: 9, commit: 0 });
    cluster.inject('c', 'b', { type: 'append', term: 3, round: 4, previous: { index: 1, term: 1 }, commit: 0, entries: [] });
    cluster.persist('b');
    expect(cluster.wire).toMatchObject([{ to: 'c', message: { type: 'appendReply', term: 3, round: 4 } }]);
  });

  it('a read that arrives while a round is under way waits for the next; it may not use what began before it', () => {
    const cluster = ledByA();
    read(cluster, 1);
    const first = cluster.take({ type: 'heartbeat' });
    read(cluster, 2);
    expect(cluster.sent('heartbeat')).toEqual([]);
    for (const { to, message } of first) cluster.inject('a', to, message);
    cluster.deliver({ from: 'b' });
    expect(cluster.node('a').reads.map(({ id }) => id)).toEqual([1]);
    cluster.settle();
    expect(cluster.node('a').reads.map(({ id }) => id)).toEqual([1, 2]);
  });

  it('all that wait share one round, each with the commit index of its own arrival', () => {
    const cluster = ledByA();
    cluster.isCut = () => true;
    read(cluster, 1);
    cluster.settle();
    read(cluster, 2);
    cluster.propose('a', 'x');
    cluster.isCut = (_from, _to, type) => type === 'heartbeat';
    cluster.settle();
    cluster.runFor(2 * HEARTBEAT_MS);
    read(cluster, 3);
    cluster.isCut = () => false;
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(cluster.node('a').reads.map(({ id, index }) => [id, index])).toEqual([[1, 2], [2, 2], [3, 3]]);
  });

  it('a single voter confirms itself at once', () => {
    const cluster = new CoreCluster({ ids: ['a'] });
    cluster.settle();
    read(cluster, 1);
    expect(cluster.node('a').reads).toEqual([{ id: 1, index: 2, refusal: null }]);
  });
});

describe('S52 A deposed leader that doesn’t know it yet serves no linearizable read', () => {
  // §8
  it('cut off: it waits, and refuses when it learns', () => {
    const cluster = ledByA();
    cluster.isCut = (from, to) => from === 'a' || to === 'a';
    cluster.now += MIN_TIMEOUT_MS - 1; // just before check-quorum would end it
    read(cluster, 1);
    read(cluster, 2, true);
    expect(cluster.node('a').status.role).toBe('leader');
    for (const id of ['b', 'c']) cluster.inject('a', id, { type: 'voteRequest', term: 9, lastLog: { index: 9, term: 9 }, transfer: true });
    cluster.isCut = () => false;
    cluster.settle();
    expect(cluster.node('a').reads.map(({ id, refusal }) => [id, refusal]).sort()).toEqual([[1, 'leadershipLost'], [2, 'leadershipLost']]);
  });

  it('its lease is over before anybody can have taken its place', () => {
    for (let seed = 0; seed < 30; seed += 1) {
      const cluster = new CoreCluster({ options: { seed } });
      cluster.elect('a');
      cluster.runFor(seed * 7);
      cluster.isCut = (from, to) => from === 'a' || to === 'a';
      for (;;) {
        const next = cluster.node('b').core.wakeAt < cluster.node('c').core.wakeAt ? 'b' : 'c';
        cluster.timeout(next);
        cluster.settle();
        if (cluster.leader === next) break;
      }
      cluster.node('a').reads = [];
      read(cluster, 1, true);
      expect(cluster.node('a').reads.filter(({ refusal }) => refusal === null)).toEqual([]);
    }
  });
});

describe('S54 Five nodes, the leader reaches one follower: no heartbeat, replication or read renews the lease', () => {
  it('two of five are no quorum, however often they talk', () => {
    const cluster = ledByA({ ids: ['a', 'b', 'c', 'd', 'e'] });
    cluster.runFor(HEARTBEAT_MS);
    const before = cluster.status('a').leadership?.lastQuorumAckAt;
    cluster.isCut = (from, to) => !['a', 'b'].includes(from) || !['a', 'b'].includes(to);
    for (let i = 1; i <= 9; i += 1) {
      cluster.propose('a', `x${i}`);
      read(cluster, i, true);
      cluster.runFor(MIN_TIMEOUT_MS / 10);
      expect(cluster.status('a').leadership?.lastQuorumAckAt).toBe(before);
    }
    const { reads } = cluster.node('a');
    const served = reads.length;
    read(cluster, 10, true);
    cluster.runFor(MIN_TIMEOUT_MS);
    expect(cluster.status('a').role).not.toBe('leader');
    expect(reads.slice(served)).toMatchObject([{ id: 10, refusal: 'leadershipLost' }]);
  });
});
