import type { Configuration } from './configuration.js';
import type { LogId, LogIndex, NodeId, Term } from './ids.js';

/** What a server is doing in its term. A `learner` receives the log and neither votes nor campaigns. */
export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader' | 'learner';

/** How the leader feeds one peer: find the common entry, stream, or send a snapshot first. */
export type ReplicationState = 'probe' | 'replicate' | 'snapshot';

/**
 * Every kind of event with its own fields; `RaftEvent` adds the envelope. Facts, emitted after the
 * transition, in order, without a gap: folding them gives the node's state. Plain JSON-safe data.
 * Kinds marked ⊞ occur at most a few times a turn, never once per entry. Kinds may be added in a minor
 * version, so a consumer keeps a default branch.
 */
export interface EventBodies {
  // — Lifecycle —
  /** The node runs, from this restored state: the seed of every metric. */
  NodeStarted: {
    readonly role: Role;
    readonly votedFor: NodeId | null;
    readonly lastLog: LogId;
    readonly snapshot: LogId;
    readonly compacted: LogId;
    readonly committed: LogId;
    readonly applied: LogId;
    /** In force: the last one in the log. */
    readonly configuration: Configuration;
    readonly configurationIndex: LogIndex;
    /** The last one known to be committed: at a restart, the snapshot's. */
    readonly committedConfiguration: Configuration;
    readonly committedConfigurationIndex: LogIndex;
  };
  /** This start made a new cluster: the first configuration was written to an empty store. */
  ClusterBootstrapped: { readonly configuration: Configuration };
  RoleChanged: { readonly from: Role; readonly to: Role; readonly reason: RoleChangeReason };
  /** The node's own fatal fault. It acknowledges nothing from here on. */
  FatalErrorRaised: { readonly operation: string; readonly error: string };
  NodeStopped: { readonly reason: 'requested' | 'fatalError' };
  /** The thread was held for so long that timers ran late. */
  EventLoopStalled: { readonly stalledMs: number };

  // — Elections —
  ElectionTimeoutElapsed: { readonly timeoutMs: number };
  /** A timer that fired far too late was taken for a pause of the process, not for a lost leader. */
  ElectionTimeoutExtended: { readonly lateMs: number };
  /** A leader that got no turn for so long lost its lease, but is given one more election timeout to hear from a quorum. */
  QuorumCheckExtended: { readonly sleptMs: number };
  /** From here on this node starts no election of its own; it still votes and follows, and as the `leader` it leads on. */
  ElectionsPaused: { readonly role: Role };
  ElectionsResumed: { readonly role: Role };
  PreVoteStarted: { readonly forTerm: Term };
  PreVoteConcluded: { readonly granted: boolean; readonly by: readonly NodeId[]; readonly against: readonly NodeId[] };
  /** Because no leader was heard, because the application asked for it, or because the leader hands over. */
  ElectionStarted: { readonly trigger: 'timeout' | 'requested' | 'transfer' };
  /** This node gave its vote (or pre-vote); for a vote the reply leaves once it is durable. */
  VoteGranted: { readonly to: NodeId; readonly forTerm: Term; readonly preVote: boolean };
  /** This node refused its vote (or pre-vote); to itself when it was asked to campaign while it hears a leader. */
  VoteRejected: { readonly to: NodeId; readonly forTerm: Term; readonly preVote: boolean; readonly reason: VoteRejection };
  /** An answer to this node's own candidacy arrived. */
  VoteReceived: { readonly from: NodeId; readonly granted: boolean; readonly preVote: boolean };
  ElectionWon: { readonly durationMs: number };
  ElectionLost: { readonly reason: 'rejected' | 'timeout' | 'higherTerm' | 'otherLeader' | 'stopped' };
  TermAdvanced: { readonly from: Term; readonly to: Term; readonly cause: 'election' | 'message' };
  /** `hardState` is on disk. */
  HardStatePersisted: { readonly persistedTerm: Term; readonly votedFor: NodeId | null };
  NewLeader: { readonly leaderId: NodeId; readonly previousLeaderId: NodeId | null };
  LeaderLost: { readonly previousLeaderId: NodeId };
  LeadershipAcquired: { readonly noopIndex: LogIndex };
  /** An entry of the own term is committed and a quorum acknowledged: reads and jobs may begin. */
  LeadershipEstablished: { readonly commitIndex: LogIndex };
  /** Pairs with exactly one `LeadershipAcquired`, on every path. */
  LeadershipLost: { readonly reason: LeadershipLossReason };
  LeadershipTransferStarted: { readonly to: NodeId };
  /** Pairs with exactly one `LeadershipTransferStarted`, unless the process ends first. */
  LeadershipTransferEnded: { readonly to: NodeId; readonly outcome: 'transferred' | 'timedOut' | 'aborted'; readonly reason: string };
  /** A transfer was refused; none was started. `to` is null when no target was named. */
  TransferRejected: { readonly to: NodeId | null; readonly reason: string };
  LeaseChanged: { readonly valid: boolean };

