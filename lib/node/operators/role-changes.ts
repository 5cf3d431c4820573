import { distinctUntilChanged, map, type Observable } from 'rxjs';
import type { Role } from '../../core/events.js';
import type { Term } from '../../core/ids.js';
import type { RaftMetrics } from '../metrics/metrics.js';
import type { ObservedNode } from './observed-node.js';

/** What this node does, and the term in which it began. */
export interface KnownRole {
  readonly role: Role;
  readonly term: Term;
}

/**
 * The role of this node: now, then at every change; leading again in a later term is a change. A state, not
 * a log: what changes and changes back within one turn is not seen (`ofType('RoleChanged')` sees it).
 * Ends as the node does.
 *
 * @example
 * roleChanges(node).subscribe(({ role, term }) => console.log(`${role} since term ${term}`));
 */
export function roleChanges(node: Pick<ObservedNode, 'metrics'>): Observable<KnownRole> {
  return node.metrics.pipe(
    distinctUntilChanged(isSameRole),
    map(({ role, term }) => ({ role, term })),
  );
}

function isSameRole(a: RaftMetrics, b: RaftMetrics): boolean {
  return a.role === b.role && a.leadership?.term === b.leadership?.term;
}
