import type { Entry } from '../../core/entry.js';
import type { LogId, LogIndex } from '../../core/ids.js';
import type { DurableWrite } from '../../core/output.js';
import { StorageError } from '../../ports/errors.js';
import type { Commit } from './commit.js';
import type { LogReader } from './log-reader.js';
import type { LogState } from './state-record.js';

/** One change to the log that is waiting for its commit. */
export type LogChange =
  | { readonly type: 'append'; readonly write: DurableWrite }
  /** Entries through `compacted` no longer count. */
  | { readonly type: 'compact'; readonly compacted: LogId };

/**
 * Folds changes, in order, into the one commit that has their effect.
 *
 * ```
 * log       1 2 3 4 5 6 7 8      truncateAfter 6, append 7' 8'
 * commit    kept 6 · entries 7' 8' · state
 * ```
 */
export class GroupBuilder {
  #hardState;
  #compacted: LogId;
  /** The last entry that stays; `#staged` follows it. */
  #kept: LogIndex;
  #staged: Entry[] = [];

  constructor(
    private readonly reader: LogReader,
    private readonly before: LogState,
  ) {
    this.#hardState = before.hardState;
    this.#compacted = before.compacted;
    this.#kept = before.last.index;
  }

  add(change: LogChange): void {
    switch (change.type) {
      case 'append':
        return this.#append(change.write);
      case 'compact':
        if (change.compacted.index > this.#compacted.index) this.#compacted = change.compacted;
        return;
      default:
        change satisfies never;
    }
  }

  build(): Commit {
    return { kept: this.#kept, entries: this.#staged, state: { hardState: this.#hardState, compacted: this.#compacted, last: this.#last() } };
  }

  #append(write: DurableWrite): void {
    if (write.hardState !== null) this.#hardState = write.hardState;
    if (write.truncateAfter !== null) this.#truncateAfter(write.truncateAfter);
    const end = this.#kept + this.#staged.length;
    const first = write.entries[0];
    if (first !== undefined && first.index !== end + 1) throw new StorageError('append', `entry ${first.index} does not follow the last one, ${end}`);
    for (const entry of write.entries) this.#staged.push(entry);
  }

  #truncateAfter(index: LogIndex): void {
    if (index < this.#compacted.index) throw new StorageError('append', `can't truncate after ${index}: compacted through ${this.#compacted.index}`);
    this.#staged.length = Math.min(this.#staged.length, Math.max(0, index - this.#kept));
    this.#kept = Math.min(this.#kept, index);
  }

  #last(): LogId {
    const staged = this.#staged.at(-1);
    if (staged !== undefined) return { index: staged.index, term: staged.term };
    if (this.#kept === this.#compacted.index) return this.#compacted;
    if (this.#kept === this.before.last.index) return this.before.last;
    return { index: this.#kept, term: this.reader.termAt(this.#kept) };
  }
}
