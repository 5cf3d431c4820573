import type { Entry } from './entry.js';
import type { LogIndex, NodeId, Term } from './ids.js';
import { invariant } from './invariant.js';
import type { RaftLog } from './log.js';
import type { Outbound, RaftMessage } from './messages.js';
import type { DurableWrite, HardState } from './output.js';

interface PendingWrite {
  readonly id: number;
  readonly hardState: HardState | null;
  readonly entries: boolean;
  /** The log is durable through here once this write is; lowered when a later write truncates below it. */
  through: LogIndex;
}

interface HeldMessage extends Outbound {
  readonly afterWrite: number;
}

/** What completing a write made true. */
export interface Completion {
  readonly hardState: HardState | null;
  /** The durable end of the log, or null when it did not move. */
  readonly persistedIndex: LogIndex | null;
  readonly released: readonly Outbound[];
}

const NOTHING_HELD: readonly Outbound[] = [];

/**
 * The line between memory and disk. Writes are numbered and complete in order; what a completion means is
 * decided by the number and by the truncations issued since, never by comparing terms, so that an A-B-A of
 * terms can't mark the wrong entries durable:
 *
 *     write 1: append 5..8 (term 2)      in flight, through = 8
 *     write 2: cut after 5, append 6..7 (term 3)   → write 1 is lowered to through = 5
 *     write 1 completes: durable through 5, not 8
 */
export class Durability {
  /** Everything through here is durable and will stay so. */
  persistedIndex: LogIndex = 0;
  persistedTerm: Term = 0;
  persistedVote: NodeId | null = null;
  #nextWriteId = 1;
  readonly #pending: PendingWrite[] = [];
  #held: HeldMessage[] = [];
  /** The newest write that carries a hard state; 0 when none is in flight. */
  #hardStateWrite = 0;
  #hardStateStaged = false;
  /** The last entry that some write, durable or not, has carried. */
  #issuedThrough: LogIndex = 0;
  #truncateAfter: LogIndex | null = null;

  restore(hardState: HardState, last: LogIndex): void {
    this.persistedTerm = hardState.term;
    this.persistedVote = hardState.votedFor;
    this.persistedIndex = last;
    this.#issuedThrough = last;
  }

  /** Whether the current hard state is on disk. */
  get isHardStateDurable(): boolean {
    return !this.#hardStateStaged && this.#hardStateWrite === 0;
  }

  /** Term or vote changed in this turn. What was held for an older one is moot. */
  stageHardState(termChanged: boolean): void {
    this.#hardStateStaged = true;
    if (termChanged) this.#held = [];
  }

  /** The log was cut after `index` in memory; the next write will cut it on disk. */
  stageTruncate(index: LogIndex): void {
    if (index >= this.#issuedThrough) return;
    this.#issuedThrough = index;
    this.#truncateAfter = index;
    this.persistedIndex = Math.min(this.persistedIndex, index);
    for (const write of this.#pending) write.through = Math.min(write.through, index);
  }

  /** Keeps the message until the current hard state is durable; false when it is already. */
  hold(to: NodeId, message: RaftMessage): boolean {
    if (this.isHardStateDurable) return false;
    this.#held.push({ to, message, afterWrite: this.#hardStateStaged ? this.#nextWriteId : this.#hardStateWrite });
    return true;
  }

  /** The turn's one write: what was staged and every entry that no write has carried yet. Null when there is nothing to write. */
  takeWrite(hardState: HardState, log: RaftLog): DurableWrite | null {
    const last = log.last.index;
    if (!this.#hardStateStaged && this.#truncateAfter === null && this.#issuedThrough === last) return null;
    const id = this.#nextWriteId;
    this.#nextWriteId += 1;
    const entries: readonly Entry[] = this.#issuedThrough === last ? [] : unwritten(log, this.#issuedThrough + 1);
    const staged = this.#hardStateStaged ? hardState : null;
    if (staged !== null) this.#hardStateWrite = id;
    const write = { id, hardState: staged, truncateAfter: this.#truncateAfter, entries };
    this.#pending.push({ id, hardState: staged, entries: entries.length > 0, through: last });
    this.#hardStateStaged = false;
    this.#truncateAfter = null;
    this.#issuedThrough = last;
    return write;
  }

  /** Write `id`, and every earlier one, is durable. */
  complete(id: number): Completion {
    let hardState: HardState | null = null;
    let through = this.persistedIndex;
    while (this.#pending.length > 0 && (this.#pending[0]?.id ?? Infinity) <= id) {
      const write = this.#pending.shift();
      if (write === undefined) break;
      hardState = write.hardState ?? hardState;
      if (write.entries) through = Math.max(through, write.through);
    }
    if (hardState !== null) {
      this.persistedTerm = hardState.term;
      this.persistedVote = hardState.votedFor;
    }
    if (id >= this.#hardStateWrite) this.#hardStateWrite = 0;
    const moved = through > this.persistedIndex;
    this.persistedIndex = through;
    return { hardState, persistedIndex: moved ? through : null, released: this.#release(id) };
  }

  /** A snapshot replaced the log: everything through `index` is durable in it, and older writes mean nothing more. */
  restart(index: LogIndex): void {
    this.persistedIndex = index;
    this.#issuedThrough = index;
    this.#truncateAfter = null;
    for (const write of this.#pending) write.through = Math.min(write.through, index);
  }

  #release(id: number): readonly Outbound[] {
    if (this.#held.length === 0) return NOTHING_HELD;
    const released = this.#held.filter((message) => message.afterWrite <= id);
    if (released.length > 0) this.#held = this.#held.filter((message) => message.afterWrite > id);
    return released;
  }
}

/** The entries from `first` to the end; they are in memory, since only durable ones are let go. */
function unwritten(log: RaftLog, first: LogIndex): readonly Entry[] {
  const entries = log.slice(first, log.last.index, Infinity);
  invariant(entries !== null, () => `entry ${first} left memory before it was written`);
  return entries;
}
