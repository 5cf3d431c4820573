import { endOf, type Call, type Model } from './model.js';
import { Search, type SearchLimits } from './search.js';
import { ValueSupply } from './value-supply.js';

/** Groups of neighbours up to this size are all tried: a write and its deletion, say, where neither may go alone. */
const SMALL_GROUP = 4;

/** A history of one part that has no order, as small as it was found. */
export interface Failure<Operation, Result> {
  readonly calls: readonly Call<Operation, Result>[];
  /** The call whose answer can't be: without that answer everything has an order. Null when it was not found in time. */
  readonly culprit: Call<Operation, Result> | null;
}

/**
 * Makes a history that has no order small, so that a person can see why.
 *
 * First the end: answers are taken in the order in which they came, up to the first that leaves no order. Then all other
 * reads at once, the beginning, and group by group. Calls may go only if both hold: the rest has no order even if each of
 * the dropped may have taken effect or not, so that they are truly beside the point; and without the culprit's answer the
 * rest has an order, so that it makes sense by itself. The writer of a value that is read stays, too. Stops where it is
 * once it has taken so many steps.
 */
export class Shrinker<State, Operation, Result> {
  #stepsLeft: number;
  /** Whether somebody read what nobody wrote, from the beginning. */
  #mayLackWriters = false;

  constructor(
    private readonly model: Model<State, Operation, Result>,
    private readonly limits: SearchLimits,
    maxShrinkSteps: number,
  ) {
    this.#stepsLeft = maxShrinkSteps;
  }

  /** @param calls of one part, without an order. */
  shrink(calls: readonly Call<Operation, Result>[]): Failure<Operation, Result> {
    const { calls: kept, culprit } = this.#firstFailure(calls);
    if (culprit === null) return { calls: kept, culprit };
    this.#mayLackWriters = this.#lacksWriters(kept);
    const reads = kept.filter((call) => call !== culprit && this.#isRead(call));
    const others = kept.filter((call) => !reads.includes(call));
    const needed = this.#makesSense(others, culprit) && this.#fails(others, []) ? others : kept;
    const byStart = [...needed].sort((a, b) => a.start - b.start);
    const start = this.#dropBeginning(byStart, culprit);
    return { calls: this.#dropGroups(byStart.slice(start), byStart.slice(0, start), culprit), culprit };
  }

  /** How many of the first calls may go. The more are dropped the more orders there are, so halving finds where it stops to fail. */
  #dropBeginning(calls: readonly Call<Operation, Result>[], culprit: Call<Operation, Result>): number {
    let fails = 0;
    let fits = calls.indexOf(culprit) + 1;
    while (fits - fails > 1) {
      const middle = (fails + fits) >>> 1;
      if (this.#fails(calls.slice(middle), calls.slice(0, middle))) fails = middle;
      else fits = middle;
    }
    while (fails > 0 && !this.#makesSense(calls.slice(fails), culprit)) fails -= 1;
    return fails;
  }

  /** Drops group after group, ever smaller ones and the latest first: what depends on a call goes before it. */
  #dropGroups(calls: readonly Call<Operation, Result>[], before: readonly Call<Operation, Result>[], culprit: Call<Operation, Result>): readonly Call<Operation, Result>[] {
    let left = calls;
    let dropped = before;
    let count = Infinity;
    for (let size = Math.max(SMALL_GROUP, Math.ceil(calls.length / 2)); this.#stepsLeft > 0; ) {
      for (let end = left.length; end > 0 && this.#stepsLeft > 0; end -= size > SMALL_GROUP ? size : 1) {
        const group = left.slice(Math.max(0, end - size), end).filter((call) => call !== culprit);
        const rest = left.filter((call) => !group.includes(call));
        if (group.length === 0 || !this.#makesSense(rest, culprit) || !this.#fails(rest, [...dropped, ...group])) continue;
        dropped = [...dropped, ...group];
        left = rest;
      }
      if (size > 1) {
        size = size > SMALL_GROUP ? Math.ceil(size / 2) : size - 1;
      } else {
        if (left.length === count) break;
        count = left.length;
        size = SMALL_GROUP; // what are neighbours now may go together
      }
    }
    return left;
  }

  #makesSense(calls: readonly Call<Operation, Result>[], culprit: Call<Operation, Result>): boolean {
    if (!this.#mayLackWriters && this.#lacksWriters(calls)) return false;
    return this.#outcome(calls.map((call) => (call === culprit ? opened(call) : call)), this.#patience) === 'found';
  }

  #fails(calls: readonly Call<Operation, Result>[], dropped: readonly Call<Operation, Result>[]): boolean {
    const writes = dropped.filter((call) => !this.#isRead(call)); // a read without a result says nothing
    return this.#outcome([...calls, ...writes.map(forgotten)], this.#patience) === 'none';
  }

  #isRead({ operation, outcome }: Call<Operation, Result>): boolean {
    return outcome.type === 'returned' && this.model.isRead?.(operation, outcome.result) === true;
  }

  /** One hard question must not use up what many easy ones need. */
  get #patience(): number {
    return Math.ceil(this.#stepsLeft / 20);
  }

  #lacksWriters(calls: readonly Call<Operation, Result>[]): boolean {
    const { values, initial } = this.model;
    if (values === undefined) return false;
    const supply = new ValueSupply(values, calls);
    return supply.isShort(supply.valueOf(initial));
  }

  /** The shortest beginning, by answers, that has no order. The longer the beginning the fewer its orders, so halving finds it. */
  #firstFailure(calls: readonly Call<Operation, Result>[]): Failure<Operation, Result> {
    const answered = calls.filter(({ outcome }) => outcome.type === 'returned').sort((a, b) => endOf(a) - endOf(b));
    let fits = 0; // so many answers have an order
    let fails = answered.length; // so many have none
    while (fails - fits > 1) {
      const middle = (fits + fails) >>> 1;
      const outcome = this.#outcome(beginning(calls, answered, middle), this.#stepsLeft);
      if (outcome === 'gave up') return { calls: beginning(calls, answered, fails), culprit: null };
      if (outcome === 'none') fails = middle;
      else fits = middle;
    }
    return { calls: beginning(calls, answered, fails), culprit: answered[fails - 1] ?? null };
  }

  #outcome(calls: readonly Call<Operation, Result>[], maxSteps: number): 'found' | 'none' | 'gave up' {
    const { type, steps } = new Search(this.model, calls, { ...this.limits, maxSteps: Math.max(0, maxSteps) }).run();
    this.#stepsLeft -= steps;
    return type;
  }
}

/** What was known once so many had been answered: the others that had begun are open. */
function beginning<Operation, Result>(calls: readonly Call<Operation, Result>[], answered: readonly Call<Operation, Result>[], count: number): Call<Operation, Result>[] {
  const heard = new Set(answered.slice(0, count));
  const last = answered[count - 1];
  const until = last === undefined ? -Infinity : endOf(last);
  return calls.filter(({ start }) => start <= until).map((call) => (heard.has(call) ? call : opened(call)));
}

function opened<Operation, Result>(call: Call<Operation, Result>): Call<Operation, Result> {
  return call.outcome.type === 'open' ? call : { ...call, outcome: { type: 'open' } };
}

/** Whether it had an effect is forgotten, not when. */
function forgotten<Operation, Result>(call: Call<Operation, Result>): Call<Operation, Result> {
  return call.outcome.type === 'open' ? call : { ...call, outcome: { type: 'open', until: call.outcome.at } };
}
