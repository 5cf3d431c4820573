import { TestScheduler } from 'rxjs/testing';
import type { RaftEvent } from '../../../lib/core/events.js';
import { initialMetrics } from '../../../lib/node/metrics/initial.js';
import type { RaftMetrics } from '../../../lib/node/metrics/metrics.js';
import { reduceMetrics } from '../../../lib/node/metrics/reduce.js';
import { toMetrics } from '../../../lib/node/metrics/to-metrics.js';
import { event } from '../../support/events.js';

const EVENTS: Record<string, RaftEvent> = { s: event(1, 'NodeStarted'), n: event(2, 'NewLeader', { leaderId: 'b' }), l: event(3, 'LeaderLost') };
const S = reduceMetrics(initialMetrics(), event(1, 'NodeStarted'));
const N = reduceMetrics(S, event(2, 'NewLeader', { leaderId: 'b' }));
const L = reduceMetrics(N, event(3, 'LeaderLost'));
const METRICS: Record<string, RaftMetrics> = { S, N, L };

function marbles(events: string, metrics: string, unsubscription?: string): void {
  new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  }).run(({ hot, expectObservable }) => {
    expectObservable(hot(events, EVENTS).pipe(toMetrics()), unsubscription).toBe(metrics, METRICS);
  });
}

describe('toMetrics', () => {
  test('folds each event into the metrics after it', () => marbles('-s-(nl)|', '-S-(NL)|'));
  test('of an empty stream is empty', () => marbles('|', '|'));
  test('of a silent stream is silent', () => marbles('-', '-'));
  test('passes an error on', () => marbles('-s-#', '-S-#'));
  test('stops folding when unsubscribed', () => marbles('-s-n-l', '-S-N', '----!'));

  test('continues from recorded metrics', () => {
    const seen: RaftMetrics[] = [];
    const source = new TestScheduler(() => undefined);
    source.createColdObservable('n', EVENTS).pipe(toMetrics(S)).subscribe((metrics) => seen.push(metrics));
    source.flush();
    expect(seen).toEqual([N]);
  });

  test('each subscriber folds for itself', () => {
    new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(({ cold, expectObservable }) => {
      const folded = cold('s-n|', EVENTS).pipe(toMetrics());
      expectObservable(folded).toBe('S-N|', METRICS);
      expectObservable(folded, '--^').toBe('--S-N|', METRICS);
    });
  });
});
