import type { Call, Model } from './model.js';
import { NONE, Placement } from './placement.js';
import { ValueSupply } from './value-supply.js';

/** Where a search gives up. */
export interface SearchLimits {
  /** Steps of the model. */
  readonly maxSteps: number;
  /** What the search may remember, roughly. */
  readonly maxMemoryBytes: number;
}

/** An order that goes as far as any, and can't go on. */
export interface DeadEnd<State, Operation, Result> {
  readonly order: readonly Call<Operation, Result>[];
  readonly state: State;
  /** The calls of which one would have to be next. */
  readonly next: readonly Call<Operation, Result>[];
}

export type SearchResult<State, Operation, Result> = { readonly steps: number } & (
  | { readonly type: 'found'; readonly order: readonly Call<Operation, Result>[] }
  | { readonly type: 'none'; readonly deadEnds: readonly DeadEnd<State, Operation, Result>[] }
  | { readonly type: 'gave up'; readonly limit: keyof SearchLimits }
);

/** One placement on the way down. */
interface Frame {
  /** The call that led here; NONE at the root. */
  readonly placed: number;
  readonly state: number;
  /** The state before `placed` when that is open, else NONE. */
  readonly before: number;
  /** When the last to begin of all placed calls began. */
  readonly latestStart: number;
  /** Call and state after it, in turns; open calls join once the others have been tried. */
  readonly successors: number[];
  readonly candidates: readonly number[];
  cursor: number;
  hasOpen: boolean;
  /** Whether any call with a result fits here. */
  fits: boolean;
}

const MAX_DEAD_ENDS = 3;
/** What an entry of a Set costs beside its characters, about. */
const BYTES_PER_ENTRY = 64;

/**
 * Looks for an order of the calls of one part: Wing & Gong's search with Lowe's memory ("Testing for linearizability",
 * 2017): a set of placed calls and a state that once led nowhere are not tried again. Beginnings after which the model
 * says that some call can't happen any more are not followed (`isStillPossible`, `values`). Three more cuts keep the search
 * short. Each leaves an order to be found wherever there is one. Of all orders that complete a given beginning take one
 * that places the fewest open calls; then
 *
 *  1. *A read that fits and teaches nothing is placed at once*, and nothing else is tried: moving it to the front from
 *     wherever it is changes no other call's state, and adds no open call. Not so when an open call ended before the
 *     read began: it would come too late.
 *  2. *An open call is placed only for the call right after it*: were that one to lead to the same state without it, the
 *     order without it would be as good and shorter. The last placed is never open, since the search ends when
 *     every call with a result has its place. This is what keeps writes of unknown fate from multiplying: most matter to
 *     nobody, and of two open puts in a row the second hides the first, so there is never such a chain.
 *  3. *Of open calls that nobody can tell apart the earliest is placed first*: an open call without an end only has
 *     a lower bound, so exchanging the two keeps the order lawful and its number of open calls.
 *
 * Rule 2 looks at the state before the open call; therefore that state is part of what is remembered.
 */
export class Search<State, Operation, Result> {
  readonly #placement: Placement<Operation, Result>;
  /** Null when the model does not speak of values. */
  readonly #supply: ValueSupply<State, Operation, Result> | null;
  readonly #states: State[] = [];
  /** By state. */
  readonly #values: number[] = [];
  readonly #stateIds = new Map<string, number>();
  readonly #seen = new Set<string>();
  readonly #frames: Frame[] = [];
  #deadEnds: DeadEnd<State, Operation, Result>[] = [];
  /** The fewest calls with a result that had no place at a dead end. */
  #fewestLeft = Infinity;
  #steps = 0;
  #bytes = 0;

  constructor(
    private readonly model: Model<State, Operation, Result>,
    calls: readonly Call<Operation, Result>[],
    private readonly limits: SearchLimits,
    /** Whether to turn back before a dead end is reached. An explanation does not: it shows where it ends. */
    private readonly looksAhead = true,
  ) {
    this.#placement = new Placement(model, calls);
    this.#supply = model.values === undefined || !looksAhead ? null : new ValueSupply(model.values, this.#placement.calls);
  }

