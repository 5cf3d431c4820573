import type { Entry } from '../../core/entry.js';
import type { LogId, LogIndex } from '../../core/ids.js';
import type { DurableWrite } from '../../core/output.js';
import { StorageError } from '../../ports/errors.js';
import type { Arena } from './arena.js';
import { blockEnd, blockLength, encodeBlock, packedBytes } from './block.js';
import type { Batch, Environment, Put } from './environment.js';
import type { LogReader } from './log-reader.js';
import { encodeState, type LogState } from './state-record.js';

/** The record that `LogState` is kept under; blocks are under the index of their first entry, from 1. */
export const STATE_KEY = 0;

/** Up to here a block lies inside a page that a small append rewrites in any case, so growing it costs no I/O. */
const MAX_TAIL_BYTES = 1800;

/** One change to the log that is waiting for its commit. */
export type LogChange =
  | { readonly type: 'append'; readonly write: DurableWrite }
  /** Entries through `compacted` no longer count; their blocks go later, by `remove`. */
  | { readonly type: 'compact'; readonly compacted: LogId }
  | { readonly type: 'remove'; readonly keys: readonly number[] };

/** Several changes as one batch, whose values lie in the arena. */
export interface Group {
  readonly batch: Batch;
  /** What is in force once the batch is durable. */
  readonly state: LogState;
  /** The entries of the last block while it is small enough to grow. */
  readonly tail: readonly Entry[];
}

/**
 * Folds changes, in order, into the one batch that has their effect.
 *
 * ```
 * on disk   [1 2 3 4][5 6 7 8][9 10]      truncateAfter 6, append 7' 8'
 * batch      put state · remove 9 · put [5 6 7' 8'] under 5
 * ```
 */
export class GroupBuilder {
  #hardState;
  #compacted: LogId;
  /** The last entry that stays on disk as it is; `#staged` follows it. */
  #kept: LogIndex;
  #staged: Entry[];
  readonly #removes: number[] = [];
  #isTruncated = false;
  #isAppended = false;

  constructor(
    private readonly environment: Environment,
    private readonly reader: LogReader,
    private readonly arena: Arena,
    private readonly before: LogState,
    private readonly tail: readonly Entry[],
  ) {
    this.#hardState = before.hardState;
    this.#compacted = before.compacted;
    // The tail is written again together with what comes after it.
    this.#kept = before.last.index - tail.length;
    this.#staged = tail.slice();
  }

  add(change: LogChange): void {
    switch (change.type) {
      case 'append':
        return this.#append(change.write);
      case 'compact':
        if (change.compacted.index > this.#compacted.index) this.#compacted = change.compacted;
        return;
      case 'remove':
        for (const key of change.keys) this.#removes.push(key);
        return;
      default:
        change satisfies never;
    }
  }

  build(): Group {
    const state: LogState = { hardState: this.#hardState, compacted: this.#compacted, last: this.#last() };
    const puts: Put[] = [{ key: STATE_KEY, value: encodeState(state) }];
    if (!this.#isTruncated && !this.#isAppended) return { batch: { removes: this.#removes, puts }, state, tail: this.tail };
    if (this.#isTruncated) this.#removeAfter(this.#kept);
    const staged = this.#staged;
    let tail: readonly Entry[] = [];
    for (let from = 0; from < staged.length; ) {
      const to = blockEnd(staged, from);
      const value = this.arena.take(blockLength(staged, from, to));
      encodeBlock(staged, from, to, value);
      puts.push({ key: this.#kept + 1 + from, value });
      if (to === staged.length) tail = growable(staged, from);
      from = to;
    }
    return { batch: { removes: this.#removes, puts }, state, tail };
  }

  #append(write: DurableWrite): void {
    if (write.hardState !== null) this.#hardState = write.hardState;
    if (write.truncateAfter !== null) this.#truncateAfter(write.truncateAfter);
    const end = this.#kept + this.#staged.length;
    const first = write.entries[0];
    if (first !== undefined && first.index !== end + 1) throw new StorageError('append', `entry ${first.index} does not follow the last one, ${end}`);
    if (first !== undefined) this.#isAppended = true;
    for (const entry of write.entries) this.#staged.push(entry);
  }

  #truncateAfter(index: LogIndex): void {
    if (index < this.#compacted.index) throw new StorageError('append', `can't truncate after ${index}: compacted through ${this.#compacted.index}`);
    if (index >= this.#kept + this.#staged.length) return;
    this.#isTruncated = true;
    if (index >= this.#kept) {
      this.#staged.length = index - this.#kept;
      return;
    }
    this.#kept = index;
    this.#staged = [];
    if (index === this.#compacted.index) {
      const block = this.environment.floorKey(index);
      if (block !== null) this.#removes.push(block);
      return;
    }
    // The block that is cut in two is written again, shorter.
    const block = this.reader.blockOf(index);
    if (block.last === index) return;
    this.#kept = block.first - 1;
    while (block.next() && block.index <= index) this.#staged.push(block.entry());
  }

  /** Only an uncommitted suffix is ever truncated, so that these are few. */
  #removeAfter(index: LogIndex): void {
    for (const key of this.environment.keys(index + 1, this.before.last.index + 1, Infinity)) this.#removes.push(key);
  }

  #last(): LogId {
    const staged = this.#staged.at(-1);
    if (staged !== undefined) return { index: staged.index, term: staged.term };
    if (this.#kept === this.#compacted.index) return this.#compacted;
    if (this.#kept === this.before.last.index) return this.before.last;
    return { index: this.#kept, term: this.reader.termAt(this.#kept) };
  }
}

/** `staged` from `from` on, when the block they make can still take another entry. */
function growable(staged: readonly Entry[], from: number): readonly Entry[] {
  let bytes = 0;
  for (let i = from; i < staged.length && bytes <= MAX_TAIL_BYTES; i++) bytes += packedBytes(staged[i] as Entry);
  return bytes <= MAX_TAIL_BYTES ? staged.slice(from) : [];
}
