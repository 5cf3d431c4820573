import type { VoteRequest } from '../../lib/core/messages.js';
import { CoreCluster, HEARTBEAT_MS, MAX_TIMEOUT_MS, MIN_TIMEOUT_MS } from '../support/core-cluster.js';

/** A request for votes by somebody whose log beats all others. */
function voteRequest(term: number, fields: Partial<VoteRequest> = {}): VoteRequest {
  return { type: 'voteRequest', term, lastLog: { index: 99, term: term - 1 }, transfer: false, ...fields };
}

function isolate(cluster: CoreCluster, ...ids: string[]): void {
  cluster.isCut = (from, to) => ids.includes(from) !== ids.includes(to);
}

describe('S1 Three nodes elect exactly one leader; a single node elects itself and applies nothing before its entry is durable', () => {
  // §5.2
  test.each(Array.from({ length: 20 }, (_, seed) => seed))('three nodes, seed %i', (seed) => {
    const cluster = new CoreCluster({ options: { seed } });
    cluster.runFor(20 * MAX_TIMEOUT_MS);
    const leader = cluster.leader;
    expect(leader).not.toBeNull();
    for (const id of ['a', 'b', 'c']) expect(cluster.status(id)).toMatchObject({ leaderId: leader, role: id === leader ? 'leader' : 'follower' });
  });

  it('a single node campaigns at once and waits for its own disk at every step', () => {
    const cluster = new CoreCluster({ ids: ['a'] });
    const node = cluster.node('a');
    expect(node.status).toMatchObject({ role: 'candidate', term: 2, persistedTerm: 1 });
    cluster.persist('a');
    expect(node.status).toMatchObject({ role: 'leader', committed: { index: 0 } });
    cluster.propose('a', 'x');
    expect(node.applying).toBeNull();
    cluster.persist('a', 1); // the no-op
    expect(node.status.committed).toEqual({ index: 2, term: 2 });
    expect(node.applying).toMatchObject({ from: 1, to: 2 });
    cluster.persist('a');
    expect(node.status.committed).toEqual({ index: 3, term: 2 });
  });
});

describe('S2 A candidate with a stale log never wins; only the persisted last index and term count, for its own vote too', () => {
  // §5.4.1
  it.each([
    { why: 'a shorter log of the same term', stale: [1], others: [1, 1] },
    { why: 'a longer log of an older term', stale: [1, 1, 1], others: [1, 2] },
  ])('$why', ({ stale, others }) => {
    const cluster = new CoreCluster({ logs: { a: stale, b: others, c: others }, terms: { a: 2, b: 2, c: 2 } });
    cluster.timeout('a');
    cluster.settle();
    expect(cluster.status('a')).toMatchObject({ role: 'follower', term: 2 });
    cluster.inject('a', 'b', voteRequest(3, { lastLog: cluster.status('a').lastLog }));
    cluster.persist('b');
    expect(cluster.sent('voteReply', { from: 'b' })).toEqual([{ type: 'voteReply', term: 3, granted: false }]);
    cluster.runFor(10 * MAX_TIMEOUT_MS);
    expect(cluster.leader).not.toBeNull();
    expect(cluster.node('a').eventsOf('LeadershipAcquired')).toEqual([]);
  });

  it('an entry that is not on the disk yet neither helps a candidate nor makes a voter refuse', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    cluster.slowDisks.add('b').add('c');
    cluster.propose('a', 'x');
    cluster.settle();
    const durable = cluster.status('b').persisted;
    expect(cluster.status('b').lastLog.index).toBe(durable.index + 1);
    cluster.now += MIN_TIMEOUT_MS;
    cluster.inject('b', 'c', { type: 'preVoteRequest', term: 3, lastLog: durable });
    expect(cluster.sent('preVoteReply', { from: 'c' })).toEqual([{ type: 'preVoteReply', term: 3, granted: true }]);
    cluster.take();
    cluster.timeout('b');
    expect(cluster.sent('preVoteRequest', { to: 'c' })).toEqual([{ type: 'preVoteRequest', term: 3, lastLog: durable }]);
    cluster.inject('b', 'c', voteRequest(3, { lastLog: durable, transfer: true }));
    cluster.persist('c');
    expect(cluster.sent('voteReply', { from: 'c' })).toEqual([{ type: 'voteReply', term: 3, granted: true }]);
  });

  it('a candidate asks and counts itself only once its vote is on the disk', () => {
    const cluster = new CoreCluster();
    cluster.timeout('a');
    cluster.deliver();
    cluster.deliver({ from: 'b', type: 'preVoteReply' });
    expect(cluster.status('a')).toMatchObject({ role: 'candidate', term: 2 });
    expect(cluster.sent('voteRequest')).toEqual([]);
    cluster.inject('b', 'a', { type: 'voteReply', term: 2, granted: true });
    expect(cluster.status('a').role).toBe('candidate');
    cluster.persist('a');
    expect(cluster.sent('voteRequest')).toHaveLength(2);
    expect(cluster.status('a').role).toBe('leader');
  });
});

