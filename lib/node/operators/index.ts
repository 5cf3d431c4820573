/** What users apply to a node and to its events. */
export { bufferEvents, type BufferEventsOptions } from './buffer-events.js';
export { leaderChanges, type KnownLeader } from './leader-changes.js';
export { membershipChanges } from './membership-changes.js';
export type { ObservedNode } from './observed-node.js';
export { ofType } from './of-type.js';
export { proposeTo, type Proposed, type Proposer, type ProposeToOptions } from './propose-to.js';
export { recent, type RecentEvents } from './recent.js';
export { roleChanges, type KnownRole } from './role-changes.js';
export type { CurrentState, EventsMissed, StreamItem } from './stream-items.js';
export { waitFor, type WaitOptions } from './wait-for.js';
export { whileLeader, type ActiveLeadership } from './while-leader.js';
