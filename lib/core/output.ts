import type { Configuration } from './configuration.js';
import type { Entry } from './entry.js';
import type { RaftEventBody } from './events.js';
import type { LogIndex, NodeId, Term } from './ids.js';
import type { InstallSnapshot, Outbound } from './messages.js';

/** Term and vote: durable before anything that depends on them leaves the node (§5.1, figure 2). */
export interface HardState {
  readonly term: Term;
  readonly votedFor: NodeId | null;
}

/**
 * One atomic write. Truncation comes first, then the entries. Writes are issued in order of `id` and
 * must become durable in that order; completion is reported with a `persisted` input.
 */
export interface DurableWrite {
  readonly id: number;
  /** The hard state to save, or null to leave it as it is. */
  readonly hardState: HardState | null;
  /** Remove every entry after this index before appending; null removes nothing. */
  readonly truncateAfter: LogIndex | null;
  readonly entries: readonly Entry[];
}

/** Committed entries for the state machine: `from` to `to` inclusive. */
export interface ApplyEffect {
  readonly from: LogIndex;
  readonly to: LogIndex;
  /** The entries, or null when they are no longer in memory and are to be read from storage. */
  readonly entries: readonly Entry[] | null;
}

/** The leader needs old entries for a slow follower; answer with `entriesRead`. */
export interface LogRead {
  readonly peer: NodeId;
  readonly from: LogIndex;
  readonly to: LogIndex;
  readonly maxBytes: number;
}

/** The answer to one `propose`: the first `accepted` payloads stand at `firstIndex`…; the rest were refused. */
export interface ProposalOutcome {
  readonly term: Term;
  readonly firstIndex: LogIndex;
  readonly accepted: number;
  /** Why the rest was refused; null when none was. */
  readonly refusal: 'notLeader' | 'overloaded' | 'transferring' | 'stopping' | null;
}

/** The answer to one read: serve it once applied ≥ `index`, or refuse it. */
export interface ReadOutcome {
  readonly id: number;
  readonly index: LogIndex;
  readonly refusal: 'notLeader' | 'leadershipLost' | 'leaseExpired' | null;
}

/** The needed entries are compacted away: send the peer the latest snapshot. */
export interface SnapshotSend {
  readonly peer: NodeId;
}

/** The answer to one membership change: the final configuration is committed at `index`, or why it was refused. */
export interface MembershipOutcome {
  readonly id: number;
  readonly index: LogIndex;
  readonly configuration: Configuration;
  /** A sentence, `notLeader`, or `leadershipLost` when the change was begun and its fate is open; null when done. */
  readonly refusal: string | null;
}

/** How a transfer of leadership ended. */
export interface TransferOutcome {
  readonly id: number;
  readonly outcome: 'transferred' | 'timedOut' | 'aborted' | 'refused';
  readonly to: NodeId | null;
  /** Why it was aborted or refused; empty otherwise. */
  readonly reason: string;
}

/** What one turn asks of the world, in the order in which it may be done. */
export interface TurnOutput {
  /** At most one write a turn. */
  readonly write: DurableWrite | null;
  /** Messages that may leave now: whatever they promise is durable already. */
  readonly messages: readonly Outbound[];
  readonly apply: ApplyEffect | null;
  /** One for each `propose` input of the turn, in order. */
  readonly proposals: readonly ProposalOutcome[];
  readonly reads: readonly ReadOutcome[];
  readonly membershipOutcomes: readonly MembershipOutcome[];
  readonly transferOutcomes: readonly TransferOutcome[];
  readonly logReads: readonly LogRead[];
  readonly snapshotSends: readonly SnapshotSend[];
  /** Chunks from the current leader, to be stored in order. */
  readonly snapshotChunks: readonly SnapshotChunk[];
  /** The log through here is forgotten: storage may delete it. Null in most turns. */
  readonly compactThrough: LogIndex | null;
  /** Facts, in the order in which they became true. */
  readonly events: readonly RaftEventBody[];
}

/** A chunk that arrived from the current leader. */
export interface SnapshotChunk {
  readonly from: NodeId;
  readonly chunk: InstallSnapshot;
}
