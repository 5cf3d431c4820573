import { config, map, Subscriber, take } from 'rxjs';
import type { RaftEvent } from '../../../lib/core/events.js';
import { EventPublisher } from '../../../lib/node/reporting/publisher.js';
import { nullReporter, type RaftReporter } from '../../../lib/ports/reporter.js';
import { body, electedIn } from '../../support/events.js';
import { recorded } from '../../support/recorded.js';

const ONE = [body('ReadServed')];
const seqOf = (event: RaftEvent) => event.seq;

function publisherWith(reporter?: RaftReporter) {
  const unhandled: unknown[] = [];
  const publisher = new EventPublisher({ nodeId: 'a', runId: 'run-1', onUnhandledError: (error) => unhandled.push(error), ...(reporter && { reporter }) });
  return { publisher, unhandled };
}

describe('EventPublisher', () => {
  test('stamps every event with its envelope', () => {
    const { publisher } = publisherWith();
    const { notes } = recorded(publisher.events);
    publisher.publish([body('NewLeader', { term: 3, leaderId: 'b' })], 12.5, 1_700_000_000_000);
    expect(notes).toEqual([
      { type: 'NewLeader', seq: 1, runId: 'run-1', nodeId: 'a', at: 12.5, wallTime: 1_700_000_000_000, term: 3, leaderId: 'b', previousLeaderId: null },
    ]);
    expect(publisher.nextSeq).toBe(2);
  });

  test('leaves the core’s own object as it was', () => {
    const { publisher } = publisherWith();
    const { notes } = recorded(publisher.events);
    const fact = Object.freeze(body('ReadServed'));
    publisher.publish([fact], 0, 0);
    expect(notes[0]).not.toBe(fact);
    expect(fact).not.toHaveProperty('seq');
  });

  test('the reporter sees each event before the subscribers do, in order', () => {
    const trace: string[] = [];
    const { publisher } = publisherWith({ report: (event) => trace.push(`reporter ${event.seq}`) });
    publisher.events.subscribe((event) => trace.push(`subscriber ${event.seq}`));
    publisher.publish([...ONE, ...ONE], 0, 0);
    expect(trace).toEqual(['reporter 1', 'subscriber 1', 'reporter 2', 'subscriber 2']);
  });

  test('with the null reporter and no subscriber no event is built, and seq advances', () => {
    const { publisher } = publisherWith(nullReporter);
    const untouchable = new Proxy(body('ReadServed'), {
      get: () => {
        throw new Error('read');
      },
      ownKeys: () => {
        throw new Error('copied');
      },
    });
    expect(publisher.isObserved).toBe(false);
    publisher.publish([untouchable, untouchable], 0, 0);
    expect(publisher.nextSeq).toBe(3);
  });

  test('S70 sequence numbers are gapless across bursts, role flips inside one turn, and times without a listener', () => {
    const { publisher } = publisherWith();
    const flips = [...electedIn(1), body('LeadershipLost'), ...electedIn(2)];
    publisher.publish(flips, 0, 0);
    const { notes, subscription } = recorded(publisher.events, seqOf);
    for (let turn = 0; turn < 50; turn++) publisher.publish(flips, turn, turn);
    subscription.unsubscribe();
    publisher.publish(ONE, 99, 99);
    expect(notes).toEqual(Array.from({ length: 50 * flips.length }, (_, i) => flips.length + 1 + i));
    expect(publisher.nextSeq).toBe(51 * flips.length + 2);
  });

  test('S70 sequence numbers stay gapless when listeners throw', () => {
    const seen: number[] = [];
    const { publisher } = publisherWith({
      report: (event) => {
        seen.push(event.seq);
        throw new Error('reporter');
      },
    });
    publisher.publish([...ONE, ...ONE, ...ONE], 0, 0);
    publisher.publish(ONE, 0, 0);
    expect(seen).toEqual([1, 2, 3, 4]);
  });

  test('completes and errors its stream', () => {
    const stopped = publisherWith().publisher;
    const early = recorded(stopped.events, seqOf);
    stopped.publish(ONE, 0, 0);
    stopped.complete();
    expect(early.notes).toEqual([1, 'complete']);
    expect(recorded(stopped.events).notes).toEqual(['complete']);

    const failed = publisherWith().publisher;
    const watching = recorded(failed.events);
    failed.error(new Error('disk'));
    expect(watching.notes).toEqual(['error: disk']);
    expect(recorded(failed.events).notes).toEqual(['error: disk']);
  });

  test('a stream of events cannot be used to inject one', () => {
    expect('next' in publisherWith().publisher.events).toBe(false);
  });
});

