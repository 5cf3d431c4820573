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
