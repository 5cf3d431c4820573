import { EMPTY, NEVER, of, Subject, throwError, VirtualTimeScheduler, type Observable } from 'rxjs';
import type { RaftEvent } from '../../../lib/core/events.js';
import { bufferEvents, type BufferEventsOptions } from '../../../lib/node/operators/buffer-events.js';
import { recent } from '../../../lib/node/operators/recent.js';
import type { StreamItem } from '../../../lib/node/operators/stream-items.js';
import { ConfigError, OverloadedError } from '../../../lib/ports/errors.js';
import { body, event } from '../../support/events.js';
import { FakeNode } from '../../support/fake-node.js';
import { marbles } from '../../support/marbles.js';
import { recorded } from '../../support/recorded.js';
import { written } from '../../support/stream-items.js';

const EVENTS: Record<string, RaftEvent> = Object.fromEntries([...'123456789'].map((n) => [n, event(Number(n), 'CommitAdvanced')]));
const DROP_OLDEST: BufferEventsOptions = { capacity: 3, onOverflow: 'dropOldest' };
const DROP_NEWEST: BufferEventsOptions = { capacity: 3, onOverflow: 'dropNewest' };
const FAIL: BufferEventsOptions = { capacity: 3, onOverflow: 'error' };
const OVERLOADED = new OverloadedError('the buffer of bufferEvents', 3);

interface Run {
  readonly events: string;
  readonly gives: string;
  /** What each result stands for: a batch, as `written`. */
  readonly batches?: Record<string, string>;
  readonly options?: BufferEventsOptions;
  readonly error?: unknown;
  readonly unsubscription?: string;
}

/** A consumer that needs three frames for a batch. */
function check({ events, gives, batches = {}, options = DROP_OLDEST, error, unsubscription }: Run): void {
  marbles(({ hot, cold, expectObservable }) => {
    const consume = (batch: readonly StreamItem[]) => cold('---(x|)', { x: written(batch) });
    expectObservable(hot(events, EVENTS).pipe(bufferEvents(consume, options)), unsubscription).toBe(gives, batches, error);
  });
}

