import { distinctUntilChanged, map, type Observable } from 'rxjs';
import type { MembershipMetrics } from '../metrics/metrics.js';
import type { ObservedNode } from './observed-node.js';

/**
 * Who is in the cluster: now, then whenever the configuration in force or the committed one changes. A state,
 * not a log: what changes and changes back within one turn is not seen. Ends as the node does.
 *
 * @example
 * membershipChanges(node).subscribe(({ effective }) => console.log('voters:', effective.voters.join(', ')));
 */
export function membershipChanges(node: Pick<ObservedNode, 'metrics'>): Observable<MembershipMetrics> {
  return node.metrics.pipe(
    map(({ membership }) => membership),
    distinctUntilChanged(),
  );
}
