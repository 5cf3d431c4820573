import { filter, type OperatorFunction } from 'rxjs';
import type { EventOf, EventType, RaftEvent } from '../../core/events.js';

/**
 * Lets events of these kinds pass, narrowed to them; a name that is no kind of event does not compile.
 *
 * @example
 * node.events
 *   .pipe(ofType('NewLeader', 'MembershipCommitted'))
 *   .subscribe((event) => console.log(event.type === 'NewLeader' ? event.leaderId : event.configuration.voters));
 */
export function ofType<K extends EventType>(...types: readonly [K, ...K[]]): OperatorFunction<RaftEvent, EventOf<K>> {
  const wanted: readonly string[] = types;
  return filter((event): event is EventOf<K> & RaftEvent => wanted.includes(event.type));
}
