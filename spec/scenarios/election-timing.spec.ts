import { configurationOf } from '../../lib/core/configuration.js';
import type { InstallSnapshot, VoteRequest } from '../../lib/core/messages.js';
import { CoreCluster, MAX_TIMEOUT_MS, MIN_TIMEOUT_MS } from '../support/core-cluster.js';
import { defined } from '../support/defined.js';

const THREE = configurationOf({ a: 'a:1', b: 'b:1', c: 'c:1' });
const vote = (term: number): VoteRequest => ({ type: 'voteRequest', term, lastLog: { index: 99, term: term - 1 }, transfer: false });

describe('S8 A quorum of pre-candidates that lost their leader may elect, even if that leader still reaches a minority', () => {
  it('three of five elect a new leader', () => {
    const cluster = new CoreCluster({ ids: ['a', 'b', 'c', 'd', 'e'] });
    cluster.elect('a');
    const withLeader = (id: string): boolean => id === 'a' || id === 'b';
    cluster.isCut = (from, to) => withLeader(from) !== withLeader(to);
    cluster.runFor(5 * MAX_TIMEOUT_MS);
    const leader = defined(cluster.leader);
    expect(['c', 'd', 'e']).toContain(leader);
    expect(cluster.status(leader).leadership).toMatchObject({ established: true });
  });
});

describe('S9 A removed, partitioned voter that returns with a higher term does not disrupt the cluster', () => {
  // thesis §4.2.3
  it('neither its pre-votes nor its votes raise a term', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    for (const id of ['a', 'b', 'c']) {
      cluster.inject('d', id, { type: 'preVoteRequest', term: 51, lastLog: { index: 99, term: 50 } });
      cluster.inject('d', id, vote(51));
    }
    cluster.settle();
    for (const id of ['a', 'b', 'c']) expect(cluster.status(id)).toMatchObject({ term: 2, leaderId: 'a' });
  });
});

describe('S10 A returning server re-added as learner with a higher term: the cluster settles, no election storm', () => {
  it('one election in a term above the learner’s, then quiet', () => {
    const cluster = new CoreCluster({ ids: ['a', 'b', 'c', 'd'], configuration: { ...THREE, learners: ['d'], nodes: { ...THREE.nodes, d: { address: 'd:1' } } }, terms: { d: 50 } });
    cluster.elect('a');
    cluster.runFor(10 * MAX_TIMEOUT_MS);
    const { term, leaderId } = cluster.status('a');
    expect(term).toBeGreaterThan(50);
    cluster.runFor(20 * MAX_TIMEOUT_MS);
    for (const id of ['a', 'b', 'c', 'd']) expect(cluster.status(id)).toMatchObject({ term, leaderId });
    expect(cluster.status('d')).toMatchObject({ role: 'learner', lastLog: cluster.status('a').lastLog });
    const elections = ['a', 'b', 'c', 'd'].flatMap((id) => cluster.node(id).eventsOf('ElectionStarted'));
    expect(elections.length).toBeLessThanOrEqual(4);
  });
});

describe('S11 A learner that has been promoted but doesn’t know it yet still votes; so does a voter whose configuration lacks the candidate', () => {
  // thesis §4.2.1
  it.each(['a', 'z'])('a learner votes for %s', (candidate) => {
    const cluster = new CoreCluster({ configuration: { ...THREE, voters: ['a', 'c'], learners: ['b'] } });
    expect(cluster.status('b').role).toBe('learner');
    cluster.inject(candidate, 'b', vote(2));
    cluster.persist('b');
    expect(cluster.sent('voteReply', { to: candidate })).toEqual([{ type: 'voteReply', term: 2, granted: true }]);
  });

  it('a learner does not campaign', () => {
    const cluster = new CoreCluster({ configuration: { ...THREE, voters: ['a', 'c'], learners: ['b'] } });
    for (let i = 0; i < 5; i += 1) cluster.timeout('b');
    expect(cluster.status('b')).toMatchObject({ role: 'learner', term: 1 });
    expect(cluster.wire).toEqual([]);
  });
});

