import { take } from 'rxjs';
import type { RaftEventBody } from '../../../lib/core/events.js';
import type { RaftMetrics } from '../../../lib/node/metrics/metrics.js';
import { reduceMetrics } from '../../../lib/node/metrics/reduce.js';
import { recent } from '../../../lib/node/operators/recent.js';
import type { StreamItem } from '../../../lib/node/operators/stream-items.js';
import { ConfigError } from '../../../lib/ports/errors.js';
import { body, deposedIn, electedIn } from '../../support/events.js';
import { FakeNode } from '../../support/fake-node.js';
import { unfrozenPaths } from '../../support/frozen.js';
import { recorded } from '../../support/recorded.js';
import { writtenItem } from '../../support/stream-items.js';

const commits = (count: number): RaftEventBody[] => Array.from({ length: count }, (_, i) => body('CommitAdvanced', { to: { index: i + 1, term: 1 } }));
const BUSY: RaftEventBody[] = [body('NodeStarted', { term: 0 }), ...electedIn(1), ...commits(3), ...deposedIn(1), ...electedIn(2)];

/** What a consumer knows that folds the items: a state replaces, an event is applied. */
function folded(items: readonly StreamItem[]): RaftMetrics | undefined {
  let metrics: RaftMetrics | undefined;
  for (const item of items) {
    if (item.type === 'CurrentState') metrics = item.metrics;
    else if (item.type !== 'EventsMissed' && metrics !== undefined) metrics = reduceMetrics(metrics, item);
  }
  return metrics;
}

describe('recent', () => {
  let node: FakeNode;
  beforeEach(() => {
    node = new FakeNode();
  });

  test('S74 a late subscriber gets the state, the events kept, then the live ones, none twice', () => {
    const history = recent(node, 3);
    node.turn(...commits(5));
    const { notes } = recorded(history, writtenItem);
    node.turn(...commits(2));
    node.stop();
    expect(notes).toEqual(['=2', '3', '4', '5', '6', '7', '8', 'complete']);
  });

  test('S74 the state is the one before the oldest event kept, so that folding gives the node’s state', () => {
    for (const capacity of [1, 2, 7, 100]) {
      const fresh = new FakeNode();
      const history = recent(fresh, capacity);
      for (const each of BUSY) {
        fresh.turn(each);
        const items: StreamItem[] = [];
        history.subscribe((item) => items.push(item)).unsubscribe();
        expect(folded(items)).toEqual(fresh.metrics.value);
        expect(unfrozenPaths(folded(items))).toEqual([]);
      }
    }
  });

  test('of a node that has not begun gives its initial state, then everything', () => {
    const { notes } = recorded(recent(node, 3), writtenItem);
    node.turn(...commits(5));
    expect(notes).toEqual(['=0', '1', '2', '3', '4', '5']);
  });

  test('made late, it begins with the state as of then', () => {
    node.turn(...commits(4));
    const history = recent(node, 3);
    node.turn(...commits(2));
    expect(recorded(history, writtenItem).notes).toEqual(['=4', '5', '6']);
  });

  test('made during an event, it does not repeat what the state of that turn holds already', () => {
    const notes: string[] = [];
    let isMade = false;
    node.events.subscribe(() => {
      if (!isMade) recent(node, 10).subscribe((item) => notes.push(writtenItem(item)));
      isMade = true;
    });
    node.turn(...commits(3));
    node.turn(...commits(2));
    expect(notes).toEqual(['=3', '4', '5']);
  });

  test.each(['before', 'after'] as const)('S74 subscribed during an event, by a listener %s it in line, none is missing and none comes twice', (order) => {
    const notes: string[] = [];
    const subscribeOnce = () => {
      const subscription = node.events.subscribe((event) => {
        if (event.seq !== 3) return;
        subscription.unsubscribe();
        history.subscribe((item) => notes.push(writtenItem(item)));
      });
    };
    if (order === 'before') subscribeOnce();
    const history = recent(node, 10);
    if (order === 'after') subscribeOnce();
    node.turn(...commits(5));
    expect(notes).toEqual(['=0', '1', '2', '3', '4', '5']);
  });

  test('a subscriber of the history that subscribes anew during an event gets that event once', () => {
    const history = recent(node, 2);
    const inner: string[] = [];
    history.subscribe((item) => {
      if (item.type === 'CommitAdvanced' && item.seq === 3) history.subscribe((each) => inner.push(writtenItem(each)));
    });
    node.turn(...commits(5));
    expect(inner).toEqual(['=1', '2', '3', '4', '5']);
  });

  test('events that a handler causes while it is given the past follow in order', () => {
    const history = recent(node, 5);
    node.turn(...commits(3));
    let isFirst = true;
    const { notes } = recorded(history, (item) => {
      if (isFirst) node.turn(...commits(2));
      isFirst = false;
      return writtenItem(item);
    });
    expect(notes).toEqual(['=0', '1', '2', '3', '4', '5']);
  });

  test('when that pushes out what is still to be given, the gap is shown and a newer state fills it', () => {
    const history = recent(node, 3);
    node.turn(...commits(3));
    let isFirst = true;
    const { notes } = recorded(history, (item) => {
      if (isFirst) node.turn(...commits(2));
      isFirst = false;
      return writtenItem(item);
    });
    expect(notes).toEqual(['=0', '!1-2', '=2', '3', '4', '5']);
  });

  test('unsubscribed early, also while given the past, it gets no more', () => {
    const history = recent(node, 10);
    node.turn(...commits(5));
    const past = recorded(history.pipe(take(3)), writtenItem);
    const live = recorded(history.pipe(take(7)), writtenItem);
    node.turn(...commits(3));
    expect(past.notes).toEqual(['=0', '1', '2', 'complete']);
    expect(live.notes).toEqual(['=0', '1', '2', '3', '4', '5', '6', 'complete']);
  });

  test('ends with the node; who comes even later gets what is kept, then the end', () => {
    const history = recent(node, 2);
    node.turn(...commits(3));
    node.stop();
    expect(recorded(history, writtenItem).notes).toEqual(['=2', '3', '4', 'complete']);
  });

  test('errors with the node’s own fault, after the events that say why', () => {
    const history = recent(node, 2);
    const early = recorded(history, writtenItem);
    node.fail(new Error('disk'));
    expect(early.notes).toEqual(['=0', '1', '2', 'error: disk']);
    expect(recorded(history, writtenItem).notes).toEqual(['=0', '1', '2', 'error: disk']);
  });

  test('close completes its subscribers and lets go of the node', () => {
    const history = recent(node, 2);
    const { notes } = recorded(history, writtenItem);
    history.close();
    expect(notes).toEqual(['=0', 'complete']);
    expect(node.publisher.isObserved).toBe(false);
  });

  test('a silent node gives its state alone', () => {
    expect(recorded(recent(node, 2), writtenItem).notes).toEqual(['=0']);
  });

  test.each([0, -1, 1.5, Number.NaN])('refuses a capacity of %p', (capacity) => {
    expect(() => recent(node, capacity)).toThrow(ConfigError);
  });
});

