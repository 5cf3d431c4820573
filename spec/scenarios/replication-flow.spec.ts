import { CoreCluster, HEARTBEAT_MS } from '../support/core-cluster.js';
import { defined } from '../support/defined.js';

/** A cluster of three that `a` leads, quiet. */
function ledByA(options: ConstructorParameters<typeof CoreCluster>[0] = {}): CoreCluster {
  const cluster = new CoreCluster(options);
  cluster.elect('a');
  cluster.settle();
  return cluster;
}

describe('S22 A heartbeat’s commit index is at most min(matched, committed)', () => {
  it('a follower that is behind is told no more than it has', () => {
    const cluster = ledByA();
    cluster.isCut = (from, to) => from === 'c' || to === 'c';
    cluster.propose('a', 'x', 'y');
    cluster.settle();
    cluster.timeout('a');
    const { matched } = defined(cluster.status('a').peers['c']);
    expect(cluster.status('a').committed.index).toBe(matched + 2);
    expect(cluster.sent('heartbeat', { to: 'c' }).map(({ commit }) => commit)).toEqual([matched]);
    expect(cluster.sent('heartbeat', { to: 'b' }).map(({ commit }) => commit)).toEqual([matched + 2]);
  });

  it('one that says more is refused: it commits nothing that the follower may have wrong', () => {
    const cluster = ledByA();
    cluster.inject('a', 'b', { type: 'heartbeat', term: 2, round: 99, commit: 50 });
    expect(cluster.status('b').committed.index).toBe(2);
    expect(cluster.node('b').eventsOf('MessageRejected')).toHaveLength(1);
  });

  it('an append commits no further than what it shows to be common', () => {
    const cluster = new CoreCluster({ logs: { b: [1, 1, 1] } });
    cluster.inject('a', 'b', { type: 'append', term: 2, round: 1, previous: { index: 1, term: 1 }, commit: 3, entries: [] });
    expect(cluster.status('b').committed.index).toBe(1);
  });
});

describe('S23 In-flight window full: sending pauses, and resumes after loss; an idle probing peer returns to pipelining on a heartbeat reply', () => {
  it.each([
    { bound: 'two messages', options: { maxInflightMessages: 2 }, sent: 2 },
    { bound: 'bytes of two entries', options: { maxInflightBytes: 40 }, sent: 2 },
    { bound: 'fewer bytes than one entry', options: { maxInflightBytes: 1 }, sent: 1 },
  ])('$bound', ({ options, sent }) => {
    const cluster = ledByA({ options });
    for (const command of ['1', '2', '3', '4', '5']) cluster.propose('a', command);
    expect(cluster.sent('append', { to: 'b' })).toHaveLength(sent);
    expect(cluster.status('a').peers['b']).toMatchObject({ inFlight: sent, state: 'replicate' });
    cluster.take(); // all of it is lost
    cluster.propose('a', '6');
    expect(cluster.sent('append')).toEqual([]);
    cluster.runFor(5 * HEARTBEAT_MS);
    expect(cluster.status('b').committed).toEqual(cluster.status('a').lastLog);
    expect(cluster.status('a').peers['b']).toMatchObject({ inFlight: 0, state: 'replicate' });
  });

  it('lost acknowledgements are noticed within two heartbeats, without sending anything twice', () => {
    const cluster = ledByA();
    cluster.propose('a', 'x');
    cluster.deliver({ to: 'b' });
    cluster.persist('b');
    cluster.take();
    cluster.isCut = (from, to) => to === 'c' || from === 'c';
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(cluster.status('a').committed).toEqual(cluster.status('a').lastLog);
    expect(cluster.node('b').eventsOf('LatestLog').filter(({ logId }) => logId.index === 3)).toHaveLength(1);
  });

  it('a connection that came back unnoticed', () => {
    const cluster = ledByA();
    cluster.step('a', { type: 'connection', peer: 'b', up: false, error: 'reset' });
    cluster.propose('a', 'x');
    expect(cluster.sent('append', { to: 'b' })).toEqual([]);
    expect(cluster.status('a').peers['b']).toMatchObject({ state: 'probe', inFlight: 0 });
    cluster.timeout('a');
    cluster.settle();
    expect(cluster.status('a').peers['b']).toMatchObject({ state: 'replicate', matched: 3, next: 4 });
  });
});

