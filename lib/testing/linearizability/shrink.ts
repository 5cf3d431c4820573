import { endOf, type Call, type Model } from './model.js';
import { Search, type SearchLimits } from './search.js';

/** A history of one part that has no order, as small as it was found. */
export interface Failure<Operation, Result> {
  readonly calls: readonly Call<Operation, Result>[];
  /** The call whose answer can't be: without that answer everything has an order. Null when it was not found in time. */
  readonly culprit: Call<Operation, Result> | null;
}

/**
 * Makes a history that has no order small, so that a person can see why.
 *
 * First in time: answers are taken in the order in which they came, up to the first that leaves no order. Then call
 * by call. A call may go only if both hold: the rest has no order even if each of the dropped calls may have taken effect
 * or not, so that it is truly beside the point; and without the culprit's answer the rest has an order,
 * so that it makes sense by itself. Stops where it is once it has taken so many steps.
 */
export class Shrinker<State, Operation, Result> {
  #stepsLeft: number;

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
    const dropped: Call<Operation, Result>[] = [];
    let left = kept;
    // In ever smaller groups, the latest first: what depends on a call goes before it.
    for (let size = Math.ceil(kept.length / 2); this.#stepsLeft > 0; ) {
      const before = left.length;
      for (let end = left.length; end > 0 && this.#stepsLeft > 0; end -= size) {
        const group = left.slice(Math.max(0, end - size), end).filter((call) => call !== culprit);
        const rest = left.filter((call) => !group.includes(call));
        if (group.length === 0 || !this.#isAsBad(rest, [...dropped, ...group], culprit)) continue;
        dropped.push(...group);
        left = rest;
      }
      if (size === 1 && left.length === before) break;
      size = Math.ceil(size / 2);
    }
    return { calls: left, culprit };
  }

  #isAsBad(rest: readonly Call<Operation, Result>[], dropped: readonly Call<Operation, Result>[], culprit: Call<Operation, Result>): boolean {
    // One hard question must not use up what many easy ones need.
    const patience = Math.min(this.#stepsLeft, 20 * (rest.length + dropped.length) + 2000);
    const unheard = rest.map((call) => (call === culprit ? opened(call) : call));
    return this.#outcome(unheard, patience) === 'found' && this.#outcome([...rest, ...dropped.map(forgotten)], patience) === 'none';
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