describe('since, for a reader that reconnects', () => {
  function historyOf(events: number, capacity: number) {
    const node = new FakeNode();
    const history = recent(node, capacity);
    node.turn(...commits(events));
    return { node, history };
  }

  test.each([
    ['an event that is kept: all after it', 7, ['8', '9', '10', '11']],
    ['the last one that is not kept: nothing is missing', 5, ['6', '7', '8', '9', '10', '11']],
    ['the newest: the live events alone', 10, ['11']],
    ['one too old: what is missing, and the state in its place', 3, ['!4-5', '=5', '6', '7', '8', '9', '10', '11']],
    ['the very beginning', 0, ['!1-5', '=5', '6', '7', '8', '9', '10', '11']],
    ['one that is yet to come: unknown here', 11, ['=5', '6', '7', '8', '9', '10', '11']],
    ['no position at all', Number.NaN, ['=5', '6', '7', '8', '9', '10', '11']],
    ['a negative one', -4, ['=5', '6', '7', '8', '9', '10', '11']],
    ['a fraction', 7.5, ['=5', '6', '7', '8', '9', '10', '11']],
  ])('after %s', (_what, seq, expected) => {
    const { node, history } = historyOf(10, 5);
    const { notes } = recorded(history.since(seq), writtenItem);
    node.turn(...commits(1));
    expect(notes).toEqual(expected);
  });

  test('a position of another run is unknown here', () => {
    const { history } = historyOf(10, 5);
    expect(recorded(history.since(7, 'run-0'), writtenItem).notes[0]).toBe('=5');
    expect(recorded(history.since(7, 'run-1'), writtenItem).notes).toEqual(['8', '9', '10']);
  });

  test('asked during an event by one who has seen it, it does not give it again', () => {
    const node = new FakeNode();
    const notes: string[] = [];
    node.events.subscribe((event) => {
      if (event.seq === 3) history.since(3).subscribe((item) => notes.push(writtenItem(item)));
    });
    const history = recent(node, 10);
    node.turn(...commits(5));
    expect(notes).toEqual(['4', '5']);
  });

  test('is cold: each subscription resumes anew', () => {
    const { node, history } = historyOf(10, 5);
    const resumed = history.since(8);
    const first = recorded(resumed, writtenItem).notes;
    node.turn(...commits(1));
    expect([first, recorded(resumed, writtenItem).notes]).toEqual([['9', '10', '11'], ['9', '10', '11']]);
  });

  test('works for a history that has ended', () => {
    const { node, history } = historyOf(10, 5);
    node.stop();
    expect(recorded(history.since(9), writtenItem).notes).toEqual(['10', '11', 'complete']);
  });
});
