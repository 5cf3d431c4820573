/** The deterministic Raft core: no I/O, clock, randomness or RxJS. Most users want `rxraft` itself. */
export * from './configuration.js';
export * from './entry.js';
export * from './events.js';
export * from './ids.js';
export type * from './inputs.js';
export { InvariantError } from './invariant.js';
export type { MembershipChange, NewNode } from './membership-plan.js';
export type * from './messages.js';
export { DEFAULT_CORE_OPTIONS, type CoreOptions } from './options.js';
export type * from './output.js';
export { quorumReached, voteResult, type VoteResult } from './quorum.js';
export { RaftCore } from './raft.js';
export type { Restored } from './restore.js';
export type { CoreStatus, PeerStatus } from './status.js';
