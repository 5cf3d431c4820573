import { isAwaited } from './awaited.js';
import type { Configuration, Membership } from './configuration.js';
import { applyCommitted, handleApplied } from './commit.js';
import { checkElectionTimeout, countOwnVote, handleCampaign, handlePauseElections, handlePreVoteReply, handleStepDown, handleTimeoutNow, handleVoteReply, hastenElection } from './election.js';
import type { Entry } from './entry.js';
import { acknowledgePersisted, handleAppend, handleHeartbeat, sendOwedAcknowledgement } from './follower.js';
import type { LogId, NodeId, Term } from './ids.js';
import type { Input } from './inputs.js';
import { finishLeaderTurn, handlePropose, leaderWakeAt } from './leader.js';
import { checkLeadershipDeadlines } from './lease.js';
import { handleChangeMembership } from './membership-change.js';
import type { RaftMessage, SnapshotMeta } from './messages.js';
import type { CoreOptions } from './options.js';
import type { TurnOutput } from './output.js';
import { handleRead } from './read.js';
import { handleAppendRejected, handleAppendReply, handleConnection, handleEntriesRead, handleHeartbeatReply } from './replication.js';
import { restore, type Restored } from './restore.js';
import { becomeFollower, setLeader } from './roles.js';
import * as snapshots from './snapshot.js';
import { plainLogId, RaftState } from './state.js';
import { statusOf, type CoreStatus } from './status.js';
import { abandonHandover, expireHandover, handleTransfer } from './transfer.js';
import { handlePreVoteRequest, handleVoteRequest } from './vote.js';

/** So much of the log's tail stays in memory although every peer has it: for who reads along while no more than this is under way, and for whoever leads next. */
const KEPT_IN_MEMORY_BYTES = 256 << 10;

/**
 * Raft, without I/O, clock or chance: a turn takes the time and what has happened and returns what is to be
 * done. The same turns give the same outputs, byte for byte.
 *
 * A turn steps every input, then settles once: leases and quorum first, commit, heartbeats, reads,
 * replication, one write, one acknowledgement, the next batch for the state machine.
 */
export class RaftCore {
  readonly #raft: RaftState;

  /** @param now the time at which the node starts: no lease from before it is broken (see `noVoteBefore`). */
  constructor(options: CoreOptions, restored: Restored, now: number) {
    this.#raft = restore(new RaftState(options), restored, now);
  }

  /**
   * Takes one turn.
   * @param now monotonic ms; must not go back.
   * @param inputs what happened since the last turn, in order; none for a tick.
   * @throws {InvariantError} when something happened that Raft rules out; the core must not be used any more.
   */
  turn(now: number, inputs: readonly Input[]): TurnOutput {
    const raft = this.#raft;
    raft.now = Math.max(now, raft.now);
    letGo(raft);
    if (raft.leadership !== null) checkLeadershipDeadlines(raft, raft.leadership);
    for (const input of inputs) step(raft, input);
    if (!raft.halted) settle(raft);
    return raft.outbox.take();
  }

