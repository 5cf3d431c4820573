import { encodeConfiguration } from '../../lib/core/configuration.js';
import { HEARTBEAT_MS, MAX_TIMEOUT_MS, type CoreCluster } from '../support/core-cluster.js';
import { answers, change, elect, heal, isolate, ledByA, members, membership } from '../support/core-membership.js';

/** Everything that was ever a configuration in this node's log, oldest first. */
function history(cluster: CoreCluster, id: string): [index: number, joint: boolean][] {
  return cluster.node(id).eventsOf('MembershipAppended').map(({ index, joint }) => [index, joint]);
}

/** `a` leads a, b and c and has begun to replace b and c by d and e; the joint configuration is in its log alone. */
function replacing(): { cluster: CoreCluster; number: number } {
  const cluster = ledByA('abc', '', { configuration: members('abc', 'de') });
  cluster.settle();
  const number = change(cluster, 'a', { promote: ['d', 'e'], remove: ['b', 'c'] });
  cluster.persist('a');
  return { cluster, number };
}

describe('S30 Joint consensus: both majorities needed for election and commit; one call adds and removes any set', () => {
  // §6, thesis §4.3
  it('neither the new majority nor the old one commits alone', () => {
    for (const reached of ['de', 'bc', 'd', 'b']) {
      const { cluster } = replacing();
      isolate(cluster, `a${reached}`);
      const before = cluster.status('a').committed.index;
      cluster.settle();
      expect([reached, membership(cluster, 'a'), cluster.status('a').committed.index]).toEqual([reached, 'ade|abc', before]);
    }
    const { cluster, number } = replacing();
    isolate(cluster, 'abd');
    cluster.settle();
    expect(membership(cluster, 'a')).toBe('ade');
    expect(answers(cluster, 'a', number)).toMatchObject([{ refusal: null, configuration: { voters: ['a', 'd', 'e'] } }]);
  });

  it('neither elects alone, in the pre-vote as in the vote', () => {
    for (const [reached, wins] of [['de', false], ['bc', false], ['bd', false], ['bcde', true]] as const) {
      const { cluster } = replacing();
      cluster.isCut = (_from, _to, type) => type !== 'append'; // all have the entry, nobody says so
      cluster.settle();
      for (const id of 'bcde') cluster.persist(id);
      cluster.take();
      isolate(cluster, reached);
      for (let i = 0; i < 40; i += 1) cluster.runFor(MAX_TIMEOUT_MS / 4);
      const leading = [...reached].filter((id) => cluster.status(id).role === 'leader');
      expect([reached, leading.length === 1]).toEqual([reached, wins]);
      if (!wins) expect([...reached].flatMap((id) => cluster.node(id).eventsOf('ElectionStarted'))).toEqual([]);
    }
  });

  it('a quorum of answers to a round is one of both: reads, lease and check-quorum', () => {
    const { cluster } = replacing();
    isolate(cluster, 'ade');
    cluster.step('a', { type: 'read', id: 1, lease: false });
    const since = cluster.status('a').leadership?.lastQuorumAckAt;
    cluster.runFor(2 * HEARTBEAT_MS);
    expect([cluster.node('a').reads, cluster.status('a').leadership?.lastQuorumAckAt]).toEqual([[], since]);
    cluster.runFor(MAX_TIMEOUT_MS);
    expect(cluster.status('a').role).not.toBe('leader');
    expect(cluster.node('a').reads).toMatchObject([{ id: 1, refusal: 'leadershipLost' }]);
  });

  it('any set in one call: all three replaced at once, the leader among them', () => {
    const cluster = ledByA('abc', 'def');
    const number = change(cluster, 'a', { voters: ['d', 'e', 'f'], nodes: { d: 'd:1', e: 'e:1', f: { address: 'f:1', metadata: { zone: 'z' } } } });
    cluster.runFor(MAX_TIMEOUT_MS);
    expect(answers(cluster, 'a', number)).toMatchObject([{ refusal: null, configuration: { voters: ['d', 'e', 'f'], nodes: { f: { metadata: { zone: 'z' } } } } }]);
    expect(['d', 'e', 'f']).toContain(cluster.leader);
    expect([...'def'].map((id) => membership(cluster, id))).toEqual(['def', 'def', 'def']);
  });

  it('equal voters need no joint configuration: learners and addresses change in one step', () => {
    const cluster = ledByA('abc', 'd');
    change(cluster, 'a', { add: { d: { address: 'd:1', autoPromote: false } }, setAddress: { b: 'b:2' } });
    cluster.settle();
    expect(history(cluster, 'a').map(([, joint]) => joint)).toEqual([false]);
    expect(cluster.status('d').effective.configuration.nodes['b']).toEqual({ address: 'b:2' });
  });
});

