import { Random } from '../../core/random.js';

/** Chance, from a seed and a name, so that what one part of a simulation draws does not depend on another. */
export class Dice {
  readonly #random: Random;

  constructor(
    private readonly seed: number,
    name: string,
  ) {
    let mixed = seed ^ 0x9e3779b9;
    for (let i = 0; i < name.length; i += 1) mixed = Math.imul(mixed ^ name.charCodeAt(i), 0x85ebca6b) ^ (mixed >>> 13);
    this.#random = new Random(mixed);
  }

  /** A whole number for seeding something else. */
  seedFor(name: string): number {
    return Math.floor(new Dice(this.seed, name).#random.next() * 0xffffffff);
  }

  chance(probability: number): boolean {
    return this.#random.next() < probability;
  }

  between([low, high]: readonly [number, number]): number {
    return this.#random.between(low, high);
  }

  /** A whole number from `low` to `high`, both included. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.#random.next() * (high - low + 1));
  }

  /** @throws {RangeError} when there is nothing to pick from. */
  pick<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.#random.next() * items.length)];
    if (item === undefined) throw new RangeError('nothing to pick from');
    return item;
  }

  shuffled<T>(items: readonly T[]): T[] {
    const rest = [...items];
    return items.map(() => rest.splice(Math.floor(this.#random.next() * rest.length), 1)[0] as T); // one is left for each
  }
}
