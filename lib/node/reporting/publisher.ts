import type { Observable } from 'rxjs';
import type { RaftEvent, RaftEventBody } from '../../core/events.js';
import { nullReporter, type RaftReporter } from '../../ports/reporter.js';
import { Broadcast } from './broadcast.js';
import { stamped, type EventSource } from './stamp.js';

export interface EventPublisherOptions extends EventSource {
  /** Default: `nullReporter`. */
  readonly reporter?: RaftReporter;
  /** Gets the first exception that the reporter throws; the later ones are counted alone. */
  readonly onUnhandledError: (error: unknown) => void;
}

/**
 * Gives events their envelope and hands them out, in order: each to the reporter first, then to the
 * subscribers of `events`. Nobody listening, nothing is built: only `seq` advances.
 *
 * What listeners do changes nothing for the others. A reporter that throws is counted and stays registered.
 * A subscriber of `events` whose handler throws is unaffected too, and so are the others: RxJS rethrows the
 * exception later, from a timer, or gives it to `config.onUnhandledError` where that is set. Who subscribes
 * during an event gets the next one first; who unsubscribes during an event gets no later one.
 */
export class EventPublisher {
  /** Hot. Completes after `NodeStopped`; errors on the node's own fatal fault only. */
  readonly events: Observable<RaftEvent>;

  private readonly live = new Broadcast<RaftEvent>((error, event) => this.listenerFailed(error, event));
  private readonly reporter: RaftReporter | null;
  private isPublishing = false;
  private seq = 0;
  private failures = 0;
  private unstatedFailures = 0;
  /** The newest failure that a `SubscriberFailed` is due for. */
  private failure: string | null = null;

  constructor(private readonly options: EventPublisherOptions) {
    const reporter = options.reporter ?? nullReporter;
    this.reporter = reporter === nullReporter ? null : reporter;
    this.events = this.live.stream;
  }

  /** The `seq` that the next event gets. */
  get nextSeq(): number {
    return this.seq + 1;
  }

  /** How often a listener threw. */
  get failureCount(): number {
    return this.failures;
  }

  /** Whether an event that is published now is seen by anyone. */
  get isObserved(): boolean {
    return this.reporter !== null || this.live.observed;
  }

  /**
   * Publishes a turn's events.
   * @param atMs the turn's monotonic time.
   * @param wallTime milliseconds since 1970.
   * @throws {Error} when called by a listener: the turn loop queues what listeners cause.
   */
  publish(bodies: readonly RaftEventBody[], atMs: number, wallTime: number): void {
    if (this.isPublishing) throw new Error('events are published by the turn loop alone: a listener published within an event');
    this.isPublishing = true;
    try {
      for (const body of bodies) {
        this.seq += 1;
        if (this.isObserved) this.deliver(stamped(body, this.options, this.seq, atMs, wallTime));
      }
    } finally {
      this.isPublishing = false;
    }
  }

  /**
   * What reporters threw since the last call, as the event for the next turn; null when there is nothing to
   * say. A failure to take a `SubscriberFailed` is counted with the next other one: otherwise a reporter that
   * always throws would keep an idle node talking for ever.
   */
  takeFailure(term: number): RaftEventBody | null {
    if (this.failure === null) return null;
    const event: RaftEventBody = { type: 'SubscriberFailed', term, error: this.failure, count: this.unstatedFailures };
    this.failure = null;
    this.unstatedFailures = 0;
    return event;
  }

  /** After `NodeStopped`. */
  complete(): void {
    this.live.complete();
  }

  /** The node's own fatal fault. */
  error(fault: unknown): void {
    this.live.error(fault);
  }

  private deliver(event: RaftEvent): void {
    if (this.reporter !== null) {
      try {
        this.reporter.report(event);
      } catch (error) {
        this.listenerFailed(error, event);
      }
    }
    this.live.next(event);
  }

  private listenerFailed(error: unknown, event: RaftEvent): void {
    this.failures += 1;
    this.unstatedFailures += 1;
    if (event.type !== 'SubscriberFailed') this.failure = error instanceof Error ? error.message : String(error);
    if (this.failures > 1) return;
    try {
      this.options.onUnhandledError(error);
    } catch {
      // Nobody is left to tell but the event, which says it.
    }
  }
}
