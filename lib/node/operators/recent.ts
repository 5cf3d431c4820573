import { Observable } from 'rxjs';
import { checkedCapacity } from './capacity.js';
import { EventHistory } from './event-history.js';
import type { ObservedNode } from './observed-node.js';
import type { StreamItem } from './stream-items.js';

/**
 * Keeps the last `capacity` events from now on, for who comes late. Subscribing gives a `CurrentState` as of just
 * before the oldest event kept, then the kept events, then the live ones: gapless, none twice. Ends as the node does;
 * who comes even later still gets what is kept, then the end.
 *
 * Holds a subscription of the node's events until the node ends or `close()` is called.
 *
 * @example
 * const history = recent(node, 1000);
 * history.subscribe((item) => (item.type === 'CurrentState' ? draw(item.metrics) : update(item)));
 * response.writeEvents(history.since(lastEventId)); // where a reader of server-sent events left off
 */
export function recent(node: ObservedNode, capacity: number): RecentEvents {
  return new RecentEvents(new EventHistory(node, checkedCapacity(capacity)));
}

/** The last events of a node, and the live ones. */
export class RecentEvents extends Observable<StreamItem> {
  constructor(private readonly history: EventHistory) {
    super((subscriber) => history.replay(subscriber, null));
  }

  /**
   * Every event after `seq`, kept ones first, then live. When some of them are no longer kept: an `EventsMissed` that
   * names them, a `CurrentState` in their place, then what is kept. A `seq` that this run of the node has not reached,
   * or of another `runId`, is a position unknown here: as for a new subscriber, a `CurrentState` comes first.
   */
  since(seq: number, runId?: string): Observable<StreamItem> {
    return new Observable((subscriber) => this.history.replay(subscriber, this.history.isReached(seq, runId) ? seq : null));
  }

  /** Completes the stream and lets go of the node. */
  close(): void {
    this.history.close();
  }
}
