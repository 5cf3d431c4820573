import { HEARTBEAT_MS, MAX_TIMEOUT_MS, type CoreCluster } from '../support/core-cluster.js';
import { answers, change, elect, heal, isolate, ledByA, members, membership } from '../support/core-membership.js';

function transfer(cluster: CoreCluster, to: string | null, timeoutMs = 100): void {
  cluster.step('a', { type: 'transfer', id: 1, to, timeoutMs });
}

/** What became of the transfer, every time it was told, and the events that said so: one that was refused was never started. */
function outcome(cluster: CoreCluster): (string | null)[][] {
  const node = cluster.node('a');
  const told = node.transferOutcomes.map(({ outcome: what, to, reason }) => [what, to, reason]);
  const isRefusal = ([what]: (string | null)[]): boolean => what === 'refused';
  expect(node.eventsOf('LeadershipTransferEnded').map(({ outcome: what, to, reason }) => [what, to, reason])).toEqual(told.filter((each) => !isRefusal(each)));
  expect(node.eventsOf('TransferRejected').map(({ to, reason }) => ['refused', to, reason])).toEqual(told.filter(isRefusal));
  return told;
}

function refusal(cluster: CoreCluster): string | null {
  cluster.propose('a', 'x');
  return cluster.node('a').proposals.at(-1)?.refusal ?? null;
}

describe('S15 Priority: a higher-priority voter takes leadership when its log allows; never at the price of a shorter log', () => {
  /** `a` leads, and has just begun to tell everybody what they are worth. */
  const prefer = (priorities: Readonly<Record<string, number>>, learners = ''): CoreCluster => {
    const cluster = ledByA('abc', '', { configuration: members('abc', learners) });
    const nodes = Object.fromEntries(Object.entries(priorities).map(([id, priority]) => [id, { address: `${id}:1`, priority }]));
    change(cluster, 'a', { voters: ['a', 'b', 'c'], learners: [...learners], nodes });
    return cluster;
  };

  it('the leader hands over by itself, to the highest', () => {
    const cluster = prefer({ b: 1, c: 5 });
    cluster.runFor(5 * MAX_TIMEOUT_MS);
    expect(cluster.leader).toBe('c');
    expect(cluster.status('c').term).toBe(3);
    expect(cluster.node('a').eventsOf('LeadershipTransferStarted')).toMatchObject([{ to: 'c' }]);
    cluster.runFor(50 * MAX_TIMEOUT_MS);
    expect([cluster.leader, cluster.status('c').term]).toEqual(['c', 3]);
  });

  it('not while that one’s log is shorter: it is told to campaign only once it holds every entry', () => {
    const cluster = prefer({ b: 1, c: 5 });
    cluster.isCut = (_from, to, type) => to === 'c' && type === 'append';
    for (let i = 0; i < 100; i += 1) {
      cluster.propose('a', `x${i}`);
      cluster.runFor(HEARTBEAT_MS);
    }
    expect(cluster.node('c').eventsOf('ElectionStarted')).toEqual([]);
    expect(cluster.leader).toBe('b'); // the next best, meanwhile
    heal(cluster);
    cluster.runFor(60 * MAX_TIMEOUT_MS);
    expect(cluster.leader).toBe('c');
    expect(cluster.status('c').applied).toEqual(cluster.status('b').applied);
  });

  it('under steady load it still does', () => {
    const cluster = prefer({ b: 1, c: 5 });
    for (let i = 0; i < 100 && cluster.leader === 'a'; i += 1) {
      cluster.propose('a', `x${i}`);
      cluster.deliver();
      cluster.propose('a', `y${i}`);
      cluster.runFor(HEARTBEAT_MS);
    }
    expect(cluster.leader).toBe('c');
  });

  it('one whose elections are paused is left alone: no command is refused and the lease stays; resumed it leads soon', () => {
    const cluster = prefer({ c: 5 });
    cluster.step('c', { type: 'pauseElections', paused: true });
    cluster.runFor(HEARTBEAT_MS); // it says so
    for (let i = 0; i < 200; i += 1) {
      expect(refusal(cluster)).toBeNull();
      cluster.runFor(HEARTBEAT_MS);
      expect(cluster.status('a').leadership).toMatchObject({ leaseValid: true });
    }
    expect(cluster.node('a').eventsOf('LeadershipTransferStarted')).toEqual([]);
    cluster.step('c', { type: 'pauseElections', paused: false });
    cluster.runFor(2 * MAX_TIMEOUT_MS);
    expect(cluster.leader).toBe('c');
  });

  it('one that stepped down on request is left alone for two election timeouts', () => {
    const cluster = prefer({ a: 5 });
    cluster.settle();
    cluster.step('a', { type: 'stepDown' });
    const steppedDownAt = cluster.now;
    elect(cluster, 'b');
    while (cluster.now < steppedDownAt + 2 * MAX_TIMEOUT_MS) {
      expect(cluster.leader).toBe('b');
      cluster.runFor(HEARTBEAT_MS / 2);
    }
    cluster.runFor(3 * MAX_TIMEOUT_MS);
    expect(cluster.leader).toBe('a');
  });

  it('one that says nothing against it and never takes over is asked less and less often', () => {
    const cluster = prefer({ c: 5 });
    cluster.isCut = (_from, _to, type) => type === 'timeoutNow';
    cluster.runFor(1000 * MAX_TIMEOUT_MS);
    const asked = cluster.node('a').eventsOf('LeadershipTransferStarted').length;
    expect([asked, cluster.node('a').eventsOf('LeadershipTransferEnded').length]).toEqual([8, 8]); // at 0, 10, 30, 70, 150, 310, 630, 950 election timeouts
    expect([cluster.leader, cluster.status('a').term, refusal(cluster)]).toEqual(['a', 2, null]);
  });

  it('a learner’s priority counts for nothing, nor does that of a voter who is silent', () => {
    const cluster = prefer({ c: 5, d: 9 }, 'd');
    isolate(cluster, 'c');
    cluster.runFor(20 * MAX_TIMEOUT_MS);
    expect([cluster.leader, cluster.status('a').term]).toEqual(['a', 2]);
  });
});

