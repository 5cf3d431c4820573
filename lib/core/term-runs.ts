import type { LogIndex, Term } from './ids.js';

/**
 * The terms of a stretch of log, kept as runs: one number pair per term instead of one per entry, so that
 * any entry's term is known without the entry. Invariant: both lists grow strictly.
 */
export class TermRuns {
  readonly #firsts: LogIndex[] = [];
  readonly #terms: Term[] = [];

  /** Records that the entry at `index`, the next one, has `term`. */
  push(index: LogIndex, term: Term): void {
    if (this.#terms.length > 0 && this.#terms[this.#terms.length - 1] === term) return;
    this.#firsts.push(index);
    this.#terms.push(term);
  }

  /** The term at an index that some run covers; undefined before the first run. */
  at(index: LogIndex): Term | undefined {
    return this.#terms[this.#runAt(index)];
  }

  /** Where the run that holds `index` begins. */
  firstOfRun(index: LogIndex): LogIndex | undefined {
    return this.#firsts[this.#runAt(index)];
  }

  truncateAfter(index: LogIndex): void {
    while (this.#firsts.length > 0 && (this.#firsts[this.#firsts.length - 1] ?? 0) > index) {
      this.#firsts.pop();
      this.#terms.pop();
    }
  }

  /** Forgets everything through `index`. */
  dropThrough(index: LogIndex): void {
    const run = this.#runAt(index);
    if (run < 0) return;
    const gone = this.#firsts[run + 1] === index + 1 ? run + 1 : run;
    this.#firsts.splice(0, gone);
    this.#terms.splice(0, gone);
    this.#firsts[0] = index + 1;
  }

  clear(): void {
    this.#firsts.length = 0;
    this.#terms.length = 0;
  }

  /** The last run that begins at or before `index`; the newest is by far the likeliest. */
  #runAt(index: LogIndex): number {
    let high = this.#firsts.length - 1;
    if (high < 0 || (this.#firsts[high] ?? 0) <= index) return high;
    let low = -1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#firsts[middle] ?? 0) <= index) low = middle;
      else high = middle;
    }
    return low;
  }
}
