import { configurationOf } from '../../lib/core/configuration.js';
import type { MembershipChange } from '../../lib/core/membership-plan.js';
import { CoreCluster, HEARTBEAT_MS, MAX_TIMEOUT_MS, MIN_TIMEOUT_MS } from '../support/core-cluster.js';
import { answers, change, elect, heal, isolate, ledByA, members, membership } from '../support/core-membership.js';
import { runWithSnapshots } from '../support/core-snapshots.js';

describe('S9 A removed, partitioned voter that returns with a higher term does not disrupt the cluster', () => {
  // §6, thesis §4.2.3
  it('its pre-votes are refused in words and its term is nobody’s', () => {
    const cluster = ledByA('abc');
    isolate(cluster, 'c');
    change(cluster, 'a', { remove: ['c'] });
    cluster.runFor(5 * MAX_TIMEOUT_MS);
    expect([membership(cluster, 'a'), membership(cluster, 'b'), membership(cluster, 'c')]).toEqual(['ab', 'ab', 'abc']);
    for (const term of [7, 8, 9]) cluster.inject('z', 'c', { type: 'voteReply', term, granted: false }); // what it went through alone
    heal(cluster);
    cluster.runFor(20 * MAX_TIMEOUT_MS);
    expect(cluster.status('c').term).toBe(9);
    expect(cluster.node('c').eventsOf('PreVoteConcluded').every(({ granted, against }) => !granted && against.every((id) => 'ab'.includes(id)))).toBe(true);
    expect(cluster.node('a').eventsOf('VoteRejected').map(({ to, reason }) => [to, reason])).toContainEqual(['c', 'leaderAlive']);
    expect([cluster.status('a').role, cluster.status('a').term, cluster.status('b').term]).toEqual(['leader', 2, 2]);
    expect(cluster.node('a').eventsOf('LeadershipLost')).toEqual([]);
  });

  it('nor do its vote requests, as those of a version without pre-vote would be', () => {
    const cluster = ledByA('abc');
    isolate(cluster, 'c');
    change(cluster, 'a', { remove: ['c'] });
    cluster.runFor(5 * MAX_TIMEOUT_MS);
    for (const to of ['a', 'b']) cluster.inject('c', to, { type: 'voteRequest', term: 9, lastLog: { index: 99, term: 8 }, transfer: false });
    expect([cluster.status('a').term, cluster.status('b').term, cluster.leader]).toEqual([2, 2, 'a']);
  });
});

describe('S10 A returning server re-added as learner with a higher term: the cluster settles, no election storm', () => {
  it('one election moves everybody past its term, then there are none', () => {
    const cluster = ledByA('abc');
    isolate(cluster, 'c');
    change(cluster, 'a', { remove: ['c'] });
    cluster.runFor(2 * MAX_TIMEOUT_MS);
    for (const term of [5, 9]) cluster.inject('z', 'c', { type: 'voteReply', term, granted: false });
    change(cluster, 'a', { add: { c: { address: 'c:1', autoPromote: false } } });
    heal(cluster);
    cluster.runFor(10 * MAX_TIMEOUT_MS);
    const { leader } = cluster;
    const terms = ['a', 'b', 'c'].map((id) => cluster.status(id).term);
    expect(terms).toEqual([10, 10, 10]);
    expect(cluster.status('c')).toMatchObject({ role: 'learner', leaderId: leader });
    cluster.runFor(20 * MAX_TIMEOUT_MS);
    expect(cluster.leader).toBe(leader);
    expect(['a', 'b', 'c'].map((id) => cluster.status(id).term)).toEqual(terms);
  });
});

describe('S29 A leader proposes no configuration before it has committed an entry of its own term (the single-server bug)', () => {
  // https://groups.google.com/g/raft-dev/c/t4xj6dJTP6E
  it('it is refused until then, and taken at once after', () => {
    const cluster = new CoreCluster();
    cluster.isCut = (_from, _to, type) => type === 'append';
    cluster.elect('a');
    const early = change(cluster, 'a', { remove: ['c'] });
    expect(answers(cluster, 'a', early)).toMatchObject([{ refusal: expect.stringContaining('own term') }]);
    expect(cluster.node('a').eventsOf('MembershipRejected')).toHaveLength(1);
    expect(cluster.status('a').effective.index).toBe(1);
    heal(cluster);
    cluster.runFor(2 * HEARTBEAT_MS);
    const late = change(cluster, 'a', { remove: ['c'] });
    cluster.settle();
    expect(answers(cluster, 'a', late)).toMatchObject([{ refusal: null, configuration: { voters: ['a', 'b'] } }]);
  });

  it('a joint configuration that it inherited is not left before then either', () => {
    const cluster = ledByA('abc', 'd');
    change(cluster, 'a', { add: { d: 'd:1' }, promote: ['d'] });
    cluster.settle();
    cluster.isCut = (_from, _to, type) => type === 'append';
    change(cluster, 'a', { remove: ['d'] });
    cluster.isCut = (from, to, type) => type === 'append' && !(from === 'a' && to === 'b');
    cluster.settle();
    expect(membership(cluster, 'b')).toBe('abc|abcd');
    cluster.take();
    cluster.isCut = (from, to, type) => [from, to].includes('a') || type === 'append';
    elect(cluster, 'b');
    cluster.runFor(3 * HEARTBEAT_MS);
    expect(membership(cluster, 'b')).toBe('abc|abcd');
    isolate(cluster, 'a');
    cluster.runFor(3 * HEARTBEAT_MS);
    expect(membership(cluster, 'b')).toBe('abc');
  });
});

