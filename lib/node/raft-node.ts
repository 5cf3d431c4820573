import type { Observable } from 'rxjs';
import type { RaftEvent } from '../core/events.js';
import type { LogIndex, NodeId, Term } from '../core/ids.js';
import type { MembershipChange } from '../core/membership-plan.js';
import type { SnapshotMeta } from '../core/messages.js';
import type { CallSignal } from '../ports/call-signal.js';
import type { Committed } from '../ports/state-machine.js';
import type { CommittedMembership } from './admin-calls.js';
import type { RaftMetrics } from './metrics/metrics.js';

/** An Observable whose current value can be read at any time. */
export interface ObservableValue<T> extends Observable<T> {
  /** What was emitted last, or would be on subscription; never throws, also after the end. */
  readonly value: T;
}

/** Limits one call: whichever comes first ends the wait and frees what it held. */
export interface CallOptions {
  /** Ends the wait when it aborts. What had no effect yet rejects with its reason; a command that had rejects as indeterminate. */
  readonly signal?: CallSignal;
  /** Milliseconds, above 0 (else ConfigError). Default: the node's `requestTimeoutMs`. */
  readonly timeoutMs?: number;
}

/** How fresh an answer must be, and what the wait for it is limited to. */
export interface ReadOptions extends CallOptions {
  /**
   * `linearizable` (default): sees every write acknowledged before the read began (ReadIndex, thesis §6.4).
   * `lease`: the same as long as clocks drift no more than `leaseDriftMargin`, without a round trip (§6.4.1); on the leader. Without
   * a valid lease, and on other nodes, it is read as `linearizable`.
   * `stale`: whatever this node has applied, as old as it may be (see `stalenessMs`).
   */
  readonly consistency?: 'linearizable' | 'lease' | 'stale';
  /** With `stale`: at most this old, as this node's own clock shows; refreshed by a linearizable read when it is not. Default: any age. */
  readonly maxStalenessMs?: number;
}

/** A proposal that is committed and applied. */
export interface Applied<R> {
  /** Where the command stands in the log, for ever. */
  readonly index: LogIndex;
  /** The term in which it was proposed. */
  readonly term: Term;
  /** What the state machine returned for it. */
  readonly value: R;
}

/** A precondition, and what the wait is limited to. */
export interface MembershipOptions extends CallOptions {
  /** Refuse the change unless the configuration in force stands at this index (`metrics.membership.effectiveIndex`). */
  readonly expected?: LogIndex;
}

/** Where `committed()` begins, and what ends it early. */
export interface CommittedOptions {
  /** The first index wanted; 1, the beginning of the log, is the default. */
  readonly from?: LogIndex;
  /** Completes the stream at once. */
  readonly signal?: CallSignal;
}

/**
 * One server of a Raft cluster. `C` is the command, `R` its result, `Q` a query, `A` its answer.
 *
 * `events` and `metrics` may be subscribed before `start()`; nothing is missed. They error only on the
 * node's own fatal fault and complete once after `stop()`.
 */
export interface RaftNode<C, R, Q = never, A = never> {
  /** This server's name in the cluster, as in the options. */
  readonly id: NodeId;
  /** Every transition, in order, gapless. Hot; published after the turn's writes and messages were handed over. */
  readonly events: Observable<RaftEvent>;
  /** The state as of the last turn. Current inside every event handler; emits once a turn. */
  readonly metrics: ObservableValue<RaftMetrics>;
  /** Who leads: distinct, so a watcher is not woken by log traffic. */
  readonly serverMetrics: Observable<ServerMetrics>;
  /** How far log and state machine are: distinct. */
  readonly dataMetrics: Observable<DataMetrics>;
  /** How the peers follow, while this node leads: distinct. */
  readonly replicationMetrics: Observable<ReplicationMetrics>;

  /**
   * Recovers from storage and begins to take part; resolves when the node runs, whoever leads. A node starts once: make a new
   * one to start again.
   * @throws (by rejection) what storage, state machine or transport said; the node has failed then.
   * @throws {StoppedError} it was started or stopped before.
   */
  start(): Promise<void>;
  /**
   * Waits for accepted proposals and, on a leader, hands leadership over, for `drainTimeoutMs` in all; then every call that
   * still waits is rejected, leadership ends, `NodeStopped` is published, the streams complete, and storage and transport are
   * closed. Calls made meanwhile reject with StoppedError. A second call gives the same promise.
   */
  stop(): Promise<void>;

  /**
   * Replicates a command (paper §5.3); resolves once it is committed and applied here (or on the leader, when forwarded: a
   * node that does not lead hands it on). Calls take effect in the order in which they are made on the leader.
   * @throws {ProposalIndeterminateError} it may or may not take effect: retry only what is idempotent, or use a session.
   * @throws {ProposalRejectedError | NotLeaderError | OverloadedError | TimeoutError | StoppedError} it did not, and won't.
   * @throws the signal's reason, when it aborted before anything was done; what the codec throws.
   */
  propose(command: C, options?: CallOptions): Promise<Applied<R>>;