describe('S24 A slow follower whose needed entries were compacted receives a snapshot, never a bogus previous term', () => {
  // §7
  function behindCompaction(options: { logCacheBytes?: number } = {}): CoreCluster {
    const cluster = ledByA({ options });
    cluster.isCut = (from, to) => from === 'c' || to === 'c';
    for (const command of ['1', '2', '3', '4', '5']) cluster.propose('a', command);
    cluster.settle();
    return cluster;
  }

  it('the leader asks for a snapshot to be sent and appends nothing meanwhile, but heartbeats go on', () => {
    const cluster = behindCompaction();
    cluster.step('a', ...cluster.node('a').compact(6));
    cluster.isCut = () => false;
    cluster.runFor(3 * HEARTBEAT_MS);
    expect(cluster.node('a').snapshotSends).toEqual(['c']);
    expect(cluster.status('a').peers['c']).toMatchObject({ state: 'snapshot', matched: 2 });
    cluster.propose('a', 'x');
    cluster.timeout('a');
    expect(cluster.sent('append', { to: 'c' })).toEqual([]);
    expect(cluster.sent('heartbeat', { to: 'c' })).toHaveLength(1);
  });

  it('a failed transfer is tried again once the peer shows that it lives; one that succeeded goes on with appends', () => {
    const cluster = behindCompaction();
    const leader = cluster.node('a');
    cluster.step('a', ...leader.compact(6));
    cluster.isCut = () => false;
    cluster.runFor(2 * HEARTBEAT_MS);
    cluster.step('a', { type: 'snapshotSendEnded', peer: 'c', outcome: 'failed', ms: 5 });
    expect(leader.snapshotSends).toEqual(['c']);
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(leader.snapshotSends).toEqual(['c', 'c']);
    const snapshot = defined(leader.disk.snapshot);
    cluster.inject('a', 'c', { type: 'installSnapshot', term: 2, round: 1, snapshot, attempt: 1, offset: 0, data: new Uint8Array(100), checksum: 0, done: true });
    cluster.step('c', ...cluster.node('c').install(defined(cluster.node('c').snapshotChunks[0]).chunk));
    cluster.settle();
    expect(cluster.status('a').peers['c']).toMatchObject({ state: 'replicate', matched: 7 });
    cluster.propose('a', 'x');
    cluster.settle();
    expect(cluster.status('c')).toMatchObject({ committed: { index: 8 }, compacted: { index: 7 } });
  });

  it('entries that are compacted while they are read from storage: the answer is empty, a snapshot goes', () => {
    const cluster = behindCompaction({ logCacheBytes: 0 });
    const leader = cluster.node('a');
    cluster.isCut = () => false;
    for (let i = 0; leader.logReads.length === 0; i += 1) {
      cluster.timeout('a');
      cluster.deliver();
      cluster.deliver();
      if (i > 10) throw new Error('the leader reads nothing');
    }
    cluster.step('a', ...leader.compact(6));
    cluster.settle();
    expect(leader.snapshotSends).toEqual(['c']);
    expect(cluster.sent('append', { to: 'c' })).toEqual([]);
  });

  it('old entries that are no longer in memory are read from storage, in the leader’s order', () => {
    const cluster = behindCompaction({ logCacheBytes: 0 });
    cluster.isCut = () => false;
    cluster.runFor(3 * HEARTBEAT_MS);
    expect(cluster.status('c')).toMatchObject({ committed: { index: 7 }, lastLog: cluster.status('a').lastLog });
    expect(cluster.node('c').disk.read(1, 9)).toEqual(cluster.node('a').disk.read(1, 9));
  });
});

