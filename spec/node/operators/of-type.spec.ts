import { Subject } from 'rxjs';
import type { RaftEvent } from '../../../lib/core/events.js';
import { ofType } from '../../../lib/node/operators/of-type.js';
import { event } from '../../support/events.js';
import { marbles } from '../../support/marbles.js';
import { recorded } from '../../support/recorded.js';

const E: Record<string, RaftEvent> = { l: event(1, 'NewLeader'), r: event(2, 'RoleChanged'), c: event(3, 'CommitAdvanced') };

describe('ofType', () => {
  test('lets one kind pass', () => marbles(({ hot, expectObservable }) => expectObservable(hot('-l-r-c-l|', E).pipe(ofType('NewLeader'))).toBe('-l-----l|', E)));
  test('lets several kinds pass', () => marbles(({ hot, expectObservable }) => expectObservable(hot('-(lrc)|', E).pipe(ofType('RoleChanged', 'NewLeader'))).toBe('-(lr)-|', E)));
  test('of an empty stream is empty', () => marbles(({ cold, expectObservable }) => expectObservable(cold('|', E).pipe(ofType('NewLeader'))).toBe('|')));
  test('of a silent stream is silent', () => marbles(({ cold, expectObservable }) => expectObservable(cold('-', E).pipe(ofType('NewLeader'))).toBe('-')));
  test('passes an error on', () => marbles(({ hot, expectObservable }) => expectObservable(hot('-l-#', E).pipe(ofType('NewLeader'))).toBe('-l-#', E)));

  test('lets go of its source when unsubscribed', () =>
    marbles(({ hot, expectObservable, expectSubscriptions }) => {
      const source = hot('-l-l-l', E);
      expectObservable(source.pipe(ofType('NewLeader')), '^--!').toBe('-l', E);
      expectSubscriptions(source.subscriptions).toBe('^--!');
    }));

  test('keeps its order when a handler causes another event', () => {
    const events = new Subject<RaftEvent>();
    events.pipe(ofType('NewLeader')).subscribe(() => events.next(event(2, 'RoleChanged')));
    const { notes } = recorded(events.pipe(ofType('RoleChanged', 'NewLeader')), ({ type }) => type);
    events.next(event(1, 'NewLeader'));
    expect(notes).toEqual(['RoleChanged', 'NewLeader']);
  });
});
