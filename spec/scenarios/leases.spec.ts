import { HEARTBEAT_MS, MAX_TIMEOUT_MS, MIN_TIMEOUT_MS, type CoreCluster } from '../support/core-cluster.js';
import { change, elect, heal, isolate, ledByA, membership } from '../support/core-membership.js';
import { carrySnapshots } from '../support/core-snapshots.js';

let nextId = 1;

/** Whether a lease read at this moment is answered at once, without a round. */
function isServed(cluster: CoreCluster, id = 'a'): boolean {
  const number = nextId++;
  cluster.step(id, { type: 'read', id: number, lease: true });
  return cluster.node(id).reads.some((read) => read.id === number && read.refusal === null);
}

/** Led by `a`, with a lease that began `sinceMs` ago. */
function leased(sinceMs = 0, drift = 0.2): CoreCluster {
  const cluster = ledByA('abc', '', { options: { leaseDriftMargin: drift } });
  cluster.runFor(HEARTBEAT_MS);
  cluster.settle();
  cluster.isCut = () => true;
  cluster.take();
  cluster.now += sinceMs;
  return cluster;
}

describe('S53 Lease reads stop when the lease may have expired, by the monotonic clock with a drift margin; during and after a transfer with a delayed TimeoutNow too', () => {
  // thesis §6.4.1
  it.each([[0, 100], [0.2, 80], [0.5, 50]])('with a margin of %d it is over after %d of 100 ms', (drift, lastsMs) => {
    const cluster = leased(0, drift);
    const since = cluster.status('a').leadership?.lastQuorumAckAt ?? NaN;
    cluster.now = since + lastsMs - 1;
    expect(isServed(cluster)).toBe(true);
    cluster.now = since + lastsMs;
    expect(isServed(cluster)).toBe(false);
    expect(cluster.node('a').eventsOf('LeaseChanged').at(-1)).toMatchObject({ valid: false });
  });

  it('it counts from when the round began, not from when its answers came', () => {
    const cluster = ledByA('abc', '', { options: { leaseDriftMargin: 0 } });
    cluster.runFor(HEARTBEAT_MS);
    cluster.runFor(HEARTBEAT_MS);
    const begun = cluster.now;
    cluster.timeout('a');
    const [heartbeat] = cluster.take({ to: 'b', type: 'heartbeat' });
    const roundBegan = cluster.now;
    expect(roundBegan).toBeGreaterThan(begun);
    cluster.now += 60;
    cluster.isCut = () => true;
    if (heartbeat !== undefined) cluster.inject('a', 'b', heartbeat.message);
    heal(cluster);
    cluster.deliver({ from: 'b', to: 'a' });
    cluster.isCut = () => true;
    expect(cluster.status('a').leadership?.lastQuorumAckAt).toBe(roundBegan);
    cluster.now = roundBegan + MIN_TIMEOUT_MS - 1;
    expect(isServed(cluster)).toBe(true);
    cluster.now += 1;
    expect(isServed(cluster)).toBe(false);
  });

  it('from TimeoutNow on no lease read is served in this term, however many rounds follow', () => {
    const cluster = ledByA('abc');
    expect(isServed(cluster)).toBe(true);
    cluster.step('a', { type: 'transfer', id: 1, to: 'b', timeoutMs: 50 });
    const delayed = cluster.take({ type: 'timeoutNow' });
    expect(delayed).toHaveLength(1);
    expect(isServed(cluster)).toBe(false);
    cluster.runFor(10 * MAX_TIMEOUT_MS);
    expect(cluster.node('a').transferOutcomes).toMatchObject([{ outcome: 'timedOut' }]);
    expect([cluster.leader, cluster.status('a').leadership?.leaseValid, isServed(cluster)]).toEqual(['a', false, false]);
    // The message that was held up elects b against every promise of stickiness; a, cut off, must not serve what b overwrites.
    isolate(cluster, 'a');
    for (const { message } of delayed) cluster.inject('a', 'b', message);
    cluster.settle();
    cluster.propose('b', 'new');
    cluster.settle();
    expect([cluster.status('b').role, cluster.status('a').role, isServed(cluster)]).toEqual(['leader', 'leader', false]);
  });

  it('a linearizable read is served meanwhile, by a round', () => {
    const cluster = ledByA('abc');
    cluster.step('a', { type: 'transfer', id: 1, to: 'b', timeoutMs: 50 });
    cluster.take({ type: 'timeoutNow' });
    cluster.step('a', { type: 'read', id: 999, lease: true });
    cluster.settle();
    expect(cluster.node('a').reads.at(-1)).toMatchObject({ id: 999, refusal: null });
  });

  it('before the target is told, and in a later term, the lease holds', () => {
    const cluster = ledByA('abc');
    cluster.isCut = (from, to) => from === 'b' || to === 'b';
    cluster.propose('a', 'x');
    cluster.step('a', { type: 'transfer', id: 1, to: 'b', timeoutMs: 50 });
    cluster.settle();
    expect(isServed(cluster)).toBe(true);
    heal(cluster);
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(cluster.leader).toBe('b');
    cluster.step('b', { type: 'transfer', id: 2, to: 'a', timeoutMs: 50 });
    cluster.runFor(2 * HEARTBEAT_MS);
    expect([cluster.leader, isServed(cluster)]).toEqual(['a', true]);
  });

  it('a follower that acknowledged the lease does not campaign against it, not even when the application asks it to', () => {
    const cluster = ledByA('abc');
    cluster.isCut = (from, to, type) => (from + to).includes('c') && ((from + to).includes('a') || type === 'preVoteRequest');
    cluster.runFor(3 * MAX_TIMEOUT_MS); // `c` hears no leader and would vote for anybody; `b` keeps the lease of `a` alive
    expect(cluster.status('a').leadership).toMatchObject({ leaseValid: true });
    isolate(cluster, 'a');
    cluster.step('b', { type: 'campaign' });
    cluster.settle();
    expect(cluster.node('b').eventsOf('VoteRejected').at(-1)).toMatchObject({ to: 'b', preVote: true, reason: 'leaderAlive' });
    expect([isServed(cluster), cluster.status('b').role]).toEqual([true, 'follower']);
    cluster.runFor(MIN_TIMEOUT_MS);
    expect(isServed(cluster)).toBe(false);
    cluster.step('b', { type: 'campaign' });
    cluster.settle();
    expect(cluster.leader).toBe('b');
  });

  it('a server that restarts as the only voter waits, if its log knows of others: one of them may lead with a lease', () => {
    const cluster = ledByA('ab');
    elect(cluster, 'b');
    cluster.runFor(HEARTBEAT_MS);
    cluster.isCut = (from, _to, type) => from === 'a' && type === 'appendReply';
    change(cluster, 'b', { remove: ['b'] });
    cluster.settle();
    cluster.isCut = () => false;
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(membership(cluster, 'a')).toBe('a');
    cluster.restart('a');
    expect(cluster.status('a').role).not.toBe('leader');
    cluster.settle();
    expect(cluster.status('a').role).toBe('follower');
    cluster.runFor(3 * MAX_TIMEOUT_MS);
    expect(cluster.leader).toBe('a');
  });

  it('a server that was always alone leads at once', () => {
    const cluster = ledByA('a');
    cluster.restart('a');
    cluster.settle();
    expect(cluster.leader).toBe('a');
  });

  it('a leader that was removed serves nothing from the turn on in which it tells its successor', () => {
    const cluster = ledByA('abc');
    change(cluster, 'a', { remove: ['a'] });
    let told = false;
    for (let i = 0; i < 50 && !told; i += 1) {
      cluster.deliver();
      for (const id of 'abc') cluster.persist(id);
      told = cluster.sent('timeoutNow').length > 0;
    }
    expect([told, isServed(cluster), cluster.status('a').role]).toEqual([true, false, 'learner']);
  });
});

