import type { Entry } from '../../core/entry.js';
import type { LogId, LogIndex } from '../../core/ids.js';

/** A log as a run's writes made it. What is before its base is in a snapshot. */
export class ShadowLog {
  readonly #entries: Entry[];
  #base: LogId;

  constructor(base: LogId, entries: Iterable<Entry>) {
    this.#base = base;
    this.#entries = [...entries];
  }

  /** The last entry that is known from a snapshot alone. */
  get base(): LogId {
    return this.#base;
  }

  get last(): LogId {
    return this.#entries[this.#entries.length - 1] ?? this.#base;
  }

  /** The entry at an index, unless a snapshot stands for it. */
  at(index: LogIndex): Entry | undefined {
    return this.#entries[index - this.#base.index - 1];
  }

  /** False when that would cut into the snapshot. */
  truncateAfter(index: LogIndex): boolean {
    if (index < this.#base.index) return false;
    this.#entries.length = Math.min(this.#entries.length, index - this.#base.index);
    return true;
  }

  append(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** A snapshot took the place of everything. */
  restart(base: LogId): void {
    this.#base = base;
    this.#entries.length = 0;
  }
}
