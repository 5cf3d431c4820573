import type { Entry } from './entry.js';
import { EntryList } from './entry-list.js';
import { ORIGIN, type LogId, type LogIndex, type Term } from './ids.js';
import { invariant } from './invariant.js';
import { TermRuns } from './term-runs.js';

/**
 * The log as the core knows it: every entry's term, and the entries of its tail.
 *
 *     compacted        first in memory          last
 *         |  terms known     |  entries in memory |
 *     ────┼──────────────────┼────────────────────┤
 *
 * Entries before those in memory are in storage alone; the leader asks for them when a peer is that far behind.
 */
export class RaftLog {
  /** The entry before the log's first one. */
  compacted: LogId = ORIGIN;
  /** The last entry, or `compacted` when the log is empty. */
  last: LogId = ORIGIN;
  readonly #terms = new TermRuns();
  /** The tail; it always reaches to `last`. */
  readonly #cache = new EntryList(1);

  /** Takes over what storage recovered; the entries themselves stay there. */
  restore(compacted: LogId, last: LogId, terms: readonly { readonly term: Term; readonly first: LogIndex }[]): void {
    this.restart(compacted);
    for (const run of terms) this.#terms.push(run.first, run.term);
    this.last = last;
    this.#cache.clear(last.index + 1);
  }

  /** Empties the log; the next entry follows `after`. */
  restart(after: LogId): void {
    this.compacted = after;
    this.last = after;
    this.#terms.clear();
    this.#cache.clear(after.index + 1);
  }

  /** The term of an entry from `compacted` to `last`; undefined outside. */
  termAt(index: LogIndex): Term | undefined {
    if (index === this.last.index) return this.last.term;
    if (index > this.last.index || index < this.compacted.index) return undefined;
    return index === this.compacted.index ? this.compacted.term : this.#terms.at(index);
  }

  /** The log id at an index that is known to be in range. */
  idAt(index: LogIndex): LogId {
    if (index === this.last.index) return this.last;
    const term = this.termAt(index);
    invariant(term !== undefined, () => `no term is known at index ${index} (log ${this.compacted.index}–${this.last.index})`);
    return { index, term };
  }

  /** Adds entries that follow the last one. The array is kept and must not be changed any more. */
  append(entries: readonly Entry[]): void {
    for (const entry of entries) {
      invariant(entry.index === this.last.index + 1, () => `entry ${entry.index} does not follow ${this.last.index}`);
      invariant(entry.term >= this.last.term, () => `entry ${entry.index} has term ${entry.term} after term ${this.last.term}`);
      this.#terms.push(entry.index, entry.term);
      this.last = entry;
    }
    this.#cache.append(entries);
  }

  /** Removes every entry after `index`. */
  truncateAfter(index: LogIndex): void {
    invariant(index >= this.compacted.index, () => `can't truncate to ${index}: compacted through ${this.compacted.index}`);
    const term = this.termAt(index);
    invariant(term !== undefined, () => `can't truncate after ${index}: the log ends at ${this.last.index}`);
    if (index + 1 < this.#cache.first) this.#cache.clear(index + 1);
    else this.#cache.truncateAfter(index);
    this.#terms.truncateAfter(index);
    this.last = { index, term };
  }

  /**
   * Entries from `from` through `to` at most, within `maxBytes` but at least one; null when they are not in memory. The array
   * is shared and must not be changed: peers at the same position get the same one, which transports may then encode once.
   */
  slice(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[] | null {
    return from < this.#cache.first ? null : this.#cache.slice(from, Math.min(to, this.last.index), maxBytes);
  }

  /** What the entries in memory take. */
  get cachedBytes(): number {
    return this.#cache.bytes;
  }

  /**
   * Lets go of entries through `through` while more than `maxBytes` are held. Cheap enough for every turn: it works in strides.
   *
   * @param worthACut a batch of which less than this share can go may stay as it is.
   */
  trimCache(through: LogIndex, maxBytes: number, worthACut = 0): void {
    if (this.#cache.bytes > maxBytes) this.#cache.shrink(through, maxBytes * 0.75, worthACut);
  }

  /** Forgets everything through `index`. */
  compact(index: LogIndex): void {
    if (index <= this.compacted.index) return;
    const through = this.idAt(index);
    if (index === this.last.index) {
      this.restart({ index, term: through.term });
      return;
    }
    this.#cache.dropBefore(index + 1);
    this.#terms.dropThrough(index);
    this.compacted = { index, term: through.term };
  }

  /**
   * The highest entry at or before `index` whose term is at most `term`: where the two logs may still agree.
   * Skips whole terms at a time (§5.3, the optimisation). (0, 0) when everything older is compacted.
   */
  findConflictByTerm(index: LogIndex, term: Term): LogId {
    let at = Math.min(index, this.last.index);
    while (at > this.compacted.index) {
      const found = this.termAt(at);
      if (found !== undefined && found <= term) return { index: at, term: found };
      at = (this.#terms.firstOfRun(at) ?? this.compacted.index + 1) - 1;
    }
    return at === this.compacted.index && this.compacted.term <= term ? this.compacted : ORIGIN;
  }
}
