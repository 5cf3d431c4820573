import { distinctUntilChanged, map, type Observable } from 'rxjs';
import type { NodeId, Term } from '../../core/ids.js';
import type { ObservedNode } from './observed-node.js';

/** Whom this node takes for the leader of which term; null while it knows none. */
export interface KnownLeader {
  readonly leaderId: NodeId | null;
  readonly term: Term;
}

/**
 * The leader as this node knows it: now, then at every change of leader or term. A state, not a log: what
 * changes and changes back within one turn is not seen (`ofType('NewLeader', 'LeaderLost')` sees it).
 * Ends as the node does.
 *
 * @example
 * leaderChanges(node).subscribe(({ leaderId, term }) => console.log(`term ${term}: ${leaderId ?? 'no leader'}`));
 */
export function leaderChanges(node: Pick<ObservedNode, 'metrics'>): Observable<KnownLeader> {
  return node.metrics.pipe(
    distinctUntilChanged((a, b) => a.leaderId === b.leaderId && a.term === b.term),
    map(({ leaderId, term }) => ({ leaderId, term })),
  );
}