describe('S31 A leader that changes while joint: the new one leaves the joint configuration', () => {
  it('whether or not the joint entry was committed when the old one fell', () => {
    for (const isCommitted of [false, true]) {
      const { cluster, number } = replacing();
      cluster.deliver({ type: 'append' });
      for (const id of 'bcde') cluster.persist(id);
      if (isCommitted) cluster.deliver({ to: 'a' });
      cluster.take();
      isolate(cluster, 'a');
      elect(cluster, 'd');
      cluster.runFor(MAX_TIMEOUT_MS);
      expect([...'bcde'].map((id) => membership(cluster, id)).slice(2)).toEqual(['ade', 'ade']);
      heal(cluster);
      cluster.runFor(3 * MAX_TIMEOUT_MS);
      expect(membership(cluster, 'a')).toBe('ade');
      expect(cluster.node('d').eventsOf('MembershipAppended').filter(({ joint, index }) => !joint && index > 2)).toHaveLength(1);
      expect(answers(cluster, 'a', number)).toMatchObject([{ refusal: 'leadershipLost' }]); // once, by the one that began it
    }
  });

  it('one that lost the joint entry goes on with the old configuration', () => {
    const { cluster, number } = replacing();
    cluster.take();
    isolate(cluster, 'a');
    elect(cluster, 'b');
    cluster.propose('b', 'x');
    cluster.settle();
    heal(cluster);
    cluster.runFor(3 * MAX_TIMEOUT_MS);
    expect([...'abcde'].map((id) => membership(cluster, id))).toEqual(Array.from('abcde', () => 'abc+de'));
    expect(cluster.node('a').eventsOf('MembershipReverted')).toMatchObject([{ index: 1 }]);
    expect(answers(cluster, 'a', number)).toMatchObject([{ refusal: 'leadershipLost' }]);
  });
});

describe('S32 Proposals during the automatic leave: exactly one leave entry', () => {
  it('commands in every turn, and a slow disk, don’t double it', () => {
    const cluster = ledByA('abc', '', { configuration: members('abc', 'de') });
    cluster.settle();
    const number = change(cluster, 'a', { promote: ['d', 'e'], remove: ['b', 'c'] });
    cluster.slowDisks.add('a');
    for (let i = 0; i < 30; i += 1) {
      cluster.propose('a', `x${i}`);
      cluster.deliver();
      for (const id of 'bcde') cluster.persist(id);
      if (i % 7 === 0) cluster.persist('a', 1);
    }
    cluster.slowDisks.clear();
    cluster.runFor(MAX_TIMEOUT_MS);
    for (const id of 'ade') expect(history(cluster, id).map(([, joint]) => joint)).toEqual([true, false]);
    expect(answers(cluster, 'a', number)).toMatchObject([{ refusal: null, index: history(cluster, 'a')[1]?.[0] }]);
    expect(cluster.status('d').applied).toEqual(cluster.status('a').lastLog);
  });

  it('nor does a leader that restarts in between', () => {
    const { cluster } = replacing();
    cluster.deliver({ type: 'append' });
    for (const id of 'bcde') cluster.persist(id);
    cluster.deliver({ to: 'a' }); // joint is committed, the leave is appended and not durable
    expect(membership(cluster, 'a')).toBe('ade');
    cluster.take();
    cluster.restart('a');
    expect(membership(cluster, 'a')).toBe('ade|abc');
    cluster.runFor(10 * MAX_TIMEOUT_MS);
    expect([...'ade'].map((id) => membership(cluster, id))).toEqual(['ade', 'ade', 'ade']);
    for (const id of 'de') expect(history(cluster, id).map(([, joint]) => joint)).toEqual([true, false]);
  });
});

describe('S33 A leader that removes itself isn’t counted, replicates until the final configuration commits, then steps down, and a successor campaigns soon', () => {
  // §6, thesis §4.2.2
  it('its own disk counts for nothing in the final configuration', () => {
    const cluster = ledByA('abc');
    change(cluster, 'a', { remove: ['a'] });
    cluster.deliver();
    for (const id of 'abc') cluster.persist(id);
    cluster.deliver({ to: 'a' }); // the joint one is committed
    cluster.isCut = (from, _to, type) => type === 'appendReply' && from === 'c';
    cluster.settle();
    expect(membership(cluster, 'a')).toBe('bc');
    expect(cluster.status('a').role).toBe('leader'); // b alone is no majority of b and c
    heal(cluster);
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(cluster.status('a').role).toBe('learner');
  });

  it('it goes on serving until then, and its successor needs no election timeout', () => {
    const cluster = ledByA('abc');
    const number = change(cluster, 'a', { remove: ['a'] });
    const index = cluster.propose('a', 'x');
    const { now } = cluster;
    cluster.settle();
    expect(cluster.now).toBe(now);
    expect(answers(cluster, 'a', number)).toMatchObject([{ refusal: null, configuration: { voters: ['b', 'c'] } }]);
    expect(cluster.node('a').eventsOf('LeadershipLost')).toMatchObject([{ reason: 'removed' }]);
    expect(['b', 'c']).toContain(cluster.leader);
    expect(cluster.status(cluster.leader ?? '').applied.index).toBeGreaterThan(index);
    cluster.runFor(20 * MAX_TIMEOUT_MS);
    expect(cluster.node('a').eventsOf('PreVoteStarted').length).toBeLessThanOrEqual(2); // before it led, never since
  });

  it('demoted, it stays as a learner', () => {
    const cluster = ledByA('abc');
    change(cluster, 'a', { demote: ['a'] });
    cluster.runFor(2 * MAX_TIMEOUT_MS);
    expect(cluster.status('a')).toMatchObject({ role: 'learner', leaderId: cluster.leader });
    expect(membership(cluster, 'a')).toBe('bc+a');
  });
});