  /** Whether a turn is due at once for this input; one that nobody waits for may be left to the next turn. It changes nothing. */
  isAwaited(input: Input): boolean {
    return isAwaited(this.#raft, input);
  }

  /** When a turn is due although nothing arrives, monotonic ms; Infinity for never. */
  get wakeAt(): number {
    const raft = this.#raft;
    if (raft.halted) return Infinity;
    if (raft.leadership !== null) return leaderWakeAt(raft, raft.leadership);
    return Math.min(raft.electionDeadline, raft.handover?.deadline ?? Infinity);
  }

  /** The snapshot that is being put in force; null otherwise. */
  get restoring(): LogId | null {
    return this.#raft.restoring;
  }

  get commitIndex(): number {
    return this.#raft.commitIndex;
  }

  /** The newest round this node started as leader; 0 for a node that does not lead. */
  get round(): number {
    return this.#raft.leadership?.rounds.current ?? 0;
  }

  /** What this node last heard of its leader's rounds. */
  get heardRound(): number {
    return this.#raft.leaderRound;
  }

  /** The newest committed configuration and its index. */
  get committedMembership(): Membership {
    return this.#raft.membership.committed;
  }

  get snapshot(): SnapshotMeta | null {
    return this.#raft.snapshot;
  }

  get term(): Term {
    return this.#raft.term;
  }

  get leaderId(): NodeId | null {
    return this.#raft.leaderId;
  }

  get isLeader(): boolean {
    return this.#raft.role.type === 'leader';
  }

  get appliedIndex(): number {
    return this.#raft.appliedIndex;
  }

  /** The log is durable through here. */
  get persistedIndex(): number {
    return this.#raft.durability.persistedIndex;
  }

  /** The last entry that is compacted away. */
  get compactedIndex(): number {
    return this.#raft.log.compacted.index;
  }

  /** The configuration in force; a new object whenever it changes. */
  get configuration(): Configuration {
    return this.#raft.configuration;
  }

  /** The whole state as plain data, for tests, invariants and the fold that must equal it. Not for the hot path. */
  status(): CoreStatus {
    return statusOf(this.#raft);
  }

  /** Entries that are in memory, or null; `to` is inclusive. */
  entries(from: number, to: number, maxBytes: number): readonly Entry[] | null {
    return this.#raft.log.slice(from, to, maxBytes);
  }

  /** The term of an entry that the log still knows. */
  termAt(index: number): Term | undefined {
    return this.#raft.log.termAt(index);
  }
}

function step(raft: RaftState, input: Input): void {
  if (raft.halted) {
    refuseWhileHalted(raft, input);
    return;
  }
  switch (input.type) {
    case 'message':
      return stepMessage(raft, input.from, input.message);
    case 'propose':
      return handlePropose(raft, input);
    case 'read':
      return handleRead(raft, input.id, input.lease);
    case 'persisted':
      return handlePersisted(raft, input.writeId, input.ioMs);
    case 'applied':
      return handleApplied(raft, input.through, input.applyMs);
    case 'entriesRead':
      return handleEntriesRead(raft, input.peer, input.entries);
    case 'connection':
      if (!input.up) hastenElection(raft, input.peer);
      return handleConnection(raft, input.peer, input.up, input.error);
    case 'snapshotSaved':
      return snapshots.handleSnapshotSaved(raft, input.snapshot, input.ms);
    case 'snapshotStaged':
      return snapshots.handleSnapshotStaged(raft, input.last);
    case 'snapshotAbandoned':
      return snapshots.handleSnapshotAbandoned(raft);
    case 'snapshotInstalled':
      return snapshots.handleSnapshotInstalled(raft, input.snapshot);
    case 'snapshotSendEnded':
      return snapshots.handleSnapshotSendEnded(raft, input.peer, input.outcome, input.ms);
    case 'compact':
      return snapshots.handleCompact(raft, input.through);
    case 'changeMembership':
      return handleChangeMembership(raft, input.id, input.change, input.expected);
    case 'transfer':
      return handleTransfer(raft, input.id, input.to, input.timeoutMs);
    case 'stepDown':
      return handleStepDown(raft);
    case 'campaign':
      return handleCampaign(raft);
    case 'pauseElections':
      return handlePauseElections(raft, input.paused);
    case 'halt':
      return halt(raft, input.reason);
    default:
      return input satisfies never;
  }
}

function stepMessage(raft: RaftState, from: NodeId, message: RaftMessage): void {
  switch (message.type) {
    case 'preVoteRequest':
      return handlePreVoteRequest(raft, from, message);
    case 'preVoteReply':
      return handlePreVoteReply(raft, from, message);
    case 'voteRequest':
      return handleVoteRequest(raft, from, message);
    case 'voteReply':
      return handleVoteReply(raft, from, message);
    case 'append':
      return handleAppend(raft, from, message);
    case 'appendReply':
      return handleAppendReply(raft, from, message);
    case 'appendRejected':
      return handleAppendRejected(raft, from, message);
    case 'heartbeat':
      return handleHeartbeat(raft, from, message);
    case 'heartbeatReply':
      return handleHeartbeatReply(raft, from, message);
    case 'installSnapshot':
      return snapshots.handleInstallSnapshot(raft, from, message);
    case 'installSnapshotReply':
      return snapshots.handleInstallSnapshotReply(raft, from, message);
    case 'timeoutNow':
      return handleTimeoutNow(raft, from, message.term);
    default:
      return message satisfies never;
  }
}

/** A write reached the disk: what waited for it may leave, and what it holds may count. */
function handlePersisted(raft: RaftState, writeId: number, ioMs: number): void {
  const before = raft.durability.persistedIndex;
  const { hardState, persistedIndex, released } = raft.durability.complete(writeId);
  if (hardState !== null) raft.emit({ type: 'HardStatePersisted', term: raft.term, persistedTerm: hardState.term, votedFor: hardState.votedFor });
  if (persistedIndex !== null) {
    raft.emit({ type: 'EntriesPersisted', term: raft.term, through: plainLogId(raft.persistedLast), ioMs });
    if (raft.leadership !== null) raft.leadership.commitDirty = true;
    else acknowledgePersisted(raft, before);
  }
  const isMoreOwed = raft.ackOwed && raft.leaderMatched > before && raft.durability.persistedIndex > before;
  for (const { to, message } of released) {
    // One acknowledgement a turn: what became durable just now says more than the one that waited for the term to be.
    if (message.type !== 'appendReply' || !isMoreOwed) raft.send(to, message);
  }
  if (hardState !== null) countOwnVote(raft);
}

/** The end of every turn, once all inputs are in. */
function settle(raft: RaftState): void {
  checkElectionTimeout(raft);
  if (raft.leadership !== null) finishLeaderTurn(raft, raft.leadership);
  else sendOwedAcknowledgement(raft);
  expireHandover(raft);
  raft.outbox.write = raft.durability.takeWrite({ term: raft.term, votedFor: raft.votedFor }, raft.log);
  applyCommitted(raft);
  raft.log.trimCache(Math.min(raft.commitIndex, raft.durability.persistedIndex), raft.options.logCacheBytes);
}

/**
 * Entries that nobody needs any more leave memory. Not in the turn that tells of the last one who did: who then reads what was
 * applied is to find it. And of a batch only once half of it can go: one of tens of thousands, of which a few hundred are applied
 * at a time, would else be copied again at every step.
 */
function letGo({ log, appliedIndex, durability, leadership, options }: RaftState): void {
  const kept = Math.min(KEPT_IN_MEMORY_BYTES, options.logCacheBytes);
  if (log.cachedBytes <= kept) return;
  let through = Math.min(appliedIndex, durability.persistedIndex);
  if (leadership !== null) for (const { match } of leadership.peers.values()) through = Math.min(through, match);
  log.trimCache(through, kept, 0.5);
}

/** The node stops or has failed: leadership ends with its events, and nothing is promised any more. */
function halt(raft: RaftState, reason: 'stopped' | 'fatalError'): void {
  becomeFollower(raft, raft.term, reason);
  setLeader(raft, null);
  abandonHandover(raft);
  raft.halted = true;
  raft.outbox.messages = [];
}

function refuseWhileHalted(raft: RaftState, input: Input): void {
  if (input.type === 'propose') handlePropose(raft, input);
  else if (input.type === 'read') raft.outbox.reads.push({ id: input.id, index: 0, refusal: 'notLeader' });
  else if (input.type === 'changeMembership') handleChangeMembership(raft, input.id, input.change, input.expected);
  else if (input.type === 'transfer') handleTransfer(raft, input.id, input.to, input.timeoutMs);
}