describe('S37 A change with a stale precondition fails and says what the configuration is now; a second concurrent change is refused', () => {
  it('stale, then right', () => {
    const cluster = ledByA('abc');
    const stale = change(cluster, 'a', { demote: ['c'] }, 7);
    expect(answers(cluster, 'a', stale)).toEqual([{ id: stale, index: 1, configuration: members('abc'), refusal: 'the configuration is at index 1, not 7' }]);
    const right = change(cluster, 'a', { demote: ['c'] }, 1);
    cluster.settle();
    expect(answers(cluster, 'a', right)).toMatchObject([{ refusal: null, configuration: { voters: ['a', 'b'], learners: ['c'] } }]);
  });

  it('while one is under way, joint or not, another is refused, and the first is answered once', () => {
    const cluster = ledByA('abc', 'de');
    const first = change(cluster, 'a', { add: { d: { address: 'd:1', autoPromote: false } } });
    const second = change(cluster, 'a', { add: { e: 'e:1' } });
    expect(answers(cluster, 'a', second)).toMatchObject([{ refusal: 'another change is under way', configuration: { learners: ['d'] } }]);
    cluster.settle();
    const joint = change(cluster, 'a', { promote: ['d'] });
    cluster.deliver();
    for (const id of 'abcd') cluster.persist(id);
    const third = change(cluster, 'a', { remove: ['b'] });
    expect(answers(cluster, 'a', third)).toMatchObject([{ refusal: 'another change is under way' }]);
    cluster.runFor(MAX_TIMEOUT_MS);
    for (const number of [first, second, joint, third]) expect(answers(cluster, 'a', number)).toHaveLength(1);
    expect(membership(cluster, 'a')).toBe('abcd');
  });

  it('two in one turn: the first is taken', () => {
    const cluster = ledByA('abc');
    cluster.step('a', { type: 'changeMembership', id: 901, change: { remove: ['b'] }, expected: null }, { type: 'changeMembership', id: 902, change: { remove: ['c'] }, expected: null });
    cluster.settle();
    expect(cluster.node('a').membershipOutcomes.map(({ id, refusal }) => [id, refusal])).toEqual([[902, 'another change is under way'], [901, null]]);
    expect(membership(cluster, 'a')).toBe('ac');
  });

  it('a follower refuses as one, a halted node too', () => {
    const cluster = ledByA('abc');
    const asked = change(cluster, 'b', { remove: ['c'] });
    cluster.step('c', { type: 'halt', reason: 'stopped' });
    const halted = change(cluster, 'c', { remove: ['b'] });
    expect(answers(cluster, 'b', asked)).toMatchObject([{ refusal: 'notLeader' }]);
    expect(answers(cluster, 'c', halted)).toMatchObject([{ refusal: 'notLeader' }]);
  });
});

