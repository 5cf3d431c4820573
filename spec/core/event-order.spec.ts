import { MIN_TIMEOUT_MS } from '../support/core-cluster.js';
import { ledByA } from '../support/core-membership.js';

describe('the order of events within a turn', () => {
  it('a server that its leader tells to campaign loses that leader before its term advances: nobody is seen to lead a term that is being campaigned for', () => {
    const cluster = ledByA('abc');
    const node = cluster.node('b');
    node.events = [];
    cluster.inject('a', 'b', { type: 'timeoutNow', term: 2 });
    expect(node.events.map(({ type, term }) => [type, term])).toEqual([
      ['LeaderLost', 2],
      ['TermAdvanced', 3],
      ['RoleChanged', 3],
      ['ElectionStarted', 3],
    ]);
  });
});

describe('what an election is said to come from', () => {
  it('one that the application asked for is not called a timeout', () => {
    const cluster = ledByA('abc');
    cluster.isCut = (from, to) => [from, to].includes('a');
    cluster.now += MIN_TIMEOUT_MS;
    const node = cluster.node('b');
    node.events = [];
    cluster.step('b', { type: 'campaign' });
    cluster.settle();
    expect(node.eventsOf('ElectionTimeoutElapsed')).toEqual([]);
    expect(node.eventsOf('RoleChanged')[0]).toMatchObject({ to: 'preCandidate', reason: 'requested' });
    expect(node.eventsOf('ElectionStarted')).toMatchObject([{ trigger: 'requested' }]);
  });

  it('a timer that runs out meanwhile makes the next one a timeout', () => {
    const cluster = ledByA('abc');
    cluster.isCut = () => true;
    cluster.now += MIN_TIMEOUT_MS;
    cluster.step('b', { type: 'campaign' });
    cluster.timeout('b');
    cluster.inject('c', 'b', { type: 'preVoteReply', term: 3, granted: true });
    expect(cluster.node('b').eventsOf('ElectionStarted').at(-1)).toMatchObject({ trigger: 'timeout' });
  });
});
