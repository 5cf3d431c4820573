import type { Configuration } from '../../core/configuration.js';
import type { ReplicationState, Role } from '../../core/events.js';
import type { LogId, LogIndex, NodeId, Term } from '../../core/ids.js';

/**
 * One node's state as a plain frozen value. Every field is a fold of the node's events, so a recorded
 * event stream gives the same metrics anywhere. Times named `…At` are the node's monotonic milliseconds.
 */
export interface RaftMetrics {
  /** `seq` of the last event folded in; 0 before the first. */
  readonly seq: number;
  readonly nodeId: NodeId;
  readonly runId: string;
  readonly runningState: 'initial' | 'running' | 'stopped' | 'failed';
  /** Why the node failed; null unless it did. */
  readonly fatalError: string | null;
  readonly role: Role;
  readonly term: Term;
  /** The vote that is on disk, and the term it was given in. */
  readonly votedFor: NodeId | null;
  readonly persistedTerm: Term;
  readonly leaderId: NodeId | null;
  /** By `pauseElections()`: this node starts no election of its own. */
  readonly electionsPaused: boolean;
  /** Set while this node leads. */
  readonly leadership: Leadership | null;
  readonly lastLog: LogId;
  readonly persisted: LogId;
  readonly committed: LogId;
  readonly applied: LogId;
  readonly snapshot: LogId;
  readonly compacted: LogId;
  readonly membership: MembershipMetrics;
  /** By peer, while this node leads; empty otherwise. */
  readonly replication: Readonly<Record<NodeId, PeerMetrics>>;
  /** Peers to which the transport has no connection at the moment, with the reason. */
  readonly unreachable: Readonly<Record<NodeId, string>>;
  /** When the newest round that a quorum answered began; null while not leading or before the first. */
  readonly lastQuorumAckAt: number | null;
  /** What happened in this run, counted. */
  readonly counters: RaftCounters;
  readonly latencies: RaftLatencies;
  /** Proposals accepted here and not yet answered. */
  readonly pendingProposals: number;
  /** The longest time for which the thread was held so that timers ran late, ms; 0 when it never was. */
  readonly eventLoopStallMaxMs: number;
}

/** A leader's own term of office. */
export interface Leadership {
  readonly term: Term;
  readonly sinceAt: number;
  /** The entry that opened the term (paper §8); once it is committed, so is everything before it. */
  readonly noopIndex: LogIndex;
  /** An entry of this term is committed and a quorum has answered: reads and jobs may begin. */
  readonly established: boolean;
  /** Whether lease reads are answered without a round trip (thesis §6.4.1). */
  readonly leaseValid: boolean;
}

/** Who is in the cluster: as in force, and as known to be committed. */
export interface MembershipMetrics {
  /** In force: the last configuration in the log (thesis §4.1). */
  readonly effective: Configuration;
  readonly effectiveIndex: LogIndex;
  readonly committed: Configuration;
  readonly committedIndex: LogIndex;
}

/** What a leader knows of one peer (figure 2, "volatile state on leaders"). */
export interface PeerMetrics {
  readonly state: ReplicationState;
  /** The peer's log equals this one through here, durably. */
  readonly matched: LogIndex;
  /** The next entry to send. */
  readonly next: LogIndex;
  /** Appends that are sent and not acknowledged. */
  readonly inFlight: number;
  /** When it last answered a round of contact; null before. */
  readonly lastContactAt: number | null;
  /** How long it took to, ms. */
  readonly rttMs: number | null;
}

/** Counts of this run, from 0. */
export interface RaftCounters {
  readonly electionsStarted: number;
  readonly electionsWon: number;
  readonly electionsLost: number;
  readonly proposalsAccepted: number;
  readonly proposalsRejected: number;
  readonly proposalsDropped: number;
  readonly proposalsCommitted: number;
  readonly readsServed: number;
  /** By entries that this run applied; sessions that came with a snapshot are not counted. */
  readonly sessionsOpened: number;
  readonly sessionsExpired: number;
  readonly snapshotsSent: number;
  readonly snapshotsReceived: number;
  readonly messagesRejected: number;
  readonly messagesDropped: number;
  readonly subscriberErrors: number;
  readonly entriesTruncated: number;
  readonly storageStalls: number;
}

/** How long things took, in milliseconds, per event (a group commit or an apply batch is one). */
export interface LatencySummary {
  readonly count: number;
  readonly sumMs: number;
  readonly maxMs: number;
  readonly lastMs: number;
}

/** `append`: one write to disk; `commit`: from propose to applied, the slowest of a batch; `apply`: one batch of the state machine. */
export interface RaftLatencies {
  readonly append: LatencySummary;
  readonly commit: LatencySummary;
  readonly apply: LatencySummary;
}