describe('bufferEvents', () => {
  test('hands over as one batch all that came while the consumer was busy', () =>
    check({ events: '-1-23---4-|', gives: '----a--b---(c|)', batches: { a: '1', b: '2 3', c: '4' } }));

  test('gathers what one turn publishes in one batch', () => check({ events: '-(123)---|', gives: '----a----|', batches: { a: '1 2 3' } }));

  test('dropOldest keeps the newest events, and says what is missing before them', () =>
    check({ events: '-1(23456)|', gives: '----a--b-|', batches: { a: '1', b: '!2-3 4 5 6' } }));

  test('dropNewest keeps the oldest events, and says what is missing after them', () =>
    check({ events: '-1(23456)|', gives: '----a--b-|', batches: { a: '1', b: '2 3 4 !5-6' }, options: DROP_NEWEST }));

  test('after a gap it goes on without one', () => {
    check({ events: '-1(23456)-7|', gives: '----a--b-----(c|)', batches: { a: '1', b: '!2-3 4 5 6', c: '7' } });
    check({ events: '-1(23456)-7|', gives: '----a--b-----(c|)', batches: { a: '1', b: '2 3 4 !5-6', c: '7' }, options: DROP_NEWEST });
  });

  test('error ends the stream at the first event too many', () => {
    check({ events: '-1(234)---|', gives: '----a--b--|', batches: { a: '1', b: '2 3 4' }, options: FAIL, error: OVERLOADED });
    check({ events: '-1(2345)--|', gives: '--#', options: FAIL, error: OVERLOADED });
  });

  test('of an empty stream is empty', () => check({ events: '|', gives: '|' }));
  test('of a silent stream is silent', () => check({ events: '-', gives: '-' }));
  test('consumes what waits before it completes', () => check({ events: '-1-2|', gives: '----a--(b|)', batches: { a: '1', b: '2' } }));
  test('consumes what waits before it errors: the last events say why', () => check({ events: '-1-2#', gives: '----a--(b#)', batches: { a: '1', b: '2' }, error: 'error' }));
  test('an idle one passes an error on at once', () => check({ events: '-1-----#', gives: '----a--#', batches: { a: '1' }, error: 'error' }));

  test('unsubscribed early, it lets go of the source and of the batch in hand', () =>
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source = hot('-1-2-3-', EVENTS);
      const batch = cold('-----x|');
      expectObservable(source.pipe(bufferEvents(() => batch, DROP_OLDEST)), '^---!').toBe('-----');
      expectSubscriptions(source.subscriptions).toBe('^---!');
      expectSubscriptions(batch.subscriptions).toBe('-^--!');
    }));

  test('a consumer that fails ends the stream and lets go of the source', () =>
    marbles(({ hot, cold, expectObservable, expectSubscriptions }) => {
      const source = hot('-1-2-3-', EVENTS);
      expectObservable(source.pipe(bufferEvents(() => cold('--#'), DROP_OLDEST))).toBe('---#');
      expectSubscriptions(source.subscriptions).toBe('^--!');
    }));

  test.each([
    ['throws', (): Observable<never> => { throw new Error('consumer'); }],
    ['rejects', () => Promise.reject(new Error('consumer'))],
    ['errors', () => throwError(() => new Error('consumer'))],
  ])('a consumer that %s is an error of the stream', async (_how, consume) => {
    const events = new Subject<RaftEvent>();
    const { notes } = recorded(events.pipe(bufferEvents(consume, DROP_OLDEST)));
    events.next(event(1, 'ReadServed'));
    await turnsOfTheLoop();
    expect(notes).toEqual(['error: consumer']);
    expect(events.observed).toBe(false);
  });

  test('never calls the consumer within an event', async () => {
    const events = new Subject<RaftEvent>();
    const batches: string[] = [];
    events.pipe(bufferEvents((batch) => { batches.push(written(batch)); return EMPTY; }, DROP_OLDEST)).subscribe();
    events.next(event(1, 'ReadServed'));
    events.next(event(2, 'ReadServed'));
    expect(batches).toEqual([]);
    await turnsOfTheLoop();
    expect(batches).toEqual(['1 2']);
  });

  test('a consumer that causes events gets them in its next batch', async () => {
    const events = new Subject<RaftEvent>();
    const { notes } = recorded(
      events.pipe(
        bufferEvents((batch) => {
          const last = batch.at(-1);
          if (last?.type === 'ReadServed' && last.seq < 3) events.next(event(last.seq + 1, 'ReadServed'));
          return of(written(batch));
        }, DROP_OLDEST),
      ),
    );
    events.next(event(1, 'ReadServed'));
    await turnsOfTheLoop();
    expect(notes).toEqual(['1', '2', '3']);
  });

  test('accounts for every event, whatever the consumer’s pace', async () => {
    const node = new FakeNode();
    const seen: StreamItem[] = [];
    let calls = 0;
    const consume = (batch: readonly StreamItem[]) => {
      seen.push(...batch);
      calls += 1;
      return calls % 3 === 0 ? EMPTY : new Promise<void>((resolve) => setImmediate(resolve));
    };
    const { notes } = recorded(node.events.pipe(bufferEvents(consume, { capacity: 5, onOverflow: 'dropOldest' })), () => 'batch');
    for (let turn = 0; turn < 40; turn++) {
      node.turn(...Array.from({ length: turn % 9 }, () => body('CommitAdvanced')));
      if (turn % 2 === 0) await turnsOfTheLoop(1);
    }
    node.stop();
    await turnsOfTheLoop(20);
    expect(notes.at(-1)).toBe('complete');
    expect(seqsOf(seen)).toEqual(Array.from({ length: node.publisher.nextSeq - 1 }, (_, i) => i + 1));
    expect(seen.some(({ type }) => type === 'EventsMissed')).toBe(true);
  });

  test('takes the items of a history too, and joins their gaps', async () => {
    const node = new FakeNode();
    const history = recent(node, 2);
    node.turn(...Array.from({ length: 6 }, () => body('CommitAdvanced')));
    const { notes } = recorded(history.since(1).pipe(bufferEvents((batch) => of(written(batch)), { capacity: 1, onOverflow: 'dropNewest' })));
    await turnsOfTheLoop();
    expect(notes).toEqual(['!2-4 !4-6']);
  });

  test('holds at most its capacity, however much arrives', () => {
    const events = new Subject<RaftEvent>();
    let batch: readonly StreamItem[] = [];
    const scheduler = new VirtualTimeScheduler();
    events.pipe(bufferEvents((items) => { batch = items; return NEVER; }, { ...DROP_OLDEST, scheduler })).subscribe();
    for (let seq = 1; seq <= 10_000; seq++) events.next(event(seq, 'ReadServed'));
    expect(scheduler.actions).toHaveLength(1);
    scheduler.flush();
    expect(written(batch)).toBe('!1-9997 9998 9999 10000');
  });

  test.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a capacity of %p', (capacity) => {
    expect(() => bufferEvents(() => EMPTY, { capacity, onOverflow: 'error' })).toThrow(ConfigError);
  });
});

async function turnsOfTheLoop(count = 3): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** The seq of every item, gaps written out. */
function seqsOf(items: readonly StreamItem[]): number[] {
  return items.flatMap((item) => (item.type === 'EventsMissed' ? Array.from({ length: item.to - item.from + 1 }, (_, i) => item.from + i) : [item.seq]));
}