  // — Log —
  /** ⊞ Entries were appended to the log in memory. */
  LatestLog: {
    readonly logId: LogId;
    readonly first: LogIndex;
    readonly count: number;
    readonly bytes: number;
    readonly origin: 'proposal' | 'leader' | 'noop' | 'membership';
  };
  /** ⊞ The log through `through` is durable here. */
  EntriesPersisted: { readonly through: LogId; readonly ioMs: number };
  /** A new leader's log replaced an uncommitted suffix. */
  LogTruncated: { readonly after: LogId; readonly removed: number; readonly persisted: LogId };
  AppendRejected: { readonly from: NodeId; readonly reason: 'staleTerm' | 'logMismatch' | 'compacted'; readonly conflict: LogId };
  /** ⊞ */
  CommitAdvanced: { readonly from: LogIndex; readonly to: LogId };
  /** ⊞ */
  EntriesApplied: { readonly from: LogIndex; readonly to: LogId; readonly applyMs: number };
  LogCompacted: { readonly through: LogId };

  // — Membership —
  /** A configuration took effect (it does so when appended, thesis §4.1). */
  MembershipAppended: { readonly configuration: Configuration; readonly index: LogIndex; readonly joint: boolean };
  MembershipCommitted: { readonly configuration: Configuration; readonly index: LogIndex };
  /** The configuration entry was truncated; this older one is in force again. */
  MembershipReverted: { readonly configuration: Configuration; readonly index: LogIndex };

  /** A learner that had caught up is being made a voter. */
  LearnerPromoted: { readonly learner: NodeId; readonly index: LogIndex };
  /**
   * Why a learner that is to be promoted by itself is not, told when it changes: its last `rounds` of catching up took longer
   * than an election timeout each (thesis §4.2.1), or with it the voters in touch would be no quorum. It goes on
   * receiving, and is promoted as soon as it may be.
   */
  LearnerHeldBack: { readonly learner: NodeId; readonly reason: 'slow' | 'quorumOutOfTouch'; readonly rounds: number };
  /** A change was refused; nothing was appended. */
  MembershipRejected: { readonly reason: string };

  // — Replication (leader) —
  ReplicationStarted: { readonly peer: NodeId; readonly next: LogIndex };
  ReplicationStopped: { readonly peer: NodeId; readonly reason: 'leadershipLost' | 'removed' };
  ReplicationStateChanged: { readonly peer: NodeId; readonly state: ReplicationState };
  /** ⊞ */
  ReplicationProgressed: { readonly peer: NodeId; readonly matched: LogIndex; readonly next: LogIndex; readonly inFlight: number };
  /** ⊞ The first answer to a round arrived from this peer; `rttMs` as last known, null while no round could be timed. */
  PeerContacted: { readonly peer: NodeId; readonly rttMs: number | null };
  /** The transport lost its connection to a member, or could not make one; told once, until the `PeerRecovered` that pairs with it. A member that is removed is not missed any more. */
  PeerUnreachable: { readonly peer: NodeId; readonly error: string };
  PeerRecovered: { readonly peer: NodeId };
  /** ⊞ A quorum has answered a round that began at `since` (monotonic ms). */
  QuorumAcknowledged: { readonly round: number; readonly since: number };

  // — Snapshots —
  SnapshotStarted: { readonly trigger: 'policy' | 'manual'; readonly last: LogId };
  /** The one before it stays in force. */
  SnapshotFailed: { readonly error: string };
  SnapshotSaved: { readonly last: LogId; readonly bytes: number; readonly ms: number };
  /** A transfer ended; every one that began does. Superseded: a newer snapshot is sent instead. Removed: the peer is no member any more. */
  SnapshotSent: { readonly peer: NodeId; readonly outcome: 'acknowledged' | 'failed' | 'superseded' | 'removed' | 'leadershipLost'; readonly ms: number };
  /** More of the leader's snapshot is here, in order and undamaged. */
  SnapshotReceived: { readonly from: NodeId; readonly last: LogId; readonly receivedBytes: number; readonly bytes: number };
  /** The log begins anew behind `last`. Its configuration is the committed one too, unless it stands after `last`. */
  SnapshotInstalled: {
    readonly last: LogId;
    readonly lastLog: LogId;
    readonly persisted: LogId;
    readonly configuration: Configuration;
    readonly configurationIndex: LogIndex;
  };

