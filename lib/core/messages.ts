import type { Configuration } from './configuration.js';
import type { Entry } from './entry.js';
import type { LogId, LogIndex, NodeId, Term } from './ids.js';

/**
 * What one Raft core says to another. Plain data; never changed after it is sent, because transports
 * inside one process hand it over by reference.
 *
 * `round` ties a reply to the moment its request was sent: the leader numbers rounds from 1 in each term,
 * stamps every append and heartbeat with the newest one, and a reply echoes the newest round its sender
 * has seen in that term. A round that a quorum has echoed proves leadership at the time that round began;
 * ReadIndex (thesis §6.4), lease (§6.4.1) and check-quorum (§6.2) all rest on that.
 */
export type RaftMessage =
  | PreVoteRequest
  | PreVoteReply
  | VoteRequest
  | VoteReply
  | Append
  | AppendReply
  | AppendRejected
  | Heartbeat
  | HeartbeatReply
  | InstallSnapshot
  | InstallSnapshotReply
  | TimeoutNow;

/** Asks whether an election for `term` could be won, without raising anyone's term (thesis §9.6). */
export interface PreVoteRequest {
  readonly type: 'preVoteRequest';
  /** The term the sender would campaign in: its own plus one. */
  readonly term: Term;
  readonly lastLog: LogId;
}

/** Whether the sender would vote so; refused in words, with its own term. */
export interface PreVoteReply {
  readonly type: 'preVoteReply';
  /** The requested term when granted; the voter's own term when not. */
  readonly term: Term;
  readonly granted: boolean;
}

/** RequestVote (§5.2). `lastLog` is the candidate's last *durable* entry. */
export interface VoteRequest {
  readonly type: 'voteRequest';
  readonly term: Term;
  readonly lastLog: LogId;
  /** Set when the leader itself asked for this election, so that stickiness does not apply (thesis §4.2.3). */
  readonly transfer: boolean;
}

/** RequestVote's results (figure 2); leaves once the vote is durable. */
export interface VoteReply {
  readonly type: 'voteReply';
  readonly term: Term;
  readonly granted: boolean;
}

/** AppendEntries with entries, or an empty one that probes (§5.3). */
export interface Append {
  readonly type: 'append';
  readonly term: Term;
  readonly round: number;
  /** The entry just before `entries`. */
  readonly previous: LogId;
  readonly commit: LogIndex;
  readonly entries: readonly Entry[];
}

/** Everything through `matched` equals the leader's log and is durable here. */
export interface AppendReply {
  readonly type: 'appendReply';
  readonly term: Term;
  readonly round: number;
  readonly matched: LogIndex;
  /** The sender would take leadership over if it were told to (thesis §3.10): its elections are not paused, nor has it just stepped down. */
  readonly willing: boolean;
}

/** The entry at `rejected` is not here. `hint` is the highest entry that may be common (§5.3, the optimisation). */
export interface AppendRejected {
  readonly type: 'appendRejected';
  readonly term: Term;
  readonly round: number;
  /** `previous.index` of the append that is refused; 0 when it was refused for its term. */
  readonly rejected: LogIndex;
  readonly hint: LogId;
}

/** AppendEntries without entries: keeps leadership alive and tells a commit index of at most min(matched, committed). */
export interface Heartbeat {
  readonly type: 'heartbeat';
  readonly term: Term;
  readonly round: number;
  readonly commit: LogIndex;
}

/** The sender follows this leader still, as of the round that it echoes. */
export interface HeartbeatReply {
  readonly type: 'heartbeatReply';
  readonly term: Term;
  readonly round: number;
  /** As in `AppendReply`. */
  readonly willing: boolean;
}

/** What a snapshot stands for, apart from its bytes. */
export interface SnapshotMeta {
  /** The last entry that the snapshot contains. */
  readonly last: LogId;
  /** The configuration in force at `last`, and the index of its entry. */
  readonly configuration: Configuration;
  readonly configurationIndex: LogIndex;
  /** Length of the state machine's bytes. */
  readonly bytes: number;
}

/** One chunk of a snapshot (§7), to be taken in order of `offset`. One without data asks how far the receiver is. */
export interface InstallSnapshot {
  readonly type: 'installSnapshot';
  readonly term: Term;
  readonly round: number;
  readonly snapshot: SnapshotMeta;
  /** Grows whenever the sender goes back, within its term; the answer repeats it. */
  readonly attempt: number;
  readonly offset: number;
  readonly data: Uint8Array;
  /** CRC-32 of `data`. */
  readonly checksum: number;
  readonly done: boolean;
}

/** Answers a chunk, or (when `installed`) the whole: the log through `matched` is in place and durable. */
export interface InstallSnapshotReply {
  readonly type: 'installSnapshotReply';
  readonly term: Term;
  readonly round: number;
  readonly last: LogId;
  /** The attempt of the chunk that this answers; 0 for none. */
  readonly attempt: number;
  /** Bytes received in order so far: where to go on from. */
  readonly received: number;
  /** That chunk was of no use: it did not follow on what is here, or was damaged. Go back to `received`. */
  readonly gap: boolean;
  readonly installed: boolean;
  readonly matched: LogIndex;
}

/** The leader asks the most up-to-date voter to campaign at once (thesis §3.10). */
export interface TimeoutNow {
  readonly type: 'timeoutNow';
  readonly term: Term;
}

/** A message and whom it goes to. */
export interface Outbound {
  readonly to: NodeId;
  readonly message: RaftMessage;
}