  run(): SearchResult<State, Operation, Result> {
    if (this.#placement.remaining > 0) this.#descend(NONE, this.#idOf(this.model.initial), NONE);
    while (this.#placement.remaining > 0) {
      const frame = this.#frames.at(-1);
      if (frame === undefined) return { type: 'none', deadEnds: this.#deadEnds, steps: this.#steps };
      if (this.#steps > this.limits.maxSteps) return { type: 'gave up', limit: 'maxSteps', steps: this.#steps };
      if (this.#bytes > this.limits.maxMemoryBytes) return { type: 'gave up', limit: 'maxMemoryBytes', steps: this.#steps };
      this.#advance(frame);
    }
    return { type: 'found', order: this.#order(), steps: this.#steps };
  }

  #advance(frame: Frame): void {
    if (frame.cursor < frame.successors.length) {
      const call = frame.successors[frame.cursor] ?? NONE;
      const state = frame.successors[frame.cursor + 1] ?? NONE;
      frame.cursor += 2;
      this.#descend(call, state, this.#placement.isOpen(call) ? frame.state : NONE);
    } else if (!frame.hasOpen) {
      frame.hasOpen = true;
      this.#addOpenSuccessors(frame);
    } else {
      this.#noteDeadEnd(frame);
      this.#frames.pop();
      if (frame.placed !== NONE) this.#unplace(frame.placed);
    }
  }

  /** Places the call, unless that leads where the search has been. */
  #descend(call: number, state: number, before: number): void {
    const placement = this.#placement;
    if (call !== NONE) this.#place(call);
    const latestStart = call === NONE ? -Infinity : Math.max(placement.startOf(call), this.#frames.at(-1)?.latestStart ?? -Infinity);
    const key = `${state},${before},${placement.key(latestStart)}`;
    if (this.#seen.has(key)) return this.#unplace(call);
    this.#seen.add(key);
    this.#bytes += 2 * key.length + BYTES_PER_ENTRY;
    const frame: Frame = { placed: call, state, before, latestStart, successors: [], candidates: placement.candidates(), cursor: 0, hasOpen: false, fits: false };
    this.#frames.push(frame);
    this.#addSuccessors(frame);
  }

  #addSuccessors(frame: Frame): void {
    const { candidates, state, before, latestStart, successors } = frame;
    if (!this.#areStillPossible(frame) || this.#isShort(frame)) return void (frame.hasOpen = true);
    for (const call of candidates) {
      const next = this.#step(state, call);
      if (next === NONE || (before !== NONE && next === this.#step(before, call))) continue;
      frame.fits = true;
      if (next === state && this.#isRead(call) && !this.#placement.hasOpenBefore(call, latestStart)) {
        successors.splice(0, Infinity, call, next); // cut 1
        frame.hasOpen = true;
        return;
      }
      successors.push(call, next);
    }
  }

  #addOpenSuccessors({ candidates, state, before, latestStart, successors }: Frame): void {
    for (const call of this.#placement.openCandidates(candidates, latestStart)) {
      const next = this.#step(state, call);
      if (next === NONE || next === state || (before !== NONE && next === this.#step(before, call))) continue; // cut 2
      successors.push(call, next);
    }
  }

  #areStillPossible({ candidates, state }: Frame): boolean {
    const { model } = this;
    if (model.isStillPossible === undefined || !this.looksAhead) return true;
    for (const i of candidates) {
      const call = this.#callOf(i);
      if (call.outcome.type === 'returned' && !model.isStillPossible(this.#stateOf(state), call.operation, call.outcome.result)) return false;
    }
    return true;
  }

  #isRead(call: number): boolean {
    const { operation, outcome } = this.#callOf(call);
    return outcome.type === 'returned' && this.model.isRead?.(operation, outcome.result) === true;
  }

  /** Whether a call needs a value that is gone for good: it can only have gone with the last placement. */
  #isShort({ placed, state }: Frame): boolean {
    const supply = this.#supply;
    const value = this.#values[state] ?? NONE;
    if (supply === null) return false;
    if (placed === NONE) return supply.isShort(value);
    const last = this.#values[this.#frames.at(-2)?.state ?? NONE] ?? NONE;
    return last !== value && supply.isLastChance(last);
  }

  #place(call: number): void {
    this.#placement.place(call);
    this.#supply?.place(call);
  }

  #unplace(call: number): void {
    this.#placement.unplace(call);
    this.#supply?.unplace(call);
  }

  /** The state after the call, NONE when it does not fit. */
  #step(state: number, call: number): number {
    this.#steps += 1;
    const { operation, outcome } = this.#callOf(call);
    const from = this.#stateOf(state);
    const to = outcome.type === 'returned' ? this.model.step(from, operation, outcome.result) : this.model.stepOpen(from, operation);
    return to === undefined ? NONE : this.#idOf(to);
  }

  #idOf(state: State): number {
    const name = this.model.identify(state);
    const known = this.#stateIds.get(name);
    if (known !== undefined) return known;
    this.#stateIds.set(name, this.#states.length);
    this.#bytes += 2 * name.length + BYTES_PER_ENTRY;
    if (this.#supply !== null) this.#values.push(this.#supply.valueOf(state));
    return this.#states.push(state) - 1;
  }

  #stateOf(id: number): State {
    return this.#states[id] as State; // ids are given by #idOf alone
  }

  #callOf(number: number): Call<Operation, Result> {
    return this.#placement.calls[number] as Call<Operation, Result>; // numbers come from the placement alone
  }

  #order(): Call<Operation, Result>[] {
    return this.#frames.filter(({ placed }) => placed !== NONE).map(({ placed }) => this.#callOf(placed));
  }

  #noteDeadEnd(frame: Frame): void {
    const { remaining } = this.#placement;
    if (frame.fits || frame.before !== NONE || remaining > this.#fewestLeft) return;
    if (remaining < this.#fewestLeft) this.#deadEnds = [];
    this.#fewestLeft = remaining;
    if (this.#deadEnds.length === MAX_DEAD_ENDS) return;
    this.#deadEnds.push({ order: this.#order(), state: this.#stateOf(frame.state), next: frame.candidates.map((i) => this.#callOf(i)) });
  }
}