describe('S25 Leader disk slow, followers fast: entries commit without the leader’s own disk, and its own acknowledgement counts only when durable', () => {
  // thesis §10.2.1
  it('two followers are a majority', () => {
    const cluster = ledByA();
    cluster.slowDisks.add('a');
    cluster.propose('a', 'x');
    cluster.settle();
    expect(cluster.status('a')).toMatchObject({ persisted: { index: 2 }, committed: { index: 3 }, applied: { index: 3 } });
  });

  it('one follower and an undurable leader are not', () => {
    const cluster = ledByA();
    cluster.slowDisks.add('a');
    cluster.isCut = (from, to) => from === 'c' || to === 'c';
    cluster.propose('a', 'x');
    cluster.settle();
    expect(cluster.status('a')).toMatchObject({ peers: { b: { matched: 3 } }, committed: { index: 2 } });
    cluster.persist('a');
    expect(cluster.status('a').committed.index).toBe(3);
  });

  it('a follower acknowledges what is on its disk, write by write', () => {
    const cluster = ledByA();
    cluster.slowDisks.add('b').add('c');
    cluster.propose('a', 'x');
    cluster.settle();
    cluster.propose('a', 'y');
    cluster.settle();
    expect(cluster.status('b')).toMatchObject({ lastLog: { index: 4 }, persisted: { index: 2 } });
    expect(cluster.status('a').peers['b']?.matched).toBe(2);
    cluster.persist('b', 1);
    expect(cluster.sent('appendReply')).toMatchObject([{ matched: 3 }]);
  });
});

describe('S26 Uncommitted bytes at the bound: proposals are refused and accepted again after commit; one too large on an empty log is still accepted', () => {
  it('the bound counts what this leader appended and has not committed', () => {
    const cluster = ledByA({ options: { maxUncommittedBytes: 100 } });
    const { proposals } = cluster.node('a');
    cluster.propose('a', 'x', 'y', 'z', 'w'); // 33 bytes each
    expect(proposals.at(-1)).toEqual({ term: 2, firstIndex: 3, accepted: 3, refusal: 'overloaded' });
    cluster.propose('a', 'v');
    expect(proposals.at(-1)).toMatchObject({ accepted: 0, refusal: 'overloaded' });
    cluster.settle();
    cluster.propose('a', 'v');
    expect(proposals.at(-1)).toEqual({ term: 2, firstIndex: 6, accepted: 1, refusal: null });
    cluster.settle();
    cluster.propose('a', 'x'.repeat(1000), 'y');
    expect(proposals.at(-1)).toEqual({ term: 2, firstIndex: 7, accepted: 1, refusal: 'overloaded' });
    cluster.settle();
    expect(cluster.status('b').committed.index).toBe(7);
  });

  it('a follower refuses and says so', () => {
    const cluster = ledByA();
    cluster.propose('b', 'x');
    expect(cluster.node('b').proposals).toMatchObject([{ accepted: 0, refusal: 'notLeader' }]);
    expect(cluster.node('b').eventsOf('ProposalRejected')).toMatchObject([{ count: 1, reason: 'notLeader', leaderHint: 'a' }]);
  });
});

describe('S27 A commit index learned late costs at most one heartbeat', () => {
  it('normally none: followers are told in the turn that commits', () => {
    const cluster = ledByA();
    cluster.propose('a', 'x');
    cluster.settle();
    for (const id of ['b', 'c']) expect(cluster.status(id).committed.index).toBe(3);
  });

  it('when that notice is lost, the next heartbeat tells', () => {
    const cluster = ledByA();
    cluster.propose('a', 'x');
    cluster.deliver({ type: 'append' });
    for (const id of ['a', 'b', 'c']) cluster.persist(id);
    cluster.deliver({ type: 'appendReply' });
    cluster.take();
    expect([cluster.status('a').committed.index, cluster.status('b').committed.index]).toEqual([3, 2]);
    cluster.timeout('a');
    cluster.deliver({ type: 'heartbeat' });
    for (const id of ['b', 'c']) expect(cluster.status(id).committed.index).toBe(3);
  });
});
