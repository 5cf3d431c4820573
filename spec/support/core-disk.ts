import { entriesBytes, type Entry } from '../../lib/core/entry.js';
import { ORIGIN, type LogId, type LogIndex } from '../../lib/core/ids.js';
import type { SnapshotMeta } from '../../lib/core/messages.js';
import type { DurableWrite, HardState } from '../../lib/core/output.js';
import type { Restored } from '../../lib/core/restore.js';

/** What one core has made durable. Refuses what the storage contract rules out: a gap, or a cut below the compacted part. */
export class CoreDisk {
  hardState: HardState = { term: 0, votedFor: null };
  snapshot: SnapshotMeta | null = null;
  compacted: LogId = ORIGIN;
  /** `entries[0]` has index `compacted.index + 1`. */
  entries: Entry[] = [];

  get last(): LogId {
    const last = this.entries[this.entries.length - 1] ?? this.compacted;
    return { index: last.index, term: last.term };
  }

  write({ hardState, truncateAfter, entries }: DurableWrite): void {
    if (hardState !== null) this.hardState = hardState;
    if (truncateAfter !== null) {
      if (truncateAfter < this.compacted.index || truncateAfter > this.last.index) throw new Error(`disk can't cut after ${truncateAfter}`);
      this.entries.length = truncateAfter - this.compacted.index;
    }
    for (const entry of entries) {
      if (entry.index !== this.last.index + 1) throw new Error(`disk has a gap before ${entry.index}: the log ends at ${this.last.index}`);
      this.entries.push(entry);
    }
  }

  read(from: LogIndex, to: LogIndex, maxBytes = Infinity): Entry[] {
    const first = from - this.compacted.index - 1;
    if (first < 0) return [];
    const entries = this.entries.slice(first, to - this.compacted.index);
    while (entries.length > 1 && entriesBytes(entries) > maxBytes) entries.pop();
    return entries;
  }

  compact(through: LogIndex): void {
    const entry = this.read(through, through)[0];
    if (entry === undefined) return;
    this.entries = this.entries.slice(through - this.compacted.index);
    this.compacted = { index: entry.index, term: entry.term };
  }

  /** A snapshot from the leader replaces the whole log. */
  install(snapshot: SnapshotMeta): void {
    this.snapshot = snapshot;
    this.compacted = snapshot.last;
    this.entries = [];
  }

  /** This disk as it will be once these writes are on it too. */
  after(writes: readonly DurableWrite[]): CoreDisk {
    const copy = new CoreDisk();
    Object.assign(copy, this, { entries: [...this.entries] });
    for (const write of writes) copy.write(write);
    return copy;
  }

  /** What a core that starts on this disk is given. */
  restored(): Restored {
    const terms: { term: number; first: number }[] = [];
    for (const { index, term } of this.entries) {
      if (terms[terms.length - 1]?.term !== term) terms.push({ term, first: index });
    }
    const { hardState, snapshot, compacted, last } = this;
    return { hardState, snapshot, compacted, lastLog: last, terms, configurations: this.entries.filter((entry) => entry.kind === 'configuration') };
  }
}