describe('S12 No campaign while a snapshot is pending or installing', () => {
  const chunk = (fields: Partial<InstallSnapshot>): InstallSnapshot => ({
    type: 'installSnapshot',
    term: 2,
    round: 1,
    snapshot: { last: { index: 50, term: 1 }, configuration: THREE, configurationIndex: 1, bytes: 8 },
    attempt: 1,
    offset: 0,
    data: new Uint8Array(4),
    checksum: 0,
    done: false,
    ...fields,
  });

  it('its timer runs out without consequence until the snapshot is restored', () => {
    const cluster = new CoreCluster();
    for (const message of [chunk({}), chunk({ offset: 4, done: true })]) {
      cluster.inject('a', 'c', message);
      cluster.timeout('c');
      expect(cluster.node('c').eventsOf('PreVoteStarted')).toEqual([]);
    }
    cluster.step('c', ...cluster.node('c').stage(chunk({ done: true })));
    for (let i = 0; i < 5; i += 1) cluster.timeout('c');
    expect(cluster.node('c').eventsOf('PreVoteStarted')).toEqual([]);
    cluster.persist('c');
    cluster.step('c', ...cluster.node('c').install(chunk({ done: true })));
    cluster.timeout('c');
    expect(cluster.status('c')).toMatchObject({ role: 'preCandidate', lastLog: { index: 50, term: 1 } });
  });

  it('a sender that died does not mute it: without any word of a leader the next timeout but one is a campaign', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'c', chunk({}));
    cluster.timeout('c');
    expect(cluster.status('c').role).toBe('follower');
    cluster.timeout('c');
    expect(cluster.status('c').role).toBe('preCandidate');
  });

  it('every chunk counts anew, and so does a heartbeat between them', () => {
    const cluster = new CoreCluster();
    for (let round = 1; round < 10; round += 1) {
      cluster.inject('a', 'c', chunk({ round }));
      cluster.timeout('c');
      cluster.inject('a', 'c', { type: 'heartbeat', term: 2, round: round + 1, commit: 0 });
    }
    expect(cluster.node('c').eventsOf('PreVoteStarted')).toEqual([]);
  });

  it('a transfer that was given up mutes nobody: the next append is taken, and the timer counts again', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'c', chunk({}));
    cluster.inject('b', 'c', { type: 'append', term: 3, round: 1, previous: { index: 1, term: 1 }, commit: 1, entries: [] });
    cluster.persist('c');
    expect(cluster.sent('appendReply', { to: 'b' })).toMatchObject([{ matched: 1 }]);
    expect(cluster.node('c').applying).toMatchObject({ from: 1, to: 1 });
    cluster.timeout('c');
    expect(cluster.status('c').role).toBe('preCandidate');
  });

  it('what is committed meanwhile is not given to a state machine that is about to be replaced', () => {
    const cluster = new CoreCluster({ logs: { c: [1, 1, 1] } });
    cluster.inject('a', 'c', { type: 'append', term: 2, round: 1, previous: { index: 1, term: 1 }, commit: 1, entries: [] });
    cluster.inject('a', 'c', { type: 'heartbeat', term: 2, round: 2, commit: 3 });
    cluster.inject('a', 'c', chunk({ offset: 4, done: true }));
    cluster.step('c', ...cluster.node('c').stage(chunk({})));
    cluster.apply('c');
    expect(cluster.status('c')).toMatchObject({ committed: { index: 3 }, applied: { index: 1 } });
    expect(cluster.node('c').applying).toBeNull();
  });

  it('a heartbeat between the last chunk and the restored state commits nothing: the snapshot would be taken for old, and its entries applied twice', () => {
    const cluster = new CoreCluster({ logs: { c: [1, 1, 1] } });
    const last = { index: 3, term: 2 };
    const staged = { ...chunk({}).snapshot, last };
    cluster.inject('a', 'c', chunk({ snapshot: staged, offset: 4, done: true }));
    cluster.step('c', ...cluster.node('c').stage(chunk({ snapshot: staged })));
    cluster.inject('a', 'c', { type: 'heartbeat', term: 2, round: 2, commit: 3 });
    expect(cluster.status('c')).toMatchObject({ committed: { index: 0 } });
    cluster.persist('c');
    cluster.step('c', ...cluster.node('c').install(chunk({ snapshot: staged })));
    expect(cluster.status('c')).toMatchObject({ lastLog: last, committed: last, applied: last });
  });

  it('between the last chunk and the restored state nothing is appended or applied, whoever leads', () => {
    const cluster = new CoreCluster();
    const append = { type: 'append', term: 3, round: 1, previous: { index: 1, term: 1 }, commit: 1, entries: [] } as const;
    cluster.inject('a', 'c', chunk({ offset: 4, done: true }));
    cluster.step('c', ...cluster.node('c').stage(chunk({})));
    cluster.inject('b', 'c', append);
    // A second snapshot is complete before the first is restored: the end of the first doesn't unlock the log.
    const later = { ...chunk({}).snapshot, last: { index: 60, term: 1 } };
    cluster.inject('b', 'c', chunk({ term: 3, snapshot: later, offset: 4, done: true }));
    cluster.step('c', ...cluster.node('c').stage(chunk({ snapshot: later })));
    cluster.persist('c');
    cluster.step('c', ...cluster.node('c').install(chunk({})));
    cluster.inject('b', 'c', { ...append, previous: { index: 50, term: 1 }, commit: 51, entries: [{ index: 51, term: 3, kind: 'noop', payload: new Uint8Array(0) }] });
    expect(cluster.status('c')).toMatchObject({ lastLog: { index: 50 }, committed: { index: 50 } });
    cluster.persist('c');
    cluster.step('c', ...cluster.node('c').install(chunk({ snapshot: later })));
    expect(cluster.status('c')).toMatchObject({ lastLog: { index: 60 }, committed: { index: 60 } });
  });
});