describe('S54 Five nodes, bridge partition, leader reaches one follower: no snapshot, learner or removed voter renews the lease either', () => {
  it('chunks that one follower acknowledges are no quorum', () => {
    const cluster = ledByA('abcde');
    cluster.isCut = (from, to) => from === 'b' || to === 'b';
    cluster.propose('a', ...Array.from({ length: 20 }, () => 'x'));
    cluster.runFor(HEARTBEAT_MS);
    cluster.step('a', ...cluster.node('a').compact(20));
    isolate(cluster, 'ab');
    const since = cluster.status('a').leadership?.lastQuorumAckAt;
    for (let i = 0; i < 9; i += 1) {
      cluster.runFor(MIN_TIMEOUT_MS / 10);
      carrySnapshots(cluster);
      expect(cluster.status('a').leadership?.lastQuorumAckAt).toBe(since);
    }
    expect(cluster.status('b').snapshot.index).toBeGreaterThanOrEqual(20);
    cluster.runFor(MIN_TIMEOUT_MS / 5);
    expect(cluster.status('a').role).not.toBe('leader');
  });

  it('a learner’s answers, and those of a voter that the joint configuration has dropped from both halves', () => {
    const cluster = ledByA('abc', 'd');
    change(cluster, 'a', { add: { d: { address: 'd:1', autoPromote: false } } });
    cluster.settle();
    change(cluster, 'a', { remove: ['c'] });
    cluster.settle();
    expect(membership(cluster, 'a')).toBe('ab+d');
    cluster.isCut = (from, to) => from === 'b' || to === 'b';
    const since = cluster.status('a').leadership?.lastQuorumAckAt;
    cluster.runFor(HEARTBEAT_MS);
    const round = cluster.node('a').core.round;
    cluster.inject('c', 'a', { type: 'heartbeatReply', term: 2, round, willing: true });
    expect(cluster.status('a').peers['d']?.lastContactAt).toBeGreaterThan(since ?? 0);
    expect(cluster.status('a').leadership?.lastQuorumAckAt).toBe(since);
    cluster.runFor(MAX_TIMEOUT_MS);
    expect(cluster.status('a').role).not.toBe('leader');
  });
});