  // — Clients —
  /** ⊞ */
  ProposalsAccepted: { readonly count: number; readonly first: LogIndex };
  /** ⊞ */
  ProposalRejected: { readonly count: number; readonly reason: 'notLeader' | 'overloaded' | 'transferring' | 'stopping'; readonly leaderHint: NodeId | null };
  /** ⊞ Waiting proposals ended without a known outcome, or were provably superseded. */
  ProposalsDropped: { readonly count: number; readonly reason: 'superseded' | 'indeterminate' | 'timedOut' | 'aborted' };
  /** ⊞ Waiting proposals were answered; `commitMs` is the slowest one's time from propose to applied. */
  ProposalsCommitted: { readonly count: number; readonly commitMs: number };
  /** ⊞ */
  ReadServed: { readonly mode: 'linearizable' | 'lease' | 'stale'; readonly count: number };
  /** An applied entry opened a client session (thesis §6.3); the entry's index is the session's id. On every node that applies the entry. */
  SessionOpened: { readonly session: LogIndex };
  /** The entry at `index` ended a session: by replicated time it was `idle` for too long, or it was the longest idle when there was one too many (`evicted`). */
  SessionExpired: { readonly session: LogIndex; readonly index: LogIndex; readonly reason: 'idle' | 'evicted'; readonly idleMs: number };
  /** The entry at `index` is the client's own end of its session. */
  SessionClosed: { readonly session: LogIndex; readonly index: LogIndex };

  // — Storage and network —
  StorageStalled: { readonly ms: number };
  CorruptionDetected: { readonly where: string; readonly action: 'refusedToStart' | 'stopped' | 'discarded' };
  MessageRejected: { readonly from: NodeId | null; readonly reason: string };
  /** ⊞ A bounded queue was full and its rule was applied. */
  MessagesDropped: { readonly count: number; readonly queue: 'inbound' | 'outbound' };
  /** ⊞ A reporter threw, `count` times since the last such event; it keeps receiving events. */
  SubscriberFailed: { readonly error: string; readonly count: number };
}

/** Why a server entered another role. */
export type RoleChangeReason =
  | 'electionTimeout'
  | 'preVoteWon'
  | 'electionWon'
  | 'electionLost'
  | 'votedForOther'
  | 'higherTerm'
  | 'leaderDiscovered'
  | 'quorumLost'
  | 'membership'
  | 'transferred'
  | 'requested'
  | 'stopped'
  | 'fatalError';

/** Why a leadership ended. */
export type LeadershipLossReason = 'higherTerm' | 'quorumLost' | 'transferred' | 'removed' | 'requested' | 'stopped' | 'fatalError';

/** §5.2, §5.4.1: its term is over; a leader is heard (§6); another has the vote; its log is behind. */
export type VoteRejection = 'staleTerm' | 'leaderAlive' | 'alreadyVoted' | 'logBehind';

/** The name of a kind of event. */
export type EventType = keyof EventBodies;

/** An event as the core states it: its kind, the term in which it became true, and its fields. */
export type RaftEventBody = { [K in EventType]: { readonly type: K; readonly term: Term } & EventBodies[K] }[EventType];

/** What every published event carries besides its own fields. */
export interface EventEnvelope {
  /** Gapless per run, from 1. */
  readonly seq: number;
  /** One run of one node: from `start()` to `stop()` or crash. */
  readonly runId: string;
  readonly nodeId: NodeId;
  /** Monotonic milliseconds of the node's clock, as of the turn. */
  readonly at: number;
  /** Milliseconds since 1970, as the machine believed. */
  readonly wallTime: number;
  readonly term: Term;
}

/** A published event: a discriminated union on `type`. */
export type RaftEvent = EventOf<EventType>;

/** The event of one kind; of several kinds, their union. */
export type EventOf<K extends EventType> = { [T in K]: EventEnvelope & { readonly type: T } & EventBodies[T] }[K];

/** The version of the event schema; it grows when a kind or a field changes incompatibly. */
export const EVENT_SCHEMA_VERSION = 1;
