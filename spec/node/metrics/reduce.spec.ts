import type { RaftEvent } from '../../../lib/core/events.js';
import { MetricsFold } from '../../../lib/node/metrics/fold.js';
import { initialMetrics } from '../../../lib/node/metrics/initial.js';
import type { RaftMetrics } from '../../../lib/node/metrics/metrics.js';
import { reduceMetrics } from '../../../lib/node/metrics/reduce.js';
import { EVENT_TYPES, body, deposedIn, electedIn, event, stampedAll } from '../../support/events.js';
import { unfrozenPaths } from '../../support/frozen.js';

const ELECTED = stampedAll([body('NodeStarted', { term: 0 }), ...electedIn(1)]);

function fold(events: readonly RaftEvent[], from: RaftMetrics = initialMetrics()): RaftMetrics {
  return events.reduce(reduceMetrics, from);
}

describe('reduceMetrics', () => {
  test('starts from metrics in which nothing has happened', () => {
    const metrics = initialMetrics('a', 'run-1');
    expect(metrics).toMatchObject({ seq: 0, nodeId: 'a', runId: 'run-1', runningState: 'initial', role: 'follower', leadership: null });
    expect(unfrozenPaths(metrics)).toEqual([]);
  });

  test('every kind of event advances seq, keeps the value deeply frozen and the earlier value as it was', () => {
    const before = fold(ELECTED);
    const copy = JSON.stringify(before);
    for (const type of EVENT_TYPES) {
      const after = reduceMetrics(before, event(99, type));
      expect([type, after.seq, unfrozenPaths(after)]).toEqual([type, 99, []]);
      expect(JSON.stringify(before)).toBe(copy);
    }
  });

  test('does not freeze the event’s own objects', () => {
    const logId = { index: 7, term: 1 };
    const metrics = reduceMetrics(fold(ELECTED), event(99, 'LatestLog', { logId }));
    expect(metrics.lastLog).toEqual(logId);
    expect(Object.isFrozen(logId)).toBe(false);
  });

  test('an unknown kind from a newer version advances seq alone', () => {
    const before = fold(ELECTED);
    for (const type of ['SomethingNew', 'constructor', '__proto__']) {
      const unknown = { ...event(99, 'NodeStopped'), type, term: 50 } as unknown as RaftEvent;
      expect(reduceMetrics(before, unknown)).toEqual({ ...before, seq: 99 });
    }
  });

  test('an event of another run starts anew', () => {
    const restarted = { ...event(1, 'NodeStarted', { term: 3 }), runId: 'run-2' };
    const metrics = reduceMetrics(fold(ELECTED), restarted);
    expect(metrics).toEqual(reduceMetrics(initialMetrics(), restarted));
    expect(metrics).toMatchObject({ runId: 'run-2', seq: 1, role: 'follower', term: 3, persistedTerm: 3, leadership: null });
    expect(metrics.counters.electionsWon).toBe(0);
  });

  test('an empty stream leaves the seed', () => {
    const seed = initialMetrics();
    expect(fold([], seed)).toBe(seed);
  });

  test('shares what did not change, so that references tell what did', () => {
    const before = fold(ELECTED);
    const after = reduceMetrics(before, event(99, 'CommitAdvanced', { from: 1, to: { index: 5, term: 1 } }));
    expect(after.committed).toEqual({ index: 5, term: 1 });
    for (const field of ['leadership', 'membership', 'replication', 'unreachable', 'counters', 'latencies', 'lastLog', 'applied'] as const) {
      expect(after[field]).toBe(before[field]);
    }
    const same = reduceMetrics(after, event(100, 'CommitAdvanced', { from: 5, to: { index: 5, term: 1 } }));
    expect(same.committed).toBe(after.committed);
  });

  test('the term never goes back, though an event may state what an older term did', () => {
    const metrics = fold(stampedAll([body('TermAdvanced', { term: 4, from: 1, to: 4 }), body('LeadershipLost', { term: 1 })], 50), fold(ELECTED));
    expect(metrics.term).toBe(4);
  });

  test('MetricsFold and reduceMetrics agree after every event', () => {
    const events = stampedAll([body('NodeStarted'), ...electedIn(1), ...EVENT_TYPES.map((type) => body(type)), ...deposedIn(1), ...electedIn(2)]);
    const inPlace = new MetricsFold(initialMetrics('a', 'run-1'));
    let pure = initialMetrics('a', 'run-1');
    for (const each of events) {
      inPlace.apply(each, each.at, each.seq);
      pure = reduceMetrics(pure, each);
      expect(inPlace.snapshot()).toEqual(pure);
    }
  });

  test('S75 a recorded event stream, serialised and read back, folds to the same metrics elsewhere', () => {
    const events = [...ELECTED, ...stampedAll([...EVENT_TYPES.map((type) => body(type)), ...deposedIn(1), ...electedIn(2)], ELECTED.length + 1)];
    const elsewhere = JSON.parse(JSON.stringify(events)) as RaftEvent[];
    const metrics = fold(events);
    expect(fold(elsewhere)).toEqual(metrics);
    expect(JSON.parse(JSON.stringify(metrics))).toEqual(metrics);
  });

  test('S75 folding may stop anywhere and go on from the recorded metrics', () => {
    const events = [...ELECTED, ...stampedAll([...deposedIn(1), ...electedIn(2)], ELECTED.length + 1)];
    for (let cut = 0; cut <= events.length; cut++) {
      const resumedFrom = JSON.parse(JSON.stringify(fold(events.slice(0, cut)))) as RaftMetrics;
      expect(fold(events.slice(cut), resumedFrom)).toEqual(fold(events));
    }
  });
});
