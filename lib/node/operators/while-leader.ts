import { defer, distinctUntilChanged, EMPTY, endWith, from, map, merge, of, scan, switchMap, Observable, type ObservableInput } from 'rxjs';
import type { RaftEvent } from '../../core/events.js';
import type { LogIndex, Term } from '../../core/ids.js';
import { reduceLeadership } from '../metrics/leadership.js';
import type { Leadership } from '../metrics/metrics.js';
import type { ObservedNode } from './observed-node.js';

/** The leadership that a job runs under. */
export interface ActiveLeadership {
  readonly term: Term;
  /**
   * Greater for every later leadership in the cluster. Hand it to whatever the job writes to, and let that refuse
   * a token smaller than the greatest it has seen: a paused process can't know that its time is over.
   */
  readonly fencingToken: number;
  readonly noopIndex: LogIndex;
  /** Monotonic ms of the node. */
  readonly sinceAt: number;
}

/**
 * Runs a job on the leader and nowhere else: `project` is subscribed while this node's leadership is established
 * and its lease valid, and unsubscribed when either ends, which is before another node can be established.
 *
 * Concurrency is `switchMap`'s: a job starts after the earlier one is torn down, so it never overlaps itself.
 * Starts at once when this node leads already. A job that completes waits for the next leadership. Errors of the
 * job end the stream; otherwise it ends as the node does, and the job with it. The lease may lapse and come back
 * within one term: the job then starts again with the same token.
 *
 * @example
 * whileLeader(node, ({ fencingToken }) => interval(1000).pipe(concatMap(() => runJob(fencingToken)))).subscribe();
 */
export function whileLeader<T>(node: ObservedNode, project: (leadership: ActiveLeadership) => ObservableInput<T>): Observable<T> {
  return activeLeadership(node).pipe(switchMap((leadership) => (leadership === null ? EMPTY : jobUnder(leadership, project))));
}

/** The job, unless its leadership ends while `project` makes it: `switchMap` alone would then keep the stale one. */
function jobUnder<T>(leadership: ActiveLeadership, project: (leadership: ActiveLeadership) => ObservableInput<T>): Observable<T> {
  return new Observable((subscriber) => {
    const job = project(leadership);
    return subscriber.closed ? undefined : from(job).subscribe(subscriber);
  });
}

/** The leadership under which a job may run, or null: now, at every change, and null at the node's end. */
function activeLeadership(node: ObservedNode): Observable<ActiveLeadership | null> {
  return defer(() => {
    const { seq, leadership } = node.metrics.value;
    // The events come first, so that none is lost while the job starts. The metrics may be ahead of the events
    // when someone subscribes during an event: what they hold already is not counted twice.
    return merge(node.events, of(null)).pipe(
      scan<RaftEvent | null, Leadership | null>((now, event) => (event === null || event.seq <= seq ? now : leadershipAfter(now, event)), leadership),
      map((now) => (now !== null && now.established && now.leaseValid ? now : null)),
      distinctUntilChanged((a, b) => a?.term === b?.term),
      map((now) => (now === null ? null : { term: now.term, fencingToken: now.term, noopIndex: now.noopIndex, sinceAt: now.sinceAt })),
      endWith(null),
    );
  });
}

function leadershipAfter(leadership: Leadership | null, event: RaftEvent): Leadership | null {
  switch (event.type) {
    case 'LeadershipAcquired':
    case 'LeadershipEstablished':
    case 'LeadershipLost':
    case 'LeaseChanged':
      return reduceLeadership(leadership, event, event.at);
    default:
      return leadership;
  }
}
