import { filter, Subject, type Subscriber, type Subscription } from 'rxjs';
import type { RaftEvent } from '../../core/events.js';
import { MetricsFold } from '../metrics/fold.js';
import type { ObservedNode } from './observed-node.js';
import { Ring } from './ring.js';
import type { StreamItem } from './stream-items.js';

/**
 * The newest events of a node and the state before them:
 *
 *     state after event `keptAfter` │ kept: keptAfter + 1 … │ live
 *
 * An event that leaves the ring is folded into the state, so the two always meet.
 */
export class EventHistory {
  private readonly kept: Ring<RaftEvent>;
  private readonly state: MetricsFold;
  /** `seq` of the last event folded into `state`. */
  private keptAfter: number;
  private readonly live = new Subject<RaftEvent>();
  private readonly source: Subscription;

  constructor(
    private readonly node: ObservedNode,
    capacity: number,
  ) {
    const metrics = node.metrics.value;
    this.kept = new Ring(capacity);
    this.state = new MetricsFold(metrics);
    this.keptAfter = metrics.seq;
    this.source = node.events.subscribe({
      next: (event) => this.keep(event),
      error: (error: unknown) => this.live.error(error),
      complete: () => this.live.complete(),
    });
  }

  /** Whether `seq` is a position in this run of the node; it may come from the network. */
  isReached(seq: number, runId: string | undefined): boolean {
    const metrics = this.node.metrics.value;
    return Number.isSafeInteger(seq) && seq >= 0 && seq <= metrics.seq && (runId === undefined || runId === metrics.runId);
  }

  /** Gives everything after `position` (null: unknown), then the live events. Handlers may make new events meanwhile. */
  replay(subscriber: Subscriber<StreamItem>, position: number | null): Subscription | undefined {
    let seen = position;
    while (!subscriber.closed) {
      if (seen === null || seen < this.keptAfter) {
        const metrics = this.state.snapshot();
        if (seen !== null) subscriber.next({ type: 'EventsMissed', from: seen + 1, to: metrics.seq });
        subscriber.next({ type: 'CurrentState', seq: metrics.seq, metrics });
        seen = metrics.seq;
        continue;
      }
      const event = this.kept.at(seen - this.keptAfter);
      if (event === undefined) return this.follow(subscriber, seen);
      subscriber.next(event);
      seen = event.seq;
    }
    return undefined;
  }

  close(): void {
    this.source.unsubscribe();
    this.live.complete();
  }

  /** `seen` may be ahead: whoever asks during an event has perhaps seen it before this history did. */
  private follow(subscriber: Subscriber<StreamItem>, seen: number): Subscription {
    return this.live.pipe(filter((event) => event.seq > seen)).subscribe(subscriber);
  }

  private keep(event: RaftEvent): void {
    // Made during an event, the history begins with the state at the turn's end: the rest of that turn is in it.
    if (event.seq <= this.keptAfter) return;
    const oldest = this.kept.push(event);
    if (oldest !== undefined) {
      this.state.apply(oldest, oldest.at, oldest.seq);
      this.keptAfter = oldest.seq;
    }
    this.live.next(event);
  }
}