describe('S3 Term and vote are durable, atomically, before any reply leaves; a crash between them never allows two votes in a term', () => {
  // §5.1, §5.2, figure 2
  it('the answer waits for the one write that holds both', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'b', voteRequest(2));
    expect(cluster.wire).toEqual([]);
    expect(cluster.node('b').writes).toMatchObject([{ hardState: { term: 2, votedFor: 'a' } }]);
    cluster.persist('b');
    expect(cluster.sent('voteReply', { to: 'a' })).toEqual([{ type: 'voteReply', term: 2, granted: true }]);
  });

  it('a vote that was told binds after a restart; one that was lost was not told', () => {
    for (const isDurable of [true, false]) {
      const cluster = new CoreCluster();
      cluster.inject('a', 'b', voteRequest(2));
      if (isDurable) cluster.persist('b');
      expect(cluster.take({ type: 'voteReply' })).toHaveLength(isDurable ? 1 : 0);
      cluster.restart('b');
      cluster.inject('c', 'b', voteRequest(2, { transfer: true }));
      cluster.persist('b');
      expect(cluster.sent('voteReply', { to: 'c' })).toEqual([{ type: 'voteReply', term: 2, granted: !isDurable }]);
    }
  });

  it('a later term in the same turn, or before the disk is done, withdraws the answer', () => {
    const cluster = new CoreCluster();
    cluster.step('b', { type: 'message', from: 'a', message: voteRequest(2) }, { type: 'message', from: 'c', message: voteRequest(3) });
    cluster.inject('a', 'b', voteRequest(4));
    cluster.persist('b');
    expect(cluster.wire).toEqual([{ from: 'b', to: 'a', message: { type: 'voteReply', term: 4, granted: true } }]);
  });

  it('an append of a new term is not acknowledged before the term is on the disk', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'b', { type: 'append', term: 2, round: 1, previous: { index: 1, term: 1 }, commit: 0, entries: [] });
    cluster.inject('a', 'b', { type: 'heartbeat', term: 2, round: 2, commit: 0 });
    expect(cluster.wire).toEqual([]);
    cluster.persist('b');
    expect(cluster.wire.map(({ message }) => message.type)).toEqual(['appendReply', 'heartbeatReply']);
  });
});

describe('S4 Pre-vote: a partitioned node that returns does not raise the term; a stale own vote does not block a round; a pre-candidate starts from nothing', () => {
  // thesis §9.6
  it('a partitioned node keeps its term and joins again without an election', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    isolate(cluster, 'c');
    cluster.runFor(20 * MAX_TIMEOUT_MS);
    expect(cluster.status('c')).toMatchObject({ term: 2, role: 'preCandidate' });
    cluster.isCut = () => false;
    cluster.runFor(5 * MAX_TIMEOUT_MS);
    for (const id of ['a', 'b', 'c']) expect(cluster.status(id)).toMatchObject({ term: 2, leaderId: 'a' });
  });

  it('servers that voted for the lost leader grant each other the next round', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    expect([cluster.status('b').persistedVote, cluster.status('c').persistedVote]).toEqual(['a', 'a']);
    isolate(cluster, 'a');
    cluster.elect('b');
    expect(cluster.status('b').term).toBe(3);
  });

  it('answers to an earlier round do not count in the next', () => {
    const cluster = new CoreCluster({ ids: ['a', 'b', 'c', 'd', 'e'] });
    cluster.elect('a');
    const grant = { type: 'preVoteReply', term: 3, granted: true } as const;
    cluster.timeout('b');
    expect(cluster.status('b')).toMatchObject({ role: 'preCandidate', leaderId: null });
    cluster.inject('c', 'b', grant);
    cluster.timeout('b');
    cluster.inject('d', 'b', grant);
    expect(cluster.status('b').role).toBe('preCandidate');
    cluster.inject('c', 'b', { ...grant, term: 2 }); // an answer to the campaign for term 2
    expect(cluster.status('b').role).toBe('preCandidate');
    cluster.inject('c', 'b', grant);
    expect(cluster.status('b').role).toBe('candidate');
    cluster.persist('b');
    for (const id of ['c', 'd']) cluster.inject(id, 'b', { type: 'voteReply', term: 2, granted: true });
    expect(cluster.status('b')).toMatchObject({ role: 'candidate', term: 3 });
  });
});

