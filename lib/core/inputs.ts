import type { Entry } from './entry.js';
import type { LogId, LogIndex, NodeId } from './ids.js';
import type { MembershipChange } from './membership-plan.js';
import type { RaftMessage, SnapshotMeta } from './messages.js';

/**
 * Everything that can happen to a core. A turn takes the time and any number of inputs; a turn without
 * inputs is a tick. A recorded list of turns, replayed, gives the same outputs byte for byte.
 */
export type Input =
  | MessageInput
  | ProposeInput
  | ReadInput
  | PersistedInput
  | AppliedInput
  | EntriesReadInput
  | ConnectionInput
  | SnapshotSavedInput
  | SnapshotStagedInput
  | SnapshotAbandonedInput
  | SnapshotInstalledInput
  | SnapshotSendEndedInput
  | CompactInput
  | ChangeMembershipInput
  | TransferInput
  | StepDownInput
  | CampaignInput
  | PauseElectionsInput
  | HaltInput;

/** A peer's message arrived. */
export interface MessageInput {
  readonly type: 'message';
  readonly from: NodeId;
  readonly message: RaftMessage;
}

/** Commands to append, in order; answered by one `ProposalOutcome` in the same turn. */
export interface ProposeInput {
  readonly type: 'propose';
  readonly payloads: readonly Uint8Array[];
  /** One of them came from another server, where somebody may wait until it is applied there too. */
  readonly isAwaitedElsewhere?: boolean;
}

/** A linearizable (`lease: false`) or lease read; answered by a `ReadOutcome` with this `id`, in this turn or a later one. */
export interface ReadInput {
  readonly type: 'read';
  readonly id: number;
  readonly lease: boolean;
}

/** The write with this id, and all before it, are durable. */
export interface PersistedInput {
  readonly type: 'persisted';
  readonly writeId: number;
  /** How long the storage took. */
  readonly ioMs: number;
}

/** The state machine holds every entry through `through`. */
export interface AppliedInput {
  readonly type: 'applied';
  readonly through: LogIndex;
  readonly applyMs: number;
}

/** The answer to a `LogRead`: consecutive entries from the index asked for; none when it was compacted meanwhile. */
export interface EntriesReadInput {
  readonly type: 'entriesRead';
  readonly peer: NodeId;
  readonly entries: readonly Entry[];
}

/** The transport's connection to a peer came up or went down. */
export interface ConnectionInput {
  readonly type: 'connection';
  readonly peer: NodeId;
  readonly up: boolean;
  /** Why it is down. */
  readonly error: string;
}

/** A snapshot of the own state machine is durable. */
export interface SnapshotSavedInput {
  readonly type: 'snapshotSaved';
  readonly snapshot: SnapshotMeta;
  readonly ms: number;
}

/** Every byte of the leader's snapshot is here and is about to replace log and state machine; until it has, nothing else changes them. */
export interface SnapshotStagedInput {
  readonly type: 'snapshotStaged';
  readonly last: LogId;
}

/** The staged snapshot could not be put in force. */
export interface SnapshotAbandonedInput {
  readonly type: 'snapshotAbandoned';
}

/** A snapshot received from the leader is durable and restored into the state machine. */
export interface SnapshotInstalledInput {
  readonly type: 'snapshotInstalled';
  readonly snapshot: SnapshotMeta;
}

/** A snapshot transfer to a peer ended: acknowledged, failed, or because a newer snapshot has taken the place of the one it sent. */
export interface SnapshotSendEndedInput {
  readonly type: 'snapshotSendEnded';
  readonly peer: NodeId;
  readonly outcome: 'acknowledged' | 'failed' | 'superseded';
  readonly ms: number;
}

/** Forget the log through `through`, as far as a durable snapshot covers it; the turn's `compact` says how far storage may follow. */
export interface CompactInput {
  readonly type: 'compact';
  readonly through: LogIndex;
}

/** Change who is in the cluster; answered by a `MembershipOutcome` with this `id`. */
export interface ChangeMembershipInput {
  readonly type: 'changeMembership';
  readonly id: number;
  readonly change: MembershipChange;
  /** Refuse unless the configuration in force stands at this index; null asks for nothing. */
  readonly expected: LogIndex | null;
}

/** Hand leadership to a voter, the best one when none is named; answered by a `TransferOutcome` with this `id`. */
export interface TransferInput {
  readonly type: 'transfer';
  readonly id: number;
  readonly to: NodeId | null;
  readonly timeoutMs: number;
}

/** Give leadership up and stay a follower for a while. */
export interface StepDownInput {
  readonly type: 'stepDown';
}

/** Ask for an election now, pre-vote first. */
export interface CampaignInput {
  readonly type: 'campaign';
}

/** Maintenance: while paused this node starts no election of its own; it still votes and follows. */
export interface PauseElectionsInput {
  readonly type: 'pauseElections';
  readonly paused: boolean;
}

/** The node stops, or its storage failed: leadership ends, nothing more is acknowledged. */
export interface HaltInput {
  readonly type: 'halt';
  readonly reason: 'stopped' | 'fatalError';
}
