import { entriesBytes, entryBytes, type Entry } from './entry.js';
import { ORIGIN, type LogId, type LogIndex, type Term } from './ids.js';
import { invariant } from './invariant.js';
import { TermRuns } from './term-runs.js';

/**
 * The log as the core knows it: every entry's term, and the entries of its tail.
 *
 *     compacted          cacheFirst             last
 *         |  terms known     |  entries in memory |
 *     ────┼──────────────────┼────────────────────┤
 *
 * Entries before `cacheFirst` are in storage alone; the leader asks for them when a peer is that far behind.
 */
export class RaftLog {
  /** The entry before the log's first one. */
  compacted: LogId = ORIGIN;
  /** The last entry, or `compacted` when the log is empty. */
  last: LogId = ORIGIN;
  readonly #terms = new TermRuns();
  /** `#cache[i]` has index `#cacheFirst + i`; it always reaches to `last`. */
  #cache: Entry[] = [];
  #cacheFirst: LogIndex = 1;
  #cacheBytes = 0;
  /** The newest slice, its last index and size: peers at the same position share one array, which transports may then encode once. */
  #shared: readonly Entry[] = [];
  #sharedTo: LogIndex = 0;
  #sharedBytes = 0;

  /** Takes over what storage recovered; the entries themselves stay there. */
  restore(compacted: LogId, last: LogId, terms: readonly { readonly term: Term; readonly first: LogIndex }[]): void {
    this.restart(compacted);
    for (const run of terms) this.#terms.push(run.first, run.term);
    this.last = last;
    this.#cacheFirst = last.index + 1;
  }

  /** Empties the log; the next entry follows `after`. */
  restart(after: LogId): void {
    this.compacted = after;
    this.last = after;
    this.#terms.clear();
    this.#cache = [];
    this.#cacheFirst = after.index + 1;
    this.#cacheBytes = 0;
    this.#shared = [];
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

  append(entry: Entry): void {
    invariant(entry.index === this.last.index + 1, () => `entry ${entry.index} does not follow ${this.last.index}`);
    invariant(entry.term >= this.last.term, () => `entry ${entry.index} has term ${entry.term} after term ${this.last.term}`);
    this.#cache.push(entry);
    this.#cacheBytes += entryBytes(entry);
    this.#terms.push(entry.index, entry.term);
    this.last = entry;
  }

  /** Removes every entry after `index`. */
  truncateAfter(index: LogIndex): void {
    invariant(index >= this.compacted.index, () => `can't truncate to ${index}: compacted through ${this.compacted.index}`);
    const term = this.termAt(index);
    invariant(term !== undefined, () => `can't truncate after ${index}: the log ends at ${this.last.index}`);
    if (index + 1 < this.#cacheFirst) {
      this.#cache = [];
      this.#cacheFirst = index + 1;
    } else {
      this.#cache.length = index + 1 - this.#cacheFirst;
    }
    this.#cacheBytes = entriesBytes(this.#cache);
    this.#terms.truncateAfter(index);
    this.last = { index, term };
    this.#shared = [];
  }

  /**
   * Entries from `from` through `to` at most, within `maxBytes` but at least one; null when they are not in
   * memory. The array is shared and must not be changed.
   */
  slice(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[] | null {
    if (from < this.#cacheFirst) return null;
    if (this.#shared[0]?.index === from && this.#sharedTo === to && this.#sharedBytes <= maxBytes) return this.#shared;
    const start = from - this.#cacheFirst;
    const limit = Math.min(to, this.last.index) - this.#cacheFirst + 1;
    let end = start;
    let bytes = 0;
    while (end < limit) {
      const entry = this.#cache[end];
      invariant(entry !== undefined, () => 'the log cache has a hole');
      const next = bytes + entryBytes(entry);
      if (next > maxBytes && end > start) break;
      bytes = next;
      end += 1;
    }
    this.#shared = this.#cache.slice(start, end);
    this.#sharedTo = end - start === 0 ? 0 : this.#cacheFirst + end - 1;
    this.#sharedBytes = bytes;
    return this.#shared;
  }

  /** Lets go of entries through `through` while more than `maxBytes` are held. Cheap enough for every turn: it works in strides. */
  trimCache(through: LogIndex, maxBytes: number): void {
    if (this.#cacheBytes <= maxBytes) return;
    const target = maxBytes * 0.75;
    const limit = Math.min(through - this.#cacheFirst + 1, this.#cache.length);
    let count = 0;
    let bytes = this.#cacheBytes;
    for (; count < limit && bytes > target; count += 1) {
      const entry = this.#cache[count];
      invariant(entry !== undefined, () => 'the log cache has a hole');
      bytes -= entryBytes(entry);
    }
    if (count === 0) return;
    this.#cache = this.#cache.slice(count);
    this.#cacheFirst += count;
    this.#cacheBytes = bytes;
  }

  /** Forgets everything through `index`. */
  compact(index: LogIndex): void {
    if (index <= this.compacted.index) return;
    const through = this.idAt(index);
    if (index === this.last.index) {
      this.restart({ index, term: through.term });
      return;
    }
    this.#dropCacheBefore(index + 1);
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

  #dropCacheBefore(first: LogIndex): void {
    if (first <= this.#cacheFirst) return;
    const count = Math.min(first - this.#cacheFirst, this.#cache.length);
    this.#cache = this.#cache.slice(count);
    this.#cacheFirst += count;
    this.#cacheBytes = entriesBytes(this.#cache); // what is kept behind a snapshot is the shorter part
    this.#shared = [];
  }
}
