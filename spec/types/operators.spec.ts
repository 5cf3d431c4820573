import { expectTypeOf } from 'expect-type';
import { of, type Observable } from 'rxjs';
import type { EventOf, RaftEvent, RaftEventBody } from '../../lib/core/events.js';
import type { RaftMetrics } from '../../lib/node/metrics/metrics.js';
import type { reduceMetrics } from '../../lib/node/metrics/reduce.js';
import { toMetrics } from '../../lib/node/metrics/to-metrics.js';
import { bufferEvents } from '../../lib/node/operators/buffer-events.js';
import type { ObservedNode } from '../../lib/node/operators/observed-node.js';
import { ofType } from '../../lib/node/operators/of-type.js';
import type { RecentEvents } from '../../lib/node/operators/recent.js';
import type { EventsMissed, StreamItem } from '../../lib/node/operators/stream-items.js';
import { waitFor } from '../../lib/node/operators/wait-for.js';
import { whileLeader, type ActiveLeadership } from '../../lib/node/operators/while-leader.js';
import type { RaftNode } from '../../lib/node/raft-node.js';

// The compiler is the test: these functions are checked, never called.
declare const events: Observable<RaftEvent>;
declare const node: RaftNode<string, number>;
declare const history: RecentEvents;

describe('the types of the operators', () => {
  test('ofType narrows to the kinds named', () => {
    void (() => {
      expectTypeOf(events.pipe(ofType('NewLeader'))).toEqualTypeOf<Observable<EventOf<'NewLeader'>>>();
      expectTypeOf(events.pipe(ofType('NewLeader', 'LeaderLost'))).toEqualTypeOf<Observable<EventOf<'NewLeader' | 'LeaderLost'>>>();
      events.pipe(ofType('NewLeader', 'LeaderLost')).subscribe((event) => {
        if (event.type === 'NewLeader') expectTypeOf(event.leaderId).toEqualTypeOf<string>();
        else expectTypeOf(event).not.toHaveProperty('leaderId');
      });
    });
  });

  test('ofType refuses an unknown name, and none at all', () => {
    void (() => {
      // @ts-expect-error -- no kind of event has this name
      ofType('NewLeadr');
      // @ts-expect-error -- one of them is unknown
      ofType('NewLeader', 'Nonsense');
      // @ts-expect-error -- nothing would pass
      ofType();
    });
  });

  test('EventOf several kinds is their union, and RaftEvent the union of all', () => {
    expectTypeOf<EventOf<'NewLeader' | 'LeaderLost'>>().toEqualTypeOf<EventOf<'NewLeader'> | EventOf<'LeaderLost'>>();
    expectTypeOf<Extract<RaftEvent, { type: 'LeaseChanged' }>>().toEqualTypeOf<EventOf<'LeaseChanged'>>();
    expectTypeOf<RaftEvent>().toExtend<RaftEventBody>();
  });

  test('every RaftNode is an ObservedNode', () => {
    expectTypeOf<RaftNode<string, number>>().toExtend<ObservedNode>();
    expectTypeOf<RaftNode<Uint8Array, void, string, boolean>>().toExtend<ObservedNode>();
  });

  test('whileLeader gives what the job emits', () => {
    void (() => {
      const job = (leadership: ActiveLeadership) => of(leadership.fencingToken);
      expectTypeOf(whileLeader(node, job)).toEqualTypeOf<Observable<number>>();
      expectTypeOf(whileLeader(node, async () => Promise.resolve('x'))).toEqualTypeOf<Observable<string>>();
    });
  });

  test('waitFor gives metrics, and takes a predicate over them', () => {
    void (() => {
      expectTypeOf(waitFor(node, ({ role }) => role === 'leader')).toEqualTypeOf<Promise<RaftMetrics>>();
      // @ts-expect-error -- a predicate answers yes or no
      void waitFor(node, () => 'yes');
    });
  });

  test('bufferEvents gives batches of the source’s own events, and gaps', () => {
    void (() => {
      const piped = events.pipe(
        ofType('NewLeader'),
        bufferEvents(
          (batch) => {
            expectTypeOf(batch).toEqualTypeOf<readonly (EventOf<'NewLeader'> | EventsMissed)[]>();
            return of(batch.length);
          },
          { capacity: 10, onOverflow: 'dropOldest' },
        ),
      );
      expectTypeOf(piped).toEqualTypeOf<Observable<number>>();
      // @ts-expect-error -- nothing is dropped silently
      bufferEvents(() => of(1), { capacity: 10, onOverflow: 'drop' });
    });
  });

  test('a history is an Observable of items that are told apart by type', () => {
    void (() => {
      expectTypeOf(history.since(3)).toEqualTypeOf<Observable<StreamItem>>();
      history.subscribe((item) => {
        if (item.type === 'CurrentState') expectTypeOf(item.metrics).toEqualTypeOf<RaftMetrics>();
        if (item.type === 'EventsMissed') expectTypeOf(item.to).toEqualTypeOf<number>();
      });
    });
  });
});

describe('the types of the metrics', () => {
  test('reduceMetrics fits reduce and scan', () => {
    expectTypeOf<typeof reduceMetrics>().toEqualTypeOf<(metrics: RaftMetrics, event: RaftEvent) => RaftMetrics>();
    void (() => expectTypeOf(events.pipe(toMetrics())).toEqualTypeOf<Observable<RaftMetrics>>());
  });

  test('metrics can be read, not written', () => {
    void ((metrics: RaftMetrics) => {
      // @ts-expect-error -- metrics are frozen
      metrics.term = 3;
      // @ts-expect-error -- frozen all the way down
      metrics.counters.electionsWon = 1;
      // @ts-expect-error -- the value is read-only
      node.metrics.value = metrics;
      expectTypeOf(node.metrics).not.toHaveProperty('next');
    });
  });
});
