import type { LogIndex } from '../../core/ids.js';

/** At least this many are remembered; twice as many at most. */
const REMEMBERED = 4096;

/**
 * Which entries of the log hold a command that had no effect: repeats, and those of sessions that are gone. Only
 * the machine knows, and only as it applies them, so whoever replays the log asks here. Bounded: of the
 * oldest it says that it doesn't know any more. Part of the replicated state, alike on every node.
 */
export class SkippedEntries {
  private readonly indexes: LogIndex[];
  private readonly known: Set<LogIndex>;

  /** @param knownFrom from this index on, nothing is forgotten. @param indexes ascending. */
  constructor(
    public knownFrom: LogIndex = 0,
    indexes: readonly LogIndex[] = [],
  ) {
    this.indexes = [...indexes];
    this.known = new Set(indexes);
  }

  has(index: LogIndex): boolean {
    return this.known.has(index);
  }

  add(index: LogIndex): void {
    this.indexes.push(index);
    this.known.add(index);
    if (this.indexes.length < 2 * REMEMBERED) return;
    for (const forgotten of this.indexes.splice(0, REMEMBERED)) {
      this.known.delete(forgotten);
      this.knownFrom = forgotten + 1;
    }
  }

  toArray(): readonly LogIndex[] {
    return [...this.indexes];
  }
}
