import type { Observable } from 'rxjs';
import type { RaftEvent } from '../core/events.js';
import type { LogIndex, NodeId, Term } from '../core/ids.js';
import type { MembershipChange } from '../core/membership-plan.js';
import type { SnapshotMeta } from '../core/messages.js';
import type { Committed } from '../ports/state-machine.js';
import type { CommittedMembership } from './admin-calls.js';
import type { RaftMetrics } from './metrics/metrics.js';

/** An Observable whose current value can be read at any time. */
export interface ObservableValue<T> extends Observable<T> {
  readonly value: T;
}

/** Limits one call: whichever comes first ends the wait and frees what it held. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Default: the node's `requestTimeoutMs`. */
  readonly timeoutMs?: number;
}

export interface ReadOptions extends CallOptions {
  /**
   * `linearizable` (default): sees every write acknowledged before the read began (ReadIndex, thesis §6.4).
   * `lease`: the same as long as clocks drift no more than the configured margin, without a round trip (§6.4.1); leader only.
   * `stale`: whatever this node has applied, as old as it may be (see `stalenessMs`).
   */
  readonly consistency?: 'linearizable' | 'lease' | 'stale';
  /** With `stale`: at most this old, as this node's own clock shows; refreshed by a linearizable read when it is not. Default: any age. */
  readonly maxStalenessMs?: number;
}

/** A proposal that is committed and applied. */
export interface Applied<R> {
  readonly index: LogIndex;
  readonly term: Term;
  readonly value: R;
}

export interface MembershipOptions extends CallOptions {
  /** Refuse the change unless the configuration in force stands at this index (`metrics.membership.effectiveIndex`). */
  readonly expected?: LogIndex;
}

export interface CommittedOptions {
  /** The first index wanted; 1 is the beginning of the log. */
  readonly from?: LogIndex;
  readonly signal?: AbortSignal;
}

/**
 * One server of a Raft cluster. `C` is the command, `R` its result, `Q` a query, `A` its answer.
 *
 * `events` and `metrics` may be subscribed before `start()`; nothing is missed. They error only on the
 * node's own fatal fault and complete once after `stop()`.
 */
export interface RaftNode<C, R, Q = never, A = never> {
  readonly id: NodeId;
  /** Every transition, in order, gapless. Hot; published after the turn's writes and messages were handed over. */
  readonly events: Observable<RaftEvent>;
  /** The state as of the last turn. Current inside every event handler; emits once a turn. */
  readonly metrics: ObservableValue<RaftMetrics>;
  /** Who leads: distinct, so a watcher is not woken by log traffic. */
  readonly serverMetrics: Observable<ServerMetrics>;
  readonly dataMetrics: Observable<DataMetrics>;
  readonly replicationMetrics: Observable<ReplicationMetrics>;

  /** Recovers from storage and begins. Rejects with what storage or transport said. */
  start(): Promise<void>;
  /** Answers or rejects every waiting call, closes storage and transport. A second call is a no-op. */
  stop(): Promise<void>;

  /**
   * Replicates a command; resolves once it is committed and applied here (or on the leader, when forwarded).
   * @throws {ProposalIndeterminateError} it may or may not take effect.
   * @throws {ProposalRejectedError | NotLeaderError | OverloadedError | TimeoutError | StoppedError} it did not.
   */
  propose(command: C, options?: CallOptions): Promise<Applied<R>>;

  /**
   * Answers a query from the state machine.
   * @throws {NotLeaderError | TimeoutError | OverloadedError | StoppedError}
   */
  read(query: Q, options?: ReadOptions): Promise<A>;

  /** Proposes commands side by side, in order; resolves with their results once all are applied, rejects with the first failure (the others may still take effect). */
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
   * id. Proposals are refused meanwhile; default time limit: one election timeout. On the leader only.
   * @throws {TransferError | NotLeaderError | StoppedError}
   */
  transferLeadership(to?: NodeId | null, options?: CallOptions): Promise<NodeId>;

  /** Gives leadership up and leaves the next election to the others. Nothing happens on a follower. @throws {StoppedError} */
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

  /** Takes a snapshot of what is applied now, or joins the one being taken; resolves when it is durable. Rejects with what state machine or storage said. */
  takeSnapshot(): Promise<SnapshotMeta>;
  /** Forgets the log through an index, as far as a durable snapshot covers it. @throws {StoppedError} */
  compactLog(through: LogIndex): void;

  /**
   * The replicated log's commands from an index on: replay, then the live tail, without a gap. Cold; errors with
   * `StorageError` when `from` is compacted away. Ends as the node does, or at once when the signal is aborted.
   */
  committed(options?: CommittedOptions): Observable<Committed<C>>;
}

export type ServerMetrics = Pick<RaftMetrics, 'nodeId' | 'runningState' | 'role' | 'term' | 'votedFor' | 'leaderId' | 'leadership' | 'membership'>;
export type DataMetrics = Pick<RaftMetrics, 'lastLog' | 'persisted' | 'committed' | 'applied' | 'snapshot' | 'compacted' | 'pendingProposals'>;
export type ReplicationMetrics = Pick<RaftMetrics, 'replication' | 'unreachable' | 'lastQuorumAckAt'>;