describe('S5 A lower-term pre-vote request is rejected explicitly', () => {
  // Silence deadlocks: the server with the newest log has the older term, and learns the newer one from nobody.
  it('the server with the better log and the older term is told the term, and wins', () => {
    const cluster = new CoreCluster({ logs: { a: [1, 1], b: [1] }, terms: { a: 1, b: 5 } });
    isolate(cluster, 'c');
    cluster.timeout('a');
    cluster.deliver();
    expect(cluster.sent('preVoteReply', { from: 'b' })).toEqual([{ type: 'preVoteReply', term: 5, granted: false }]);
    cluster.runFor(10 * MAX_TIMEOUT_MS);
    expect(cluster.leader).toBe('a');
  });
});

describe('S6 Check-quorum: a leader without a quorum steps down within one election timeout and refuses lease reads from then on', () => {
  // thesis §6.2, §6.4.1
  it('lease, silence, end of leadership: each at its millisecond', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    cluster.runFor(HEARTBEAT_MS);
    const node = cluster.node('a');
    const since = node.status.leadership?.lastQuorumAckAt ?? 0;
    isolate(cluster, 'a');
    const readAt = (now: number): void => {
      cluster.now = now;
      cluster.step('a', { type: 'read', id: now - since, lease: true });
    };
    readAt(since + 0.9 * MIN_TIMEOUT_MS - 1);
    expect(node.reads).toMatchObject([{ id: 89, refusal: null }]);
    readAt(since + 0.9 * MIN_TIMEOUT_MS);
    expect(node.reads).toHaveLength(1);
    expect(node.status.leadership).toMatchObject({ leaseValid: false });
    cluster.now = since + MIN_TIMEOUT_MS - 1;
    cluster.tick('a');
    expect(node.status.role).toBe('leader');
    readAt(since + MIN_TIMEOUT_MS);
    expect(node.status).toMatchObject({ role: 'follower', leaderId: null });
    expect(node.eventsOf('LeadershipLost')).toMatchObject([{ reason: 'quorumLost' }]);
    expect(node.reads.slice(1)).toMatchObject([{ id: 90, refusal: 'leadershipLost' }, { id: 100, refusal: 'notLeader' }]);
  });
});

describe('S7 A follower that hears a live leader refuses votes, except for a leadership transfer', () => {
  // thesis §4.2.3
  it.each([
    { transfer: false, afterMs: MIN_TIMEOUT_MS - 1, granted: false },
    { transfer: true, afterMs: 0, granted: true },
    { transfer: false, afterMs: MIN_TIMEOUT_MS, granted: true },
  ])('transfer $transfer, $afterMs ms after the last heartbeat: granted $granted', ({ transfer, afterMs, granted }) => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    cluster.now += afterMs;
    cluster.inject('c', 'b', voteRequest(3, { transfer }));
    cluster.persist('b');
    expect(cluster.sent('voteReply', { from: 'b' })).toEqual([{ type: 'voteReply', term: granted ? 3 : 2, granted }]);
    expect(cluster.status('b').term).toBe(granted ? 3 : 2);
  });

  it('learning a later term does not release a follower from the lease that it acknowledged', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    expect(cluster.status('a').leadership).toMatchObject({ leaseValid: true });
    cluster.inject('c', 'b', { type: 'preVoteReply', term: 3, granted: false }); // late, to an old question
    cluster.inject('c', 'b', voteRequest(3));
    cluster.persist('b');
    expect(cluster.sent('voteReply', { from: 'b' })).toEqual([{ type: 'voteReply', term: 3, granted: false }]);
    cluster.now += MIN_TIMEOUT_MS;
    cluster.inject('c', 'b', voteRequest(3));
    cluster.persist('b');
    expect(cluster.sent('voteReply', { from: 'b' })).toContainEqual({ type: 'voteReply', term: 3, granted: true });
  });

  it('a restarted follower keeps still for as long as a lease that it has forgotten may run', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    cluster.restart('b');
    cluster.now += MIN_TIMEOUT_MS - 1;
    cluster.inject('c', 'b', voteRequest(3));
    cluster.now += 1;
    cluster.inject('c', 'b', voteRequest(3));
    cluster.persist('b');
    expect(cluster.sent('voteReply', { from: 'b' }).map(({ granted }) => granted)).toEqual([false, true]);
  });
});