describe('a reporter that throws', () => {
  const thrower: RaftReporter = {
    report: () => {
      throw new Error('boom');
    },
  };

  test('is reported once, counted, and keeps receiving events', () => {
    const { publisher, unhandled } = publisherWith(thrower);
    const { notes } = recorded(publisher.events, seqOf);
    publisher.publish([...ONE, ...ONE, ...ONE], 0, 0);
    expect(unhandled).toEqual([new Error('boom')]);
    expect(publisher.failureCount).toBe(3);
    expect(notes).toEqual([1, 2, 3]);
  });

  test('its failures become one SubscriberFailed for the next turn', () => {
    const { publisher } = publisherWith(thrower);
    expect(publisher.takeFailure(1)).toBeNull();
    publisher.publish([...ONE, ...ONE], 0, 0);
    expect(publisher.takeFailure(4)).toEqual({ type: 'SubscriberFailed', term: 4, error: 'boom', count: 2 });
    expect(publisher.takeFailure(4)).toBeNull();
  });

  test('does not keep an idle node talking about it for ever, and no failure is left out', () => {
    const { publisher } = publisherWith(thrower);
    publisher.publish(ONE, 0, 0);
    const first = publisher.takeFailure(1);
    publisher.publish(first === null ? [] : [first], 0, 0);
    expect(publisher.takeFailure(1)).toBeNull();
    publisher.publish(ONE, 0, 0);
    expect(publisher.takeFailure(1)).toMatchObject({ count: 2 });
    expect(publisher.failureCount).toBe(3);
  });

  test('what is thrown need not be an Error, and who is told may throw too', () => {
    const publisher = new EventPublisher({
      nodeId: 'a',
      runId: 'run-1',
      reporter: {
        report: () => {
          // eslint-disable-next-line @typescript-eslint/only-throw-error -- what users do
          throw 'plain text';
        },
      },
      onUnhandledError: () => {
        throw new Error('nobody home');
      },
    });
    expect(() => publisher.publish(ONE, 0, 0)).not.toThrow();
    expect(publisher.takeFailure(1)).toMatchObject({ error: 'plain text' });
  });
});

describe('what subscribers do during an event', () => {
  const previous = config.onUnhandledError;
  afterEach(() => {
    config.onUnhandledError = previous;
  });

  test('S72 one that throws changes nothing for the others nor for itself; RxJS reports it later', async () => {
    const late: unknown[] = [];
    config.onUnhandledError = (error) => late.push(error);
    const { publisher } = publisherWith();
    const before = recorded(publisher.events, seqOf);
    const own: number[] = [];
    publisher.events.subscribe((event) => {
      own.push(event.seq);
      throw new Error('handler');
    });
    const after = recorded(publisher.events, seqOf);
    publisher.publish([...ONE, ...ONE], 0, 0);
    expect([before.notes, own, after.notes, late]).toEqual([[1, 2], [1, 2], [1, 2], []]);
    await new Promise((resolve) => setTimeout(resolve, 0));
    expect(late).toEqual([new Error('handler'), new Error('handler')]);
  });

  test('S72 one whose operator throws ends alone', () => {
    const { publisher } = publisherWith();
    const thrower = map((event: RaftEvent) => {
      if (event.seq === 1) throw new Error('operator');
      return event.seq;
    });
    const failing = recorded(publisher.events.pipe(thrower));
    const others = recorded(publisher.events, seqOf);
    publisher.publish([...ONE, ...ONE], 0, 0);
    expect([failing.notes, others.notes]).toEqual([['error: operator'], [1, 2]]);
  });

  test('S72 one wired around the safety of RxJS is counted like a reporter, and the others get the event', () => {
    const { publisher, unhandled } = publisherWith();
    class Bare extends Subscriber<RaftEvent> {
      override next(): void {
        throw new Error('bare');
      }
    }
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- the one way around RxJS's own isolation
    publisher.events.subscribe(new Bare());
    const others = recorded(publisher.events, seqOf);
    expect(() => publisher.publish([...ONE, ...ONE], 0, 0)).not.toThrow();
    expect([publisher.failureCount, unhandled.length]).toEqual([2, 1]);
    expect(others.notes).toEqual([1, 2]);
  });

  test('S72 one that unsubscribes itself or another changes nothing for the rest, nor their order', () => {
    const { publisher } = publisherWith();
    const trace: string[] = [];
    publisher.events.pipe(take(1)).subscribe((event) => trace.push(`once ${event.seq}`));
    const second = publisher.events.subscribe((event) => trace.push(`second ${event.seq}`));
    publisher.events.subscribe((event) => {
      trace.push(`third ${event.seq}`);
      second.unsubscribe();
    });
    publisher.events.subscribe((event) => trace.push(`fourth ${event.seq}`));
    publisher.publish([...ONE, ...ONE], 0, 0);
    expect(trace).toEqual(['once 1', 'second 1', 'third 1', 'fourth 1', 'third 2', 'fourth 2']);
  });

  test('S72 one that is unsubscribed during an event, before its turn, does not get that event', () => {
    const { publisher } = publisherWith();
    const trace: string[] = [];
    publisher.events.subscribe(() => later.unsubscribe());
    const later = publisher.events.subscribe((event) => trace.push(`later ${event.seq}`));
    publisher.publish(ONE, 0, 0);
    expect(trace).toEqual([]);
  });

  test('S72 one that subscribes anew gets the next event first, after all who were there', () => {
    const { publisher } = publisherWith();
    const trace: string[] = [];
    publisher.events.subscribe((event) => {
      trace.push(`first ${event.seq}`);
      if (event.seq === 1) publisher.events.subscribe((next) => trace.push(`new ${next.seq}`));
    });
    publisher.events.subscribe((event) => trace.push(`second ${event.seq}`));
    publisher.publish([...ONE, ...ONE], 0, 0);
    expect(trace).toEqual(['first 1', 'second 1', 'first 2', 'second 2', 'new 2']);
  });

  test('S72 one that publishes is refused, and the others get their event', () => {
    const { publisher, unhandled } = publisherWith({ report: () => publisher.publish(ONE, 0, 0) });
    const { notes } = recorded(publisher.events, seqOf);
    publisher.publish([...ONE, ...ONE], 0, 0);
    expect(notes).toEqual([1, 2]);
    expect(unhandled).toEqual([expect.objectContaining({ message: expect.stringMatching(/turn loop alone/) })]);
  });
});
