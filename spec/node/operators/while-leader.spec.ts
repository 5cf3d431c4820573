import { EMPTY, NEVER, Observable, of, throwError } from 'rxjs';
import type { RaftEvent } from '../../../lib/core/events.js';
import { CurrentValue } from '../../../lib/node/metrics/current-value.js';
import { initialMetrics } from '../../../lib/node/metrics/initial.js';
import type { ObservedNode } from '../../../lib/node/operators/observed-node.js';
import { whileLeader, type ActiveLeadership } from '../../../lib/node/operators/while-leader.js';
import { body, deposedIn, electedIn, event } from '../../support/events.js';
import { FakeNode } from '../../support/fake-node.js';
import { marbles } from '../../support/marbles.js';
import { recorded } from '../../support/recorded.js';

/** A job that says when it runs, and for which term. */
function jobs() {
  const trace: string[] = [];
  let running = 0;
  const job = ({ term }: ActiveLeadership) =>
    new Observable<string>((subscriber) => {
      running += 1;
      trace.push(`start ${term}${running > 1 ? ' OVERLAP' : ''}`);
      subscriber.next(`job ${term}`);
      return () => {
        running -= 1;
        trace.push(`stop ${term}`);
      };
    });
  return { trace, job };
}

const acquired = (term: number) => electedIn(term).slice(0, -2);
const established = (term: number) => body('LeadershipEstablished', { term });
const lease = (term: number, valid: boolean) => body('LeaseChanged', { term, valid });

describe('whileLeader', () => {
  let node: FakeNode;
  beforeEach(() => {
    node = new FakeNode();
    node.turn(body('NodeStarted', { term: 0 }));
  });

  test.each([
    ['established, then leased', [established(1)], [lease(1, true)]],
    ['leased, then established', [lease(1, true)], [established(1)]],
  ])('S71 whileLeader starts only after Established and with a valid lease: %s', (_order, first, second) => {
    const { trace, job } = jobs();
    whileLeader(node, job).subscribe();
    node.turn(...acquired(1));
    expect(trace).toEqual([]);
    node.turn(...first);
    expect(trace).toEqual([]);
    node.turn(...second);
    expect(trace).toEqual(['start 1']);
  });

  test('S71 whileLeader tears down as soon as the lease lapses, and starts again when it is back', () => {
    const { trace, job } = jobs();
    whileLeader(node, job).subscribe();
    node.turn(...electedIn(1));
    node.turn(lease(1, false));
    expect(trace).toEqual(['start 1', 'stop 1']);
    node.turn(lease(1, true));
    expect(trace).toEqual(['start 1', 'stop 1', 'start 1']);
  });

  test('S71 whileLeader sees a lease that lapses and comes back within one turn', () => {
    const { trace, job } = jobs();
    whileLeader(node, job).subscribe();
    node.turn(...electedIn(1));
    node.turn(lease(1, false), lease(1, true));
    expect(trace).toEqual(['start 1', 'stop 1', 'start 1']);
  });

  test('S71 whileLeader tears down on LeadershipLost alone', () => {
    const { trace, job } = jobs();
    whileLeader(node, job).subscribe();
    node.turn(...electedIn(1));
    node.turn(body('LeadershipLost'));
    expect(trace).toEqual(['start 1', 'stop 1']);
  });

  test('S71 whileLeader never overlaps itself when leadership is lost and won again within one turn', () => {
    const { trace, job } = jobs();
    whileLeader(node, job).subscribe();
    node.turn(...electedIn(1));
    node.turn(...deposedIn(1), ...electedIn(3), ...deposedIn(3), ...electedIn(7));
    expect(trace).toEqual(['start 1', 'stop 1', 'start 3', 'stop 3', 'start 7']);
  });

  test('S71 whileLeader is not restarted by log traffic or by what repeats the known', () => {
    const { trace, job } = jobs();
    whileLeader(node, job).subscribe();
    node.turn(...electedIn(1));
    node.turn(body('CommitAdvanced'), established(1), lease(1, true), body('QuorumAcknowledged'));
    expect(trace).toEqual(['start 1']);
  });

  test('starts at once for who subscribes late, and a subscriber that came and went leaves nothing running', () => {
    node.turn(...electedIn(1));
    const { trace, job } = jobs();
    const { subscription } = recorded(whileLeader(node, job));
    expect(trace).toEqual(['start 1']);
    subscription.unsubscribe();
    expect(trace).toEqual(['start 1', 'stop 1']);
    node.turn(...deposedIn(1), ...electedIn(2));
    expect(trace).toHaveLength(2);
  });

  test('subscribed within the very turn that elects, it starts once', () => {
    const { trace, job } = jobs();
    let isSubscribed = false;
    node.events.subscribe(() => {
      if (!isSubscribed) whileLeader(node, job).subscribe();
      isSubscribed = true;
    });
    node.turn(...electedIn(1));
    expect(trace).toEqual(['start 1']);
    node.turn(...deposedIn(1));
    expect(trace).toEqual(['start 1', 'stop 1']);
  });

  test('hands over a fencing token that grows with every leadership', () => {
    const seen: ActiveLeadership[] = [];
    whileLeader(node, (leadership) => {
      seen.push(leadership);
      return NEVER;
    }).subscribe();
    node.turn(...electedIn(1));
    node.turn(...deposedIn(1), ...electedIn(4, { index: 9, term: 4 }));
    expect(seen).toEqual([
      { term: 1, fencingToken: 1, noopIndex: 1, sinceAt: 20 },
      { term: 4, fencingToken: 4, noopIndex: 9, sinceAt: 170 },
    ]);
  });

  test('ends with the node, and the job with it', () => {
    const { trace, job } = jobs();
    const { notes } = recorded(whileLeader(node, job));
    node.turn(...electedIn(1));
    node.stop();
    expect(notes).toEqual(['job 1', 'complete']);
    expect(trace).toEqual(['start 1', 'stop 1']);
  });

  test('errors with the node’s own fault, and the job stops', () => {
    const { trace, job } = jobs();
    const { notes } = recorded(whileLeader(node, job));
    node.turn(...electedIn(1));
    node.fail(new Error('disk'));
    expect(notes).toEqual(['job 1', 'error: disk']);
    expect(trace).toEqual(['start 1', 'stop 1']);
  });

  test('of a stopped node is empty', () => {
    node.stop();
    expect(recorded(whileLeader(node, () => NEVER)).notes).toEqual(['complete']);
  });

  test('a job that completes waits for the next leadership; one that fails ends the stream', () => {
    const { notes } = recorded(whileLeader(node, ({ term }) => (term === 1 ? of('done') : throwError(() => new Error('job')))));
    node.turn(...electedIn(1));
    node.turn(...deposedIn(1), ...electedIn(2));
    node.turn(...deposedIn(2), ...electedIn(3));
    expect(notes).toEqual(['done', 'error: job']);
  });

  test('a projection that throws ends the stream', () => {
    const failing = (): Observable<never> => {
      throw new Error('project');
    };
    const { notes } = recorded(whileLeader(node, failing));
    node.turn(...electedIn(1));
    expect(notes).toEqual(['error: project']);
  });

  test('a job that ends its own stream while it starts is torn down once', () => {
    const { trace, job } = jobs();
    const subscription = whileLeader(node, job).subscribe(() => queueMicrotask(() => subscription.unsubscribe()));
    node.turn(...electedIn(1));
    return Promise.resolve().then(() => expect(trace).toEqual(['start 1', 'stop 1']));
  });

  test('a job whose making ends its own leadership never starts; the one after it does', () => {
    node.turn(...electedIn(1));
    const { trace, job } = jobs();
    const { notes } = recorded(
      whileLeader(node, (leadership) => {
        trace.push(`make ${leadership.term}`);
        if (leadership.term === 1) node.turn(...deposedIn(1), ...electedIn(2));
        return job(leadership);
      }),
    );
    expect(trace).toEqual(['make 1', 'make 2', 'start 2']);
    expect(notes).toEqual(['job 2']);
  });
});