describe('S40 A transferee that is removed or demoted aborts the transfer', () => {
  it.each([{ remove: ['c'] }, { demote: ['c'] }])('%j', (wanted) => {
    const cluster = ledByA('abc');
    isolate(cluster, 'c');
    transfer(cluster, 'c');
    cluster.settle();
    expect(refusal(cluster)).toBe('transferring');
    const number = change(cluster, 'a', wanted);
    expect(outcome(cluster)).toEqual([['aborted', 'c', 'c is no longer a voter']]);
    expect(refusal(cluster)).toBeNull();
    cluster.settle();
    expect(answers(cluster, 'a', number)).toMatchObject([{ refusal: null }]);
    expect(membership(cluster, 'a').startsWith('ab')).toBe(true);
  });
});

describe('S56 Transfer to an up-to-date follower is immediate; to a lagging one waits; on timeout writes resume', () => {
  // thesis §3.10
  it('immediate: no time passes, and it is told as done once the target leads', () => {
    const cluster = ledByA('abc');
    const { now } = cluster;
    transfer(cluster, 'b');
    expect(cluster.sent('timeoutNow', { to: 'b' })).toEqual([{ type: 'timeoutNow', term: 2 }]);
    expect(outcome(cluster)).toEqual([]);
    cluster.settle();
    expect([cluster.now, cluster.leader]).toEqual([now, 'b']);
    expect(outcome(cluster)).toEqual([['transferred', 'b', '']]);
    expect(cluster.node('a').eventsOf('LeadershipLost')).toMatchObject([{ reason: 'transferred' }]);
    expect(cluster.node('b').eventsOf('ElectionStarted')).toMatchObject([{ trigger: 'transfer' }]);
    expect(cluster.node('b').eventsOf('PreVoteStarted')).toEqual([]);
  });

  it('the best is chosen when none is named: the longest log among those in touch', () => {
    const cluster = ledByA('abcd');
    cluster.isCut = (_from, to) => to === 'b' || to === 'd';
    cluster.propose('a', 'x', 'y');
    cluster.settle();
    transfer(cluster, null);
    expect(cluster.node('a').eventsOf('LeadershipTransferStarted')).toMatchObject([{ to: 'c' }]);
  });

  it('a lagging one gets the rest first; nothing new is taken meanwhile', () => {
    const cluster = ledByA('abc');
    isolate(cluster, 'b');
    const index = cluster.propose('a', 'x', 'y', 'z');
    cluster.settle();
    transfer(cluster, 'b');
    cluster.settle();
    expect([refusal(cluster), cluster.node('a').eventsOf('ProposalRejected').at(-1)?.reason]).toEqual(['transferring', 'transferring']);
    expect(cluster.sent('timeoutNow')).toEqual([]);
    heal(cluster);
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(cluster.leader).toBe('b');
    expect(cluster.status('b').applied.index).toBeGreaterThanOrEqual(index + 3);
  });

  it('on timeout the leader leads on, and writes are taken again', () => {
    const cluster = ledByA('abc');
    isolate(cluster, 'b');
    transfer(cluster, 'b', 70);
    const due = cluster.now + 70;
    cluster.runFor(69);
    expect([outcome(cluster), refusal(cluster)]).toEqual([[], 'transferring']);
    cluster.runFor(1);
    expect(cluster.now).toBe(due);
    expect(outcome(cluster)).toEqual([['timedOut', 'b', '']]);
    expect([refusal(cluster), cluster.leader]).toEqual([null, 'a']);
  });

  it('a target that campaigned and lost the news: whoever leads then decides what is told', () => {
    for (const [winner, told] of [['b', ['transferred', 'b', '']], ['c', ['aborted', 'b', 'c was elected instead']]] as const) {
      const cluster = ledByA('abc');
      transfer(cluster, 'b', 500);
      cluster.inject('c', 'a', { type: 'appendRejected', term: 3, round: 0, rejected: 0, hint: { index: 0, term: 0 } }); // c has voted already
      expect([cluster.status('a').role, outcome(cluster)]).toEqual(['follower', []]);
      cluster.take();
      cluster.inject(winner, 'a', { type: 'heartbeat', term: 3, round: 1, commit: 0 });
      expect(outcome(cluster)).toEqual([told]);
    }
  });

  it('when nobody is heard of in time, that is told; when the node stops, too', () => {
    const cluster = ledByA('abc');
    transfer(cluster, 'b', 60);
    cluster.inject('b', 'a', { type: 'voteRequest', term: 3, lastLog: { index: 99, term: 2 }, transfer: true });
    cluster.isCut = () => true;
    cluster.runFor(60);
    expect(outcome(cluster)).toEqual([['timedOut', 'b', '']]);
    const stopping = ledByA('abc');
    transfer(stopping, 'b', 60);
    stopping.inject('b', 'a', { type: 'voteRequest', term: 3, lastLog: { index: 99, term: 2 }, transfer: true });
    stopping.step('a', { type: 'halt', reason: 'stopped' });
    expect(outcome(stopping)).toEqual([['aborted', 'b', 'the node stops']]);
  });

  it.each([
    ['to itself', 'a', 'this node leads already'],
    ['to a learner', 'd', 'd is not a voter'],
    ['to a stranger', 'z', 'z is not a voter'],
  ])('%s is refused', (_what, to, reason) => {
    const cluster = ledByA('abc', '', { configuration: members('abc', 'd') });
    transfer(cluster, to);
    expect(outcome(cluster)).toEqual([['refused', to, reason]]);
    expect(refusal(cluster)).toBeNull();
  });

  it('a second one, one from a follower, and one with nobody in touch are refused', () => {
    const cluster = ledByA('abc');
    isolate(cluster, 'b');
    transfer(cluster, 'b');
    transfer(cluster, 'c');
    expect(outcome(cluster)).toEqual([['refused', 'c', 'another transfer is under way']]);
    cluster.step('c', { type: 'transfer', id: 7, to: null, timeoutMs: 10 });
    expect(cluster.node('c').transferOutcomes).toMatchObject([{ id: 7, outcome: 'refused', reason: 'notLeader' }]);
    expect(cluster.node('c').eventsOf('TransferRejected')).toMatchObject([{ to: null, reason: 'notLeader' }]);
    expect(cluster.node('c').eventsOf('LeadershipTransferEnded')).toEqual([]);
    const alone = ledByA('a');
    transfer(alone, null);
    expect(outcome(alone)).toEqual([['refused', null, 'no other voter is in touch and would take over']]);
  });

  it('a target whose elections are paused is refused at once, and never chosen', () => {
    const cluster = ledByA('abc');
    cluster.step('b', { type: 'pauseElections', paused: true });
    cluster.runFor(HEARTBEAT_MS);
    transfer(cluster, 'b');
    expect(outcome(cluster)).toEqual([['refused', 'b', 'b takes no leadership at present: its elections are paused, or it has just stepped down']]);
    expect(refusal(cluster)).toBeNull();
    cluster.settle();
    transfer(cluster, null);
    cluster.settle();
    expect(cluster.leader).toBe('c');
  });

  it('a target that pauses its elections before it is told ends the transfer with its next answer; the lease stays', () => {
    const cluster = ledByA('abc');
    cluster.isCut = (_from, to, type) => to === 'b' && type === 'append';
    cluster.propose('a', 'x');
    cluster.settle();
    transfer(cluster, 'b', 1000);
    cluster.step('b', { type: 'pauseElections', paused: true });
    cluster.runFor(HEARTBEAT_MS);
    expect(outcome(cluster)).toEqual([['aborted', 'b', 'b takes no leadership at present: its elections are paused, or it has just stepped down']]);
    expect([refusal(cluster), cluster.status('a').leadership?.leaseValid]).toEqual([null, true]);
  });

  it('a target that was told and answers that it would not: writes resume, the lease is void for as long as the order may be on its way', () => {
    const cluster = ledByA('abc');
    transfer(cluster, 'b', 1000);
    const [order] = cluster.take({ type: 'timeoutNow' });
    cluster.step('b', { type: 'pauseElections', paused: true });
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(outcome(cluster)).toMatchObject([['aborted', 'b', expect.any(String)]]);
    expect([refusal(cluster), cluster.status('a').leadership?.leaseValid]).toEqual([null, false]);
    cluster.step('b', { type: 'pauseElections', paused: false });
    cluster.settle();
    if (order !== undefined) cluster.inject(order.from, order.to, order.message);
    cluster.settle();
    expect(cluster.leader).toBe('b'); // the order came after all
  });

  it('a target whose connection breaks is not waited for', () => {
    const cluster = ledByA('abc');
    isolate(cluster, 'b');
    transfer(cluster, 'b');
    cluster.step('a', { type: 'connection', peer: 'c', up: false, error: 'reset' });
    expect(outcome(cluster)).toEqual([]);
    cluster.step('a', { type: 'connection', peer: 'b', up: false, error: 'reset' });
    expect([outcome(cluster), refusal(cluster)]).toEqual([[['aborted', 'b', 'b is unreachable']], null]);
  });

  it('leadership lost before the target was told aborts it', () => {
    const cluster = ledByA('abc');
    isolate(cluster, 'b');
    cluster.propose('a', 'x');
    transfer(cluster, 'b');
    cluster.step('a', { type: 'stepDown' });
    expect(outcome(cluster)).toEqual([['aborted', 'b', 'leadership was lost another way']]);
  });
});

