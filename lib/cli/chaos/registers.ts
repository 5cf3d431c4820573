import type { Dice } from '../../testing/simulation/dice.js';

/** A key that many clients read and write. */
export interface Register {
  readonly key: string;
  calls: number;
  /** Writes of which nobody knows whether they took effect. */
  unknown: number;
}

/** Then another key takes its place: the search for an order grows with what is open, and with what lies behind. */
const MAX_CALLS = 300;
const MAX_UNKNOWN = 8;

/** A few keys at a time, so that clients meet; each for a while, so that its history stays small. */
export class Registers {
  readonly #current: Register[];
  readonly #keys: string[] = [];

  constructor(count: number) {
    this.#current = Array.from({ length: count }, () => this.#next());
  }

  /** Every key there has been. */
  get keys(): readonly string[] {
    return this.#keys;
  }

  pick(dice: Dice): Register {
    const at = dice.whole(0, this.#current.length - 1);
    let register = this.#current[at] ?? this.#next();
    if (register.calls >= MAX_CALLS || register.unknown >= MAX_UNKNOWN) {
      register = this.#next();
      this.#current[at] = register;
    }
    register.calls += 1;
    return register;
  }

  #next(): Register {
    const key = `register/${String(this.#keys.length).padStart(6, '0')}`;
    this.#keys.push(key);
    return { key, calls: 0, unknown: 0 };
  }
}
