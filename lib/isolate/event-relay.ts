import type { Observable } from 'rxjs';
import type { RaftEvent, RaftEventBody } from '../core/events.js';
import { MetricsStream } from '../node/metrics/stream.js';
import { EventPublisher, type EventPublisherOptions } from '../node/reporting/publisher.js';
import { systemClock } from '../node/system-clock.js';

/**
 * The node's events in the application's thread: folded into the metrics a turn at a time, then published, as a node does
 * that runs here. The envelope is made here, so that what only this thread can say takes its place among them.
 */
export class EventRelay {
  readonly events: Observable<RaftEvent>;
  readonly metrics: MetricsStream;
  private readonly publisher: EventPublisher;

  constructor(options: EventPublisherOptions) {
    this.publisher = new EventPublisher(options);
    this.metrics = new MetricsStream(options.nodeId, options.runId);
    this.events = this.publisher.events;
  }

  /** The events of one turn. A reporter that threw on one of them is told of right behind. */
  publish(events: readonly RaftEventBody[], at: number, wallTime: number): void {
    this.metrics.apply(events, at, this.publisher.nextSeq);
    this.metrics.emitTurn();
    this.publisher.publish(events, at, wallTime);
    const failure = this.publisher.takeFailure(this.metrics.value.term);
    if (failure !== null) this.publish([failure], at, wallTime);
  }

  /** Events that the node's thread does not know of. */
  say(events: readonly RaftEventBody[]): void {
    this.publish(events, systemClock.now(), systemClock.wallTime());
  }

  complete(): void {
    this.metrics.complete();
    this.publisher.complete();
  }

  error(fault: unknown): void {
    this.metrics.error(fault);
    this.publisher.error(fault);
  }
}