describe('whileLeader in marbles', () => {
  const E: Record<string, RaftEvent> = {
    a: event(1, 'LeadershipAcquired'),
    e: event(2, 'LeadershipEstablished'),
    v: event(3, 'LeaseChanged', { valid: true }),
    i: event(4, 'LeaseChanged', { valid: false }),
    l: event(5, 'LeadershipLost'),
  };
  const over = (events: Observable<RaftEvent>): ObservedNode => ({
    events,
    metrics: new CurrentValue(() => initialMetrics('a', 'run-1'), () => undefined),
  });

  test.each([
    ['runs the job between the lease and the loss', '-a-e-v-----l---|', '-----x-x-x-----|', undefined],
    ['stops the job when the lease lapses', '-(aev)--i----|', '-x-x-x-------|', undefined],
    ['runs nothing before Established', '-a-v-l|', '------|', undefined],
    ['of an empty stream is empty', '|', '|', undefined],
    ['of a silent stream is silent', '-', '-', undefined],
    ['passes an error on, and the job stops', '-(aev)--#', '-x-x-x--#', undefined],
    ['ends with the events, and the job with it', '-(aev)--|', '-x-x-x--|', undefined],
    ['stops the job when unsubscribed', '-(aev)------', '-x-x', '----!'],
  ])('%s', (_what, events, expected, unsubscription) => {
    marbles(({ hot, cold, expectObservable }) => {
      const job = cold('x-x-x-', undefined);
      expectObservable(whileLeader(over(hot(events, E)), () => job), unsubscription).toBe(expected);
    });
  });

  test('an empty job leaves the stream open', () =>
    marbles(({ hot, expectObservable }) => {
      expectObservable(whileLeader(over(hot('-(aev)---|', E)), () => EMPTY)).toBe('---------|');
    }));
});
