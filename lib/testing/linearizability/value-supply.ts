import type { Call, ModelValues } from './model.js';
import { NONE } from './placement.js';

/** How often each value is still needed, and can still be written, by calls without a place in the order. */
export class ValueSupply<State, Operation, Result> {
  readonly #ids = new Map<string, number>();
  /** By value. */
  readonly #needed: number[] = [];
  readonly #supplied: number[] = [];
  /** By call: the value that it needs, and the one that it leaves. */
  readonly #need: readonly number[];
  readonly #supply: readonly number[];

  constructor(
    private readonly values: ModelValues<State, Operation, Result>,
    calls: readonly Call<Operation, Result>[],
  ) {
    this.#need = calls.map(({ operation, outcome }) => (outcome.type === 'returned' ? this.#idOf(values.needed(operation, outcome.result)) : NONE));
    this.#supply = calls.map(({ operation, outcome }) => this.#idOf(values.left(operation, outcome.type === 'returned' ? outcome.result : undefined)));
    for (let call = 0; call < calls.length; call += 1) this.#count(call, 1);
  }

  /** The value's number in here. */
  valueOf(state: State): number {
    return this.#idOf(this.values.of(state));
  }

  place(call: number): void {
    this.#count(call, -1);
  }

  unplace(call: number): void {
    this.#count(call, 1);
  }

  /** Whether a call needs this value and, once it is gone, nothing brings it back. */
  isLastChance(value: number): boolean {
    return (this.#needed[value] ?? 0) > 0 && this.#supplied[value] === 0;
  }

  /** Whether a call needs a value that is neither this one nor can be written. */
  isShort(initial: number): boolean {
    return this.#needed.some((_, value) => value !== initial && this.isLastChance(value));
  }

  #count(call: number, change: number): void {
    const need = this.#need[call] ?? NONE;
    const supply = this.#supply[call] ?? NONE;
    if (need !== NONE) this.#needed[need] = (this.#needed[need] ?? 0) + change;
    if (supply !== NONE) this.#supplied[supply] = (this.#supplied[supply] ?? 0) + change;
  }

  #idOf(value: string | null): number {
    if (value === null) return NONE;
    const known = this.#ids.get(value);
    if (known !== undefined) return known;
    const id = this.#ids.size;
    this.#ids.set(value, id);
    this.#needed.push(0);
    this.#supplied.push(0);
    return id;
  }
}
