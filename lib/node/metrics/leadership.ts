import type { BodyOf } from './rule.js';
import type { Leadership } from './metrics.js';

/** The kinds of events that make, change or end this node's leadership. */
export type LeadershipEvent = BodyOf<'LeadershipAcquired' | 'LeadershipEstablished' | 'LeadershipLost' | 'LeaseChanged'>;

/** This node's leadership after the event; the same reference when the event changes nothing. Frozen. */
export function reduceLeadership(leadership: Leadership | null, event: LeadershipEvent, at: number): Leadership | null {
  switch (event.type) {
    case 'LeadershipAcquired':
      return Object.freeze({ term: event.term, sinceAt: at, noopIndex: event.noopIndex, established: false, leaseValid: false });
    case 'LeadershipEstablished':
      return leadership === null || leadership.established ? leadership : Object.freeze({ ...leadership, established: true });
    case 'LeaseChanged':
      return leadership === null || leadership.leaseValid === event.valid ? leadership : Object.freeze({ ...leadership, leaseValid: event.valid });
    case 'LeadershipLost':
      return null;
    default:
      return unreachableKind(event, leadership);
  }
}

function unreachableKind(_event: never, leadership: Leadership | null): Leadership | null {
  return leadership;
}
