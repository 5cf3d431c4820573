import type { LogIndex, NodeId } from './ids.js';
import type { PeerProgress } from './progress.js';
import { Rounds } from './rounds.js';

/** A read that waits for its round. */
export interface PendingRead {
  readonly id: number;
  /** The commit index when the read arrived: it must see at least this. */
  readonly index: LogIndex;
}

/** Leadership on its way to another voter (thesis §3.10). */
export interface Transfer {
  readonly id: number;
  readonly to: NodeId;
  /** When the leader gives up and takes proposals again. */
  readonly deadline: number;
  /** The target was told to campaign. */
  isSent: boolean;
}

/** What a server has only while it leads (figure 2, "volatile state on leaders", and what reads and lease need). */
export class Leadership {
  readonly peers = new Map<NodeId, PeerProgress>();
  readonly rounds = new Rounds();
  /** Whether a quorum has acknowledged and an entry of this term is committed. */
  established = false;
  leaseValid = false;
  heartbeatDeadline: number;
  lastTurnAt: number;
  /** When this leader last found that it had slept through an election timeout; its quorum is given time from then on. */
  awakeSince = -Infinity;
  /** Own-term appends that are not committed, oldest first, for the bound on uncommitted bytes. */
  readonly uncommitted: { readonly through: LogIndex; readonly bytes: number }[] = [];
  uncommittedBytes = 0;
  /** Some match index moved: the commit rule is to be tried. */
  commitDirty = false;
  /** Where the log ended after the last turn: a peer that has not been sent all of that is behind. */
  previousLast: LogIndex;
  /** What was appended in this turn. */
  newBytes = 0;
  /** When a peer that is behind gets more; Infinity when none is waiting for that. */
  nextStepAt = Infinity;
  /** When peers are told of commits that no append has told them of; Infinity when nothing is held back. */
  noticesDueAt = Infinity;
  /** Somebody may wait on another server for commits through here: peers are told at once. */
  awaitedElsewhereThrough: LogIndex;
  /** Reads that no round covers yet. */
  waitingReads: PendingRead[] = [];
  /** Reads that `readRound` will confirm; at most one such round is under way, later reads share the next. */
  confirmingReads: PendingRead[] = [];
  readRound = 0;

  /** The membership change that this leader began and has not answered. */
  change: { readonly id: number } | null = null;
  /** The transfer of leadership under way; no proposals are taken while it is. */
  transfer: Transfer | null = null;
  /** TimeoutNow was sent in this term: no lease can be trusted any more. */
  isLeaseVoid = false;
  nextPriorityCheckAt = -Infinity;
  /** How often a voter of higher priority was asked in vain: each time the next attempt waits longer. */
  priorityAttempts = 0;

  constructor(
    readonly noopIndex: LogIndex,
    readonly sinceAt: number,
  ) {
    this.heartbeatDeadline = sinceAt;
    this.awaitedElsewhereThrough = noopIndex;
    this.previousLast = noopIndex - 1;
    this.lastTurnAt = sinceAt;
  }
}

/** Counts an own-term append against the bound on uncommitted bytes. */
export function trackUncommitted(leadership: Leadership, through: LogIndex, bytes: number): void {
  leadership.uncommitted.push({ through, bytes });
  leadership.uncommittedBytes += bytes;
  leadership.newBytes += bytes;
}