describe('S34 The old leader loses leadership just before the final joint entry commits: the cluster still elects', () => {
  it.each(['ade', 'bde', 'abd', 'abe'])('%s are left, the final configuration is in some logs', (left) => {
    const { cluster } = replacing();
    cluster.deliver({ type: 'append' });
    for (const id of 'bcde') cluster.persist(id);
    cluster.deliver({ to: 'a' });
    cluster.persist('a');
    expect(membership(cluster, 'a')).toBe('ade'); // appended, not committed
    cluster.deliver({ to: 'd', type: 'append' });
    cluster.persist('d');
    cluster.take();
    cluster.step('a', { type: 'stepDown' });
    isolate(cluster, left);
    cluster.runFor(40 * MAX_TIMEOUT_MS);
    const leading = [...left].filter((id) => cluster.status(id).role === 'leader');
    expect(leading).toHaveLength(1);
    expect(membership(cluster, leading[0] ?? '')).toBe('ade');
    heal(cluster);
    cluster.runFor(20 * MAX_TIMEOUT_MS);
    expect(cluster.status('e').committedConfiguration.configuration).toEqual(members('ade'));
  });

  // §6, thesis §4.2.2: "the server that is not part of its own latest configuration should still start new elections"
  it('those who it leaves out alone hold the final configuration: no other log is as long, so one of them leads until it is committed', () => {
    const cluster = ledByA('abc', '', { configuration: members('abc', 'de') });
    cluster.settle();
    change(cluster, 'a', { promote: ['d', 'e'], demote: ['a', 'b'] });
    cluster.persist('a');
    cluster.deliver({ type: 'append' });
    for (const id of 'bcde') cluster.persist(id);
    cluster.deliver({ to: 'a' });
    cluster.persist('a');
    cluster.deliver({ to: 'b', type: 'append' });
    cluster.persist('b');
    cluster.take();
    expect([...'abcde'].map((id) => membership(cluster, id))).toEqual(['cde+ab', 'cde+ab', 'cde|abc+ab', 'cde|abc+ab', 'cde|abc+ab']);
    cluster.step('a', { type: 'stepDown' });
    cluster.runFor(40 * MAX_TIMEOUT_MS);
    expect([...'cde']).toContain(cluster.leader);
    expect([...'abcde'].map((id) => cluster.status(id).committedConfiguration.configuration.voters)).toEqual(Array(5).fill(['c', 'd', 'e']));
    const elections = [...'ab'].map((id) => cluster.node(id).eventsOf('PreVoteStarted').length);
    cluster.runFor(40 * MAX_TIMEOUT_MS);
    expect([...'ab'].map((id) => cluster.node(id).eventsOf('PreVoteStarted').length)).toEqual(elections); // learners for good
  });
});

describe('S35 A configuration entry that is truncated is rolled back, a pending joint one too', () => {
  it('who was only in the new half is a learner again, and the leader’s next change is judged by the old one', () => {
    const cluster = ledByA('abc', '', { configuration: members('abc', 'd') });
    cluster.settle();
    const joint = { ...members('abd'), votersOutgoing: ['a', 'b', 'c'], nodes: members('abcd').nodes };
    const { term, lastLog } = cluster.status('d');
    const entry = { index: lastLog.index + 1, term, kind: 'configuration', payload: encodeConfiguration(joint) } as const;
    cluster.inject('a', 'd', { type: 'append', term, round: 1, previous: lastLog, commit: lastLog.index, entries: [entry] });
    expect([cluster.status('d').role, membership(cluster, 'd')]).toEqual(['follower', 'abd|abc']);
    isolate(cluster, 'a');
    elect(cluster, 'b');
    cluster.settle();
    expect([cluster.status('d').role, membership(cluster, 'd')]).toEqual(['learner', 'abc+d']);
    const number = change(cluster, 'b', { promote: ['d'] });
    cluster.settle();
    expect(answers(cluster, 'b', number)).toMatchObject([{ refusal: null, configuration: { voters: ['a', 'b', 'c', 'd'] } }]);
  });
});