describe('S57 TimeoutNow while appends are in flight is deferred or ignored', () => {
  it('deferred: not before the target has acknowledged every entry durably', () => {
    const cluster = ledByA('abc');
    cluster.slowDisks.add('b');
    cluster.propose('a', 'x');
    transfer(cluster, 'b');
    cluster.settle();
    expect(cluster.leader).toBe('a');
    expect(cluster.status('b').lastLog).toEqual(cluster.status('a').lastLog); // there, but not on its disk
    cluster.slowDisks.clear();
    cluster.settle();
    expect(cluster.leader).toBe('b');
  });

  it.each([
    ['of another term', 'a', 1],
    ['of a later term', 'a', 3],
    ['of somebody else', 'c', 2],
  ])('ignored: one %s', (_what, from, term) => {
    const cluster = ledByA('abc');
    cluster.inject(from, 'b', { type: 'timeoutNow', term });
    expect(cluster.status('b')).toMatchObject({ role: 'follower', term: 2 });
  });

  it('ignored: by a learner, by one whose elections are paused, by one that is being restored, by the leader', () => {
    const cluster = ledByA('abc', '', { configuration: members('abc', 'd') });
    cluster.settle();
    cluster.step('b', { type: 'pauseElections', paused: true });
    cluster.step('c', { type: 'snapshotStaged', last: { index: 50, term: 2 } });
    for (const to of 'abcd') cluster.inject('a', to, { type: 'timeoutNow', term: 2 });
    expect([...'abcd'].map((id) => cluster.status(id).role)).toEqual(['leader', 'follower', 'follower', 'learner']);
  });
});
