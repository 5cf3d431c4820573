import { entriesBytes, entryBytes, type Entry } from './entry.js';
import type { LogIndex } from './ids.js';

/** Entries side by side. */
interface Segment {
  readonly first: LogIndex;
  readonly entries: readonly Entry[];
  readonly bytes: number;
}

/** A segment of the list's own, which grows. */
interface OpenSegment extends Segment {
  readonly entries: Entry[];
  bytes: number;
}

/** Fewer entries than this are copied behind one another: to keep the array in which they came would cost more. */
const WORTH_KEEPING = 8;
/** An open segment is closed at this length, or at these bytes, so that a cut copies little and little waits for one. */
const LONGEST_OPEN = 1024;
const LARGEST_OPEN_BYTES = 64 << 10;

const NOTHING: Segment = { first: 0, entries: [], bytes: 0 };

/**
 * Consecutive entries, kept in the very arrays in which they came: the leader's batch is one array in its log, in the
 * messages to its peers, in their logs and in the writes of all of them. To push every entry into each of these lists would
 * be the costliest step of a proposal in one process (200 ns; so it is 20), for the sake of the garbage collector, which
 * has to be told of every reference from something old to something new.
 *
 * Arrays that were handed in or out are shared and never change.
 */
export class EntryList {
  #segments: Segment[] = [];
  /** The last segment while it takes short arrivals; null when it is somebody's array. */
  #open: OpenSegment | null = null;
  /** The newest slice that is no segment: who asks for the same one gets the same array, unless a bound on bytes cut it. */
  #newest: Segment = NOTHING;
  #next: LogIndex;
  #bytes = 0;

  /** @param next the index of the first entry that will be appended. */
  constructor(next: LogIndex) {
    this.#next = next;
  }

  /** The index of the first entry; that of the next one when there is none. */
  get first(): LogIndex {
    return this.#segments[0]?.first ?? this.#next;
  }

  /** The index that the next entry will have. */
  get next(): LogIndex {
    return this.#next;
  }

  get length(): number {
    return this.#next - this.first;
  }

  /** Of all entries, as every bound counts them. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The entry at an index; undefined for one that is not here. */
  at(index: LogIndex): Entry | undefined {
    const segment = this.#segments[this.#segmentAt(index)];
    return segment?.entries[index - segment.first];
  }

  /** Adds entries that follow the last one. From now on the array belongs to everybody. */
  append(entries: readonly Entry[]): void {
    if (entries.length === 0) return;
    const bytes = entriesBytes(entries);
    if (entries.length >= WORTH_KEEPING) {
      this.#segments.push({ first: this.#next, entries, bytes });
      this.#open = null;
    } else {
      const open = this.#open !== null && hasRoom(this.#open) ? this.#open : this.#begin();
      for (const entry of entries) open.entries.push(entry);
      open.bytes += bytes;
    }
    this.#next += entries.length;
    this.#bytes += bytes;
  }

  /**
   * Entries from `from` through `to`, both of which are here, within `maxBytes` but at least one. The array is shared and
   * must not be changed.
   */
  slice(from: LogIndex, to: LogIndex, maxBytes: number): readonly Entry[] {
    const at = this.#segmentAt(from);
    const segment = this.#segments[at];
    if (segment !== undefined && segment !== this.#open && isWhole(segment, from, to, maxBytes)) return segment.entries;
    if (!isWhole(this.#newest, from, to, maxBytes)) this.#newest = this.#copy(at, from, to, maxBytes);
    return this.#newest.entries;
  }

  /** Removes every entry after `index`. */
  truncateAfter(index: LogIndex): void {
    this.#newest = NOTHING;
    this.#open = null;
    for (let last = this.#segments.at(-1); last !== undefined && this.#next > index + 1; last = this.#segments.at(-1)) {
      this.#segments.pop();
      this.#bytes -= last.bytes;
      this.#next = last.first;
      if (last.first <= index) this.append(last.entries.slice(0, index + 1 - last.first));
    }
  }

  /** Removes every entry before `first`, which is no later than the next one. */
  dropBefore(first: LogIndex): void {
    if (first <= this.first) return;
    if (first >= this.#next) return this.clear(this.#next);
    this.#newest = NOTHING;
    for (const gone of this.#segments.splice(0, this.#segmentAt(first))) this.#bytes -= gone.bytes;
    const cut = this.#segments[0] as Segment;
    if (cut.first === first) return;
    if (cut === this.#open) this.#open = null;
    const entries = cut.entries.slice(first - cut.first);
    const bytes = entriesBytes(entries);
    this.#segments[0] = { first, entries, bytes };
    this.#bytes += bytes - cut.bytes;
  }

  /**
   * Removes the oldest entries, through `through` at most, while more than `maxBytes` are left.
   *
   * @param worthACut the least share of a segment that is cut off: with a half, who lets go of a long batch in many small steps has
   *   less than the batch copied in all. With 0 what is removed is exact.
   */
  shrink(through: LogIndex, maxBytes: number, worthACut = 0): void {
    let next = this.first;
    let left = this.#bytes;
    for (const { first, entries, bytes } of this.#segments) {
      next = first;
      if (first + entries.length - 1 > through || left - bytes < maxBytes) {
        if (through + 1 - first < worthACut * entries.length) break;
        for (; next <= through && left > maxBytes; next += 1) left -= entryBytes(entries[next - first] as Entry);
        if (next - first < worthACut * entries.length) next = first;
        break;
      }
      left -= bytes;
      next += entries.length;
    }
    this.dropBefore(next);
  }

  /** Empties the list; the next entry will have the index `next`. */
  clear(next: LogIndex): void {
    this.#segments = [];
    this.#open = null;
    this.#newest = NOTHING;
    this.#next = next;
    this.#bytes = 0;
  }

  *[Symbol.iterator](): Generator<Entry, void> {
    for (const { entries } of this.#segments) yield* entries;
  }

  #begin(): OpenSegment {
    this.#open = { first: this.#next, entries: [], bytes: 0 };
    this.#segments.push(this.#open);
    return this.#open;
  }

  #copy(at: number, from: LogIndex, to: LogIndex, maxBytes: number): Segment {
    const entries: Entry[] = [];
    let bytes = 0;
    for (; at < this.#segments.length; at += 1) {
      const { first, entries: source } = this.#segments[at] as Segment;
      const end = Math.min(source.length, to + 1 - first);
      for (let i = Math.max(0, from - first); i < end; i += 1) {
        const entry = source[i] as Entry;
        const sum = bytes + entryBytes(entry);
        if (sum > maxBytes && entries.length > 0) return { first: from, entries, bytes };
        entries.push(entry);
        bytes = sum;
      }
      if (first + source.length > to) break;
    }
    return { first: from, entries, bytes };
  }

  /** The last segment that begins at or before `index`; the newest one is by far the likeliest. */
  #segmentAt(index: LogIndex): number {
    const segments = this.#segments;
    let high = segments.length - 1;
    let low = (segments[high]?.first ?? Infinity) <= index ? high : 0;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((segments[middle] as Segment).first <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function hasRoom({ entries, bytes }: Segment): boolean {
  return entries.length < LONGEST_OPEN && bytes < LARGEST_OPEN_BYTES;
}

function isWhole({ first, entries, bytes }: Segment, from: LogIndex, to: LogIndex, maxBytes: number): boolean {
  return first === from && first + entries.length - 1 === to && bytes <= maxBytes;
}
