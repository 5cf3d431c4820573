import { endOf, type Call, type Model } from './model.js';

/** No call. */
export const NONE = -1;

/**
 * The calls of one part of the state, and which of them have a place in the order so far. Calls are numbered: those
 * with a result first, then the open ones, each group by its start.
 */
export class Placement<Operation, Result> {
  readonly calls: readonly Call<Operation, Result>[];
  /** How many have a result; the numbers from here on are open calls. */
  readonly returned: number;
  readonly ends: readonly number[];
  /** By call with a result: the first such that begins after its end. */
  readonly #reach: readonly number[];
  /** By open call: the one of its kind before it, which is placed first. */
  readonly #earlierOfKind: readonly number[];
  /** The open calls that end nevertheless. */
  readonly #bounded: readonly number[];
  /** The unplaced calls with a result, in a ring through the number `returned`. */
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  readonly #bits: Uint32Array;
  readonly #firstOpenWord: number;
  /** Calls with a result that have no place yet. */
  remaining: number;

  constructor(model: Model<unknown, Operation, Result>, calls: readonly Call<Operation, Result>[]) {
    const byStart = [...calls].sort((a, b) => a.start - b.start);
    const withResult = byStart.filter(({ outcome }) => outcome.type === 'returned');
    const open = byStart.filter(({ outcome }) => outcome.type === 'open');
    this.calls = [...withResult, ...open];
    this.returned = this.remaining = withResult.length;
    this.ends = this.calls.map(endOf);
    this.#reach = withResult.map((_, i) => firstAfter(withResult, this.ends[i] ?? 0));
    this.#earlierOfKind = earlierOfKind(open, model.openKinds?.(calls), this.returned);
    this.#bounded = this.ends.flatMap((end, i) => (i >= this.returned && end < Infinity ? [i] : []));
    this.#next = Int32Array.from({ length: this.returned + 1 }, (_, i) => (i === this.returned ? 0 : i + 1));
    this.#previous = Int32Array.from({ length: this.returned + 1 }, (_, i) => (i === 0 ? this.returned : i - 1));
    this.#firstOpenWord = (this.returned + 31) >>> 5;
    this.#bits = new Uint32Array(this.#firstOpenWord + ((open.length + 31) >>> 5));
  }

  isOpen(call: number): boolean {
    return call >= this.returned;
  }

  place(call: number): void {
    this.#flip(call);
    if (this.isOpen(call)) return;
    const [next, previous] = [this.#next[call] ?? 0, this.#previous[call] ?? 0];
    this.#next[previous] = next;
    this.#previous[next] = previous;
    this.remaining -= 1;
  }

  /** Undoes the last placement that still stands: the ring remembers only that order. */
  unplace(call: number): void {
    this.#flip(call);
    if (this.isOpen(call)) return;
    this.#next[this.#previous[call] ?? 0] = call;
    this.#previous[this.#next[call] ?? 0] = call;
    this.remaining += 1;
  }

  /** The calls with a result that may come next, those that no unplaced one precedes in time; the first to end leads, since it most likely happened first. */
  candidates(): number[] {
    const found: number[] = [];
    let deadline = Infinity;
    for (let i = this.#next[this.returned] ?? 0; i !== this.returned; i = this.#next[i] ?? 0) {
      if (this.startOf(i) > deadline) break;
      deadline = Math.min(deadline, this.ends[i] ?? 0);
      found.push(i);
    }
    return found.sort((a, b) => (this.ends[a] ?? 0) - (this.ends[b] ?? 0) || a - b);
  }

  /** The open calls that may come next, one of each kind, when these are the candidates and the placed calls began by `latestStart`. */
  openCandidates(candidates: readonly number[], latestStart: number): number[] {
    const found: number[] = [];
    const deadline = candidates.reduce((least, i) => Math.min(least, this.ends[i] ?? 0), Infinity);
    for (let i = this.returned; i < this.calls.length && this.startOf(i) <= deadline; i += 1) {
      const earlier = this.#earlierOfKind[i - this.returned] ?? NONE;
      if (!this.isPlaced(i) && (this.ends[i] ?? 0) >= latestStart && (earlier === NONE || this.isPlaced(earlier))) found.push(i);
    }
    return found;
  }

  /** Whether an unplaced open call may still come, but only before this one. */
  hasOpenBefore(call: number, latestStart: number): boolean {
    const start = this.startOf(call);
    return this.#bounded.some((open) => (this.ends[open] ?? 0) < start && (this.ends[open] ?? 0) >= latestStart && !this.isPlaced(open));
  }

  isPlaced(call: number): boolean {
    return ((this.#bits[this.#wordOf(call)] ?? 0) & this.#maskOf(call)) !== 0;
  }

  /**
   * A text that equal sets of placed calls share and others don't. Every call before the first unplaced one is placed,
   * and none that begins after that one's end is: only what is between has to be written down. Open calls that come too
   * late, as placed ones have begun after their end, count as placed: it is all the same from here on.
   */
  key(latestStart: number): string {
    const first = this.#next[this.returned] ?? 0;
    const from = first >>> 5;
    let through = ((this.#reach[first] ?? first) - 1) >>> 5;
    while (through >= from && this.#bits[through] === 0) through -= 1;
    let text = `${first},${through - from};`;
    for (let word = from; word <= through; word += 1) text += charactersOf(this.#bits[word] ?? 0);
    const open = this.#bits.slice(this.#firstOpenWord);
    for (const call of this.#bounded) {
      if ((this.ends[call] ?? 0) < latestStart) open[(call - this.returned) >>> 5] = (open[(call - this.returned) >>> 5] ?? 0) | this.#maskOf(call);
    }
    for (const word of open) text += charactersOf(word);
    return text;
  }

  startOf(call: number): number {
    return this.calls[call]?.start ?? Infinity;
  }

  #flip(call: number): void {
    const word = this.#wordOf(call);
    this.#bits[word] = (this.#bits[word] ?? 0) ^ this.#maskOf(call);
  }

  #wordOf(call: number): number {
    return this.isOpen(call) ? this.#firstOpenWord + ((call - this.returned) >>> 5) : call >>> 5;
  }

  #maskOf(call: number): number {
    return 1 << ((this.isOpen(call) ? call - this.returned : call) & 31);
  }
}

function charactersOf(word: number): string {
  return String.fromCharCode(word & 0xffff, word >>> 16);
}

/** The first of these, sorted by start, that begins after the time. */
function firstAfter(calls: readonly Call<unknown, unknown>[], time: number): number {
  let low = 0;
  let high = calls.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((calls[middle]?.start ?? Infinity) <= time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Open calls that end have no kind: exchanging two could put one after its end. */
function earlierOfKind<Operation>(open: readonly Call<Operation, unknown>[], kindOf: ((operation: Operation) => string | null) | undefined, offset: number): number[] {
  const latest = new Map<string, number>();
  return open.map((call, i) => {
    const kind = endOf(call) < Infinity ? null : (kindOf?.(call.operation) ?? null);
    if (kind === null) return NONE;
    const earlier = latest.get(kind) ?? NONE;
    latest.set(kind, i + offset);
    return earlier;
  });
}
