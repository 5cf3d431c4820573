import type { LogIndex } from '../../core/ids.js';
import type { BlockPlace } from './commit.js';

/** About as much as is read at once to find one entry. */
const RUN_BYTES = 64 * 1024;

/** A stretch of one segment whose blocks hold consecutive entries, whatever commits they came with. */
export interface Run {
  readonly segment: number;
  readonly offset: number;
  readonly end: number;
  readonly first: LogIndex;
  /** Blocks may go on behind it, with entries that were truncated. */
  readonly last: LogIndex;
}

/**
 * Where the log's entries are: runs without a gap from the first entry that is not compacted to the last.
 *
 * ```
 * segment 7   commit [1 2 3] commit [4] · segment 8   commit, kept 3 [4' 5']
 * runs        1–4 in 7, cut to 1–3; 4–5 in 8
 * ```
 */
export class Runs {
  #runs: Run[] = [];
  /** The last run may be extended: nothing behind its last entry was cut. */
  #isOpen = false;

  get(position: number): Run | undefined {
    return this.#runs[position];
  }

  /** The position of the run that holds `index`, or of the first one behind it; how many there are when none is. */
  positionOf(index: LogIndex): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#runs[middle] as Run).last < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(segment: number, { offset, end, first, last }: BlockPlace): void {
    const before = this.#isOpen ? this.#runs.at(-1) : undefined;
    if (before?.segment === segment && before.last + 1 === first && end - before.offset <= RUN_BYTES) {
      this.#runs[this.#runs.length - 1] = { ...before, end, last };
    } else {
      this.#runs.push({ segment, offset, end, first, last });
    }
    this.#isOpen = true;
  }

  truncateAfter(kept: LogIndex): void {
    while ((this.#runs.at(-1)?.first ?? 0) > kept) {
      this.#runs.pop();
      this.#isOpen = false;
    }
    const end = this.#runs.at(-1);
    if (end === undefined || end.last <= kept) return;
    this.#runs[this.#runs.length - 1] = { ...end, last: kept };
    this.#isOpen = false;
  }

  /** Drops the runs that hold nothing behind `compacted`. */
  compact(compacted: LogIndex): void {
    this.#runs.splice(0, this.positionOf(compacted + 1));
  }
}