describe('S38 A learner catches up before promotion; auto-promotion never leaves the cluster with a quorum that can’t progress', () => {
  // thesis §4.2.1
  it('it stays a learner while entries are missing, and becomes a voter by itself', () => {
    const cluster = ledByA('abc', 'd');
    isolate(cluster, 'd');
    cluster.propose('a', ...Array.from({ length: 50 }, (_, i) => `x${i}`));
    change(cluster, 'a', { add: { d: 'd:1' } });
    cluster.runFor(20 * MAX_TIMEOUT_MS);
    expect([membership(cluster, 'a'), cluster.node('a').eventsOf('LearnerPromoted')]).toEqual(['abc+d', []]);
    heal(cluster);
    cluster.runFor(5 * HEARTBEAT_MS);
    expect(membership(cluster, 'a')).toBe('abcd');
    expect(cluster.node('a').eventsOf('LearnerPromoted')).toMatchObject([{ learner: 'd' }]);
    expect(cluster.status('d')).toMatchObject({ role: 'follower', lastLog: cluster.status('a').lastLog });
  });

  it('one that comes by snapshot is promoted too', () => {
    const cluster = ledByA('abc', 'd');
    cluster.propose('a', 'x', 'y');
    cluster.settle();
    cluster.step('a', ...cluster.node('a').compact(4));
    change(cluster, 'a', { add: { d: 'd:1' } });
    runWithSnapshots(cluster, 20 * HEARTBEAT_MS);
    expect(membership(cluster, 'a')).toBe('abcd');
    expect(cluster.status('d')).toMatchObject({ role: 'follower', committed: cluster.status('a').committed });
  });

  it('with autoPromote off it never is', () => {
    const cluster = ledByA('abc', 'd');
    change(cluster, 'a', { add: { d: { address: 'd:1', autoPromote: false } } });
    cluster.runFor(20 * MAX_TIMEOUT_MS);
    expect(membership(cluster, 'a')).toBe('abc+d');
  });

  it('not while the voters in touch would be no quorum of the larger set; but once they are, however long that took', () => {
    const cluster = ledByA('abc', '', { configuration: members('abc', 'd') });
    cluster.settle();
    isolate(cluster, 'ab'); // two of three decide, two of four would not
    cluster.runFor(MIN_TIMEOUT_MS);
    change(cluster, 'a', { voters: ['a', 'b', 'c'], learners: ['d'], nodes: { d: { address: 'd:1', autoPromote: true } } });
    cluster.runFor(20 * MAX_TIMEOUT_MS);
    expect([membership(cluster, 'a'), cluster.leader]).toEqual(['abc+d', 'a']);
    isolate(cluster, 'abd');
    cluster.runFor(MAX_TIMEOUT_MS);
    expect([membership(cluster, 'a'), cluster.leader]).toEqual(['abcd', 'a']);
  });

  it('a learner that is not near after ten rounds is said to be held back, goes on receiving, and has its chance when it is quicker', () => {
    const cluster = ledByA('a', 'b');
    change(cluster, 'a', { add: { b: 'b:1' } });
    for (let round = 0; round < 25; round += 1) {
      cluster.isCut = (from, _to, type) => from === 'b' && type === 'appendReply';
      cluster.runFor(1.5 * MIN_TIMEOUT_MS);
      const { term, lastLog } = cluster.status('a');
      const reply = { type: 'message', from: 'b', message: { type: 'appendReply', term, round: 1, matched: lastLog.index, willing: true } } as const;
      cluster.step('a', reply, { type: 'propose', payloads: [new Uint8Array(1)] }); // the next round begins with something to fetch
    }
    expect(cluster.node('a').eventsOf('LearnerHeldBack')).toMatchObject([{ learner: 'b', reason: 'slow', rounds: 10 }]);
    expect([membership(cluster, 'a'), cluster.node('a').eventsOf('LearnerPromoted')]).toEqual(['a+b', []]);
    heal(cluster);
    cluster.runFor(2 * MAX_TIMEOUT_MS);
    expect(cluster.status('b').lastLog).toEqual(cluster.status('a').lastLog);
    expect(membership(cluster, 'a')).toBe('ab');
  });
});

describe('S39 An empty voter set, duplicate ids, and an unknown node are refused', () => {
  it.each<[string, MembershipChange, string]>([
    ['nobody', { voters: [] }, 'no voters would be left'],
    ['the last one removed', { remove: ['a', 'b', 'c'] }, 'no voters would be left'],
    ['all demoted', { demote: ['a', 'b', 'c'] }, 'no voters would be left'],
    ['one twice', { voters: ['a', 'b', 'a'] }, 'a is named twice'],
    ['voter and learner', { voters: ['a', 'b'], learners: ['b'] }, 'b is named twice'],
    ['unknown voter', { voters: ['a', 'x'] }, 'x is unknown: say where it is'],
    ['unknown learner', { voters: ['a'], learners: ['x'] }, 'x is unknown: say where it is'],
    ['bad name', { add: { 'x/y': 'x:1' } }, '"x/y" is no node id'],
    ['a member added', { add: { b: 'b:2' } }, 'b is a member already'],
    ['a stranger promoted', { promote: ['x'] }, 'x is not a member'],
    ['a stranger removed', { remove: ['x'] }, 'x is not a member'],
    ['a stranger moved', { setAddress: { x: 'x:1' } }, 'x is not a member'],
  ])('%s', (_what, wanted, reason) => {
    const cluster = ledByA('abc');
    const before = cluster.status('a');
    const number = change(cluster, 'a', wanted);
    expect(answers(cluster, 'a', number)).toEqual([{ id: number, index: 1, configuration: configurationOf({ a: 'a:1', b: 'b:1', c: 'c:1' }), refusal: reason }]);
    expect(cluster.node('a').eventsOf('MembershipRejected')).toEqual([{ type: 'MembershipRejected', term: 2, reason }]);
    expect(cluster.status('a')).toEqual(before);
  });
});