  /**
   * Answers a query from this node's state machine, as fresh as `consistency` asks (thesis §6.4): a node that does not lead asks
   * the leader how far it must be and waits until it is.
   * @throws {NotLeaderError | TimeoutError | OverloadedError | StoppedError} try again, elsewhere or later: reads change nothing.
   * @throws the signal's reason; what the state machine's `query` throws.
   */
  read(query: Q, options?: ReadOptions): Promise<A>;

  /** `propose` for each, side by side and in order, with the same options; resolves with their results once all are applied, rejects with the first failure (the others may still take effect). */
  proposeBatch(commands: readonly C[], options?: CallOptions): Promise<Applied<R>[]>;

  /** How old what a `stale` read sees can be at most, ms; Infinity before anything proved it. */
  readonly stalenessMs: number;

  /**
   * Changes who is in the cluster, any set of nodes in one call (joint consensus, §6); resolves once the final
   * configuration is committed. On the leader only.
   * @throws {MembershipChangeError} with the configuration in force; its `outcome` says whether the change was refused or may still take effect.
   * @throws {NotLeaderError | StoppedError} nothing happened.
   * @throws the signal's reason, when it was aborted: the change may still take effect.
   */
  changeMembership(change: MembershipChange, options?: MembershipOptions): Promise<CommittedMembership>;

  /**
   * Hands leadership to a voter, the most up-to-date one when none is named (thesis §3.10); resolves with its
   * id once it leads. Proposals are refused meanwhile; default time limit: one `electionTimeoutMaxMs`. From the moment the target
   * is told to campaign this node answers lease reads by a round trip, for the rest of its term. On the leader only.
   * @throws {TransferError} with `outcome`: `refused` (nothing was begun), `aborted` or `timedOut` (this node leads on, or someone else does).
   * @throws {NotLeaderError | StoppedError} nothing happened.
   * @throws the signal's reason: the wait is over, the transfer goes on.
   */
  transferLeadership(to?: NodeId | null, options?: CallOptions): Promise<NodeId>;

  /**
   * Gives leadership up at once, without a successor, and leaves the next election to the others for two election timeouts
   * (`transferLeadership` costs no pause); as long it takes no leadership that a leader of lower priority hands back. Proposals in its log may still commit. Nothing happens on a follower.
   * @throws {StoppedError}
   */
  stepDown(): void;
  /**
   * Starts an election now instead of when the timer runs out, pre-vote first (thesis §9.6). Refused, with a `VoteRejected` to
   * itself, while this node hears a leader, whose lease may still run (§6.4.1): use `transferLeadership` on the leader to
   * replace one that is well. Nothing happens on the leader, on a learner, and while a snapshot replaces the state.
   * @throws {StoppedError}
   */
  campaign(): void;
  /**
   * Maintenance: until `resumeElections()`, or until the node ends, this node starts no election of its own and takes no
   * leadership that is handed to it; it still votes, follows, and leads on if it leads. `campaign()` asks for one all the
   * same. Said by `ElectionsPaused` and `metrics.electionsPaused`; nothing happens when they are paused already.
   * @throws {StoppedError}
   */
  pauseElections(): void;
  /** Ends what `pauseElections()` began, if it did; said by `ElectionsResumed`. @throws {StoppedError} */
  resumeElections(): void;

  /**
   * Takes a snapshot of what is applied now, or joins the one being taken (paper §7); resolves when it is durable. Compacts
   * nothing: see `compactLog`.
   * @throws (by rejection) what state machine or storage said, the snapshot before it stays in force; {StoppedError} the node ended first.
   */
  takeSnapshot(): Promise<SnapshotMeta>;
  /** Forgets the log through an index (inclusive), as far as a durable snapshot covers it; followers that need more get the snapshot (§7). @throws {StoppedError} */
  compactLog(through: LogIndex): void;

  /**
   * The replicated log's commands from an index on: replay, then the live tail, without a gap. Cold; errors with
   * `StorageError` when `from` is compacted away. Ends as the node does, or at once when the signal is aborted.
   */
  committed(options?: CommittedOptions): Observable<Committed<C>>;
}

/** Who leads and who is in the cluster. */
export type ServerMetrics = Pick<RaftMetrics, 'nodeId' | 'runningState' | 'role' | 'term' | 'votedFor' | 'leaderId' | 'leadership' | 'membership'>;
/** How far the log and the state machine are. */
export type DataMetrics = Pick<RaftMetrics, 'lastLog' | 'persisted' | 'committed' | 'applied' | 'snapshot' | 'compacted' | 'pendingProposals'>;
/** How the peers follow, as their leader knows it. */
export type ReplicationMetrics = Pick<RaftMetrics, 'replication' | 'unreachable' | 'lastQuorumAckAt'>;
