import { BehaviorSubject, throwError, type Observable } from 'rxjs';
import type { RaftEventBody } from '../../core/events.js';
import type { NodeId } from '../../core/ids.js';
import type { DataMetrics, ObservableValue, ReplicationMetrics, ServerMetrics } from '../raft-node.js';
import { CurrentValue } from './current-value.js';
import { MetricsFold } from './fold.js';
import { initialMetrics } from './initial.js';
import type { RaftMetrics } from './metrics.js';
import { dataMetricsOf, replicationMetricsOf, serverMetricsOf } from './views.js';

/**
 * A node's metrics: events → scan → BehaviorSubject, evaluated lazily. The turn loop calls `apply` with the
 * turn's events and then `emitTurn` once, after the effects and before the events are published; so the
 * value is current and whole inside every event handler.
 *
 * While nobody subscribes, a turn costs the folding alone: the frozen value is built when it is read.
 */
export class MetricsStream {
  /** Emits its current value on subscription, then at most once a turn. */
  readonly metrics: ObservableValue<RaftMetrics>;
  readonly serverMetrics: Observable<ServerMetrics>;
  readonly dataMetrics: Observable<DataMetrics>;
  readonly replicationMetrics: Observable<ReplicationMetrics>;

  private readonly fold: MetricsFold;
  /** Lags behind the fold only while nobody observes it. */
  private readonly subject: BehaviorSubject<RaftMetrics>;
  private hasEnded = false;

  constructor(nodeId: NodeId, runId: string) {
    const initial = initialMetrics(nodeId, runId);
    this.fold = new MetricsFold(initial);
    this.subject = new BehaviorSubject(initial);
    this.metrics = new CurrentValue(
      () => this.value,
      (subscriber) => {
        // A BehaviorSubject that ended no longer gives its value; whoever comes late wants the last one.
        if (this.hasEnded) subscriber.next(this.value);
        else if (!this.subject.observed) this.subject.next(this.value);
        return this.subject.subscribe(subscriber);
      },
    );
    this.serverMetrics = serverMetricsOf(this.metrics);
    this.dataMetrics = dataMetricsOf(this.metrics);
    this.replicationMetrics = replicationMetricsOf(this.metrics);
  }

  /** The state with every event applied so far; never throws, also after the end. */
  get value(): RaftMetrics {
    return this.fold.snapshot();
  }

  /**
   * Folds a turn's events in; tells nobody yet.
   * @param atMs the turn's monotonic time.
   * @param firstSeq the `seq` of the first of them; the others follow without a gap.
   */
  apply(events: readonly RaftEventBody[], atMs: number, firstSeq: number): void {
    let seq = firstSeq;
    for (const event of events) this.fold.apply(event, atMs, seq++);
  }

  /** Ends the turn: subscribers, if any, get the new state, unless nothing happened. */
  emitTurn(): void {
    if (!this.subject.observed) return;
    const value = this.fold.snapshot();
    if (value === this.subject.value) return;
    try {
      this.subject.next(value);
    } catch (error) {
      // RxJS isolates ordinary handlers itself; this one was wired around its safety (a bare Subscriber), and must
      // not end the turn. An error that nobody handles goes where RxJS sends those of its own.
      throwError(() => error).subscribe();
    }
  }

  /** After `NodeStopped`: whoever subscribes later gets the last value and the end. */
  complete(): void {
    this.hasEnded = true;
    this.subject.complete();
  }

  /** The node's own fatal fault. */
  error(fault: unknown): void {
    this.hasEnded = true;
    this.subject.error(fault);
  }
}
