import type { Observable } from 'rxjs';
import type { RaftEventBody } from '../../../lib/core/events.js';
import { configurationOf } from '../../../lib/core/configuration.js';
import { initialMetrics } from '../../../lib/node/metrics/initial.js';
import type { RaftMetrics } from '../../../lib/node/metrics/metrics.js';
import { leaderChanges } from '../../../lib/node/operators/leader-changes.js';
import { membershipChanges } from '../../../lib/node/operators/membership-changes.js';
import type { ObservedNode } from '../../../lib/node/operators/observed-node.js';
import { roleChanges } from '../../../lib/node/operators/role-changes.js';
import { CurrentValue } from '../../../lib/node/metrics/current-value.js';
import { body, deposedIn, electedIn } from '../../support/events.js';
import { FakeNode } from '../../support/fake-node.js';
import { marbles } from '../../support/marbles.js';
import { recorded } from '../../support/recorded.js';

const LOG_TRAFFIC: RaftEventBody[] = [body('LatestLog'), body('CommitAdvanced'), body('ReplicationProgressed'), body('ReadServed')];

describe('leaderChanges', () => {
  const notesOf = (node: FakeNode) => recorded(leaderChanges(node), ({ leaderId, term }) => `${leaderId ?? '-'}@${term}`).notes;

  test('gives the leader now, then each change, and is not woken by log traffic', () => {
    const node = new FakeNode();
    node.turn(body('NewLeader', { term: 3, leaderId: 'b' }));
    const notes = notesOf(node);
    node.turn(...LOG_TRAFFIC);
    node.turn(body('LeaderLost', { term: 3 }));
    node.turn(...LOG_TRAFFIC, body('TermAdvanced', { term: 4, from: 3, to: 4 }), body('NewLeader', { term: 4, leaderId: 'b' }));
    node.stop();
    expect(notes).toEqual(['b@3', '-@3', 'b@4', 'complete']);
  });

  test('passes the node’s own fault on', () => {
    const node = new FakeNode();
    const notes = notesOf(node);
    node.fail(new Error('disk'));
    expect(notes).toEqual(['-@0', '-@1', 'error: disk']);
  });
});

describe('roleChanges', () => {
  test('gives the role now, then each change; leading again in a later term is one', () => {
    const node = new FakeNode();
    node.turn(body('NodeStarted', { term: 0 }));
    const { notes } = recorded(roleChanges(node), ({ role, term }) => `${role}@${term}`);
    node.turn(...electedIn(1));
    node.turn(...LOG_TRAFFIC);
    node.turn(...deposedIn(1), ...electedIn(2));
    node.turn(...deposedIn(2));
    node.turn(body('TermAdvanced', { term: 5, from: 2, to: 5 }));
    node.stop();
    expect(notes).toEqual(['follower@0', 'leader@1', 'leader@2', 'follower@2', 'complete']);
  });
});

describe('membershipChanges', () => {
  test('gives the configuration now, then each one that takes effect or commits', () => {
    const node = new FakeNode();
    node.turn(body('NodeStarted'));
    const { notes } = recorded(membershipChanges(node), ({ effective, effectiveIndex, committedIndex }) => `${effective.voters.join('')} ${effectiveIndex}/${committedIndex}`);
    const two = configurationOf({ a: 'a:1', b: 'b:1' });
    node.turn(body('MembershipAppended', { configuration: two, index: 5 }), ...LOG_TRAFFIC);
    node.turn(...LOG_TRAFFIC);
    node.turn(body('MembershipCommitted', { configuration: two, index: 5 }));
    node.stop();
    expect(notes).toEqual(['abc 0/0', 'ab 5/0', 'ab 5/5', 'complete']);
  });
});

/** All three are views of the metrics: the same table of marbles holds for each. */
describe.each<[string, (node: Pick<ObservedNode, 'metrics'>) => Observable<unknown>]>([
  ['leaderChanges', leaderChanges],
  ['roleChanges', roleChanges],
  ['membershipChanges', membershipChanges],
])('%s of any metrics', (_name, operator) => {
  const m = initialMetrics('a', 'run-1');
  const over = (metrics: Observable<RaftMetrics>) => operator({ metrics: new CurrentValue(() => m, (subscriber) => metrics.subscribe(subscriber)) });

  test.each([
    ['repeats nothing', 'm-mm-(mm)|', 'x--------|', undefined],
    ['is empty when they are', '|', '|', undefined],
    ['is silent when they are', '-', '-', undefined],
    ['passes an error on', 'm-#', 'x-#', undefined],
    ['ends when unsubscribed', 'm-m-|', 'x', '---!'],
  ])('%s', (_what, metrics, expected, unsubscription) => {
    marbles(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold(metrics, { m });
      expectObservable(over(source), unsubscription).toBe(expected, { x: expect.anything() as unknown });
      if (unsubscription !== undefined) expectSubscriptions(source.subscriptions).toBe(`^--!`);
    });
  });

  test('may be subscribed anew by its own handler', () => {
    const node = new FakeNode();
    const inner: string[] = [];
    let isFirst = true;
    operator(node).subscribe(() => {
      if (!isFirst) return;
      isFirst = false;
      operator(node).subscribe(() => inner.push('value'));
    });
    node.turn(...LOG_TRAFFIC.filter(({ type }) => type === 'LatestLog').map((each) => ({ ...each, term: 0 })));
    expect(inner).toEqual(['value']);
  });
});