describe('S13 Two candidates, same term: a split vote resolves by randomised timeouts within a few rounds', () => {
  // §5.2
  test.each(Array.from({ length: 20 }, (_, seed) => seed))('four voters, two and two, seed %i', (seed) => {
    const cluster = new CoreCluster({ ids: ['a', 'b', 'c', 'd'], options: { seed } });
    const wakeAt = (id: string): number => cluster.node(id).core.wakeAt;
    for (const id of ['a', 'b'].sort((x, y) => wakeAt(x) - wakeAt(y))) cluster.timeout(id);
    for (const [from, to] of [['a', 'c'], ['a', 'd'], ['b', 'c'], ['b', 'd']] as const) cluster.deliver({ from, to });
    cluster.deliver({ type: 'preVoteReply' });
    for (const id of ['a', 'b']) cluster.persist(id);
    cluster.deliver({ from: 'a', to: 'c', type: 'voteRequest' });
    cluster.deliver({ from: 'b', to: 'd', type: 'voteRequest' });
    cluster.settle();
    expect([cluster.status('a').term, cluster.status('b').term, cluster.leader]).toEqual([2, 2, null]);
    cluster.runFor(10 * MAX_TIMEOUT_MS);
    expect(cluster.leader).not.toBeNull();
  });
});

describe('S14 A long pause of the process leads to a fresh election timeout, not an instant campaign storm; a leader re-checks its lease before serving', () => {
  it('a follower that slept waits once more, then campaigns', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    cluster.now += 10_000;
    cluster.tick('b');
    expect(cluster.status('b')).toMatchObject({ role: 'follower', leaderId: 'a' });
    expect(cluster.node('b').eventsOf('ElectionTimeoutExtended')).toHaveLength(1);
    expect(cluster.node('b').core.wakeAt).toBeGreaterThanOrEqual(cluster.now + MIN_TIMEOUT_MS);
    cluster.timeout('b');
    expect(cluster.status('b').role).toBe('preCandidate');
  });

  it('a heartbeat that waited through the pause is heard before the timer is looked at', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    cluster.now = cluster.node('b').core.wakeAt;
    cluster.inject('a', 'b', { type: 'heartbeat', term: 2, round: 9, commit: 0 });
    expect(cluster.status('b')).toMatchObject({ role: 'follower', leaderId: 'a' });
  });

  it('a leader that slept serves no lease read, not even in the turn that wakes it, before a quorum has answered it anew', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    cluster.now += 10_000;
    cluster.step('a', { type: 'read', id: 1, lease: true });
    expect(cluster.node('a').reads).toEqual([]);
    expect(cluster.status('a')).toMatchObject({ role: 'leader', leadership: { leaseValid: false } });
    expect(cluster.node('a').eventsOf('QuorumCheckExtended')).toMatchObject([{ sleptMs: 10_000 }]);
    cluster.settle();
    expect(cluster.node('a').reads).toMatchObject([{ id: 1, refusal: null }]);
    expect(cluster.status('a').leadership).toMatchObject({ leaseValid: true });
  });

  it('a leader that slept and hears from no quorum steps down one election timeout later, however often it sleeps', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    cluster.isCut = () => true;
    cluster.now += 10_000;
    cluster.tick('a');
    cluster.now += MIN_TIMEOUT_MS - 1;
    cluster.tick('a');
    expect(cluster.status('a').role).toBe('leader');
    cluster.now += 10_000;
    cluster.tick('a');
    expect(cluster.status('a').role).toBe('follower');
    expect(cluster.node('a').eventsOf('QuorumCheckExtended')).toHaveLength(1);
  });

  it('a leader that did not sleep steps down at once', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    cluster.isCut = () => true;
    while (cluster.status('a').role === 'leader') cluster.timeout('a');
    expect(cluster.node('a').eventsOf('QuorumCheckExtended')).toEqual([]);
    expect(cluster.node('a').eventsOf('LeadershipLost')).toMatchObject([{ reason: 'quorumLost' }]);
  });

  it('a follower waits once more, not for ever, however late its timer always is', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    for (let i = 0; i < 2; i += 1) {
      cluster.now = cluster.node('b').core.wakeAt + 10_000;
      cluster.tick('b');
    }
    expect(cluster.node('b').eventsOf('ElectionTimeoutExtended')).toHaveLength(1);
    expect(cluster.status('b').role).toBe('preCandidate');
  });
});
