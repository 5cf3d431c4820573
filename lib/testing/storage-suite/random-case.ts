import assert from 'node:assert/strict';
import type { Entry } from '../../core/entry.js';
import type { LogId } from '../../core/ids.js';
import type { ComplianceCase } from '../compliance.js';
import { assertEntries, bytesOf, commands, storeCase, type NewFixture, type Store } from './store.js';

const SEEDS = [1, 2, 3, 4];
const STEPS = 150;

/** A long random run against a model that is an array. The seed is in the name. */
export function randomCases(newFixture: NewFixture): ComplianceCase[] {
  return SEEDS.map((seed) =>
    storeCase(newFixture, `a random run of every operation, restarts and crashes matches a plain array (seed ${seed})`, async (store) => {
      const random = generator(seed);
      const model = new Model();
      for (let step = 0; step < STEPS; step++) {
        await model.step(store, random);
        await model.check(store);
      }
    }),
  );
}

class Model {
  #log: Entry[] = [];
  #compacted: LogId = { index: 0, term: 0 };
  #snapshot: LogId = { index: 0, term: 0 };
  #term = 1;

  get #last(): LogId {
    return this.#log.at(-1) ?? this.#compacted;
  }

  async step(store: Store, random: (bound: number) => number): Promise<void> {
    const choice = random(20);
    if (choice < 9) await Promise.all(Array.from({ length: 1 + random(4) }, () => this.#append(store, random)));
    else if (choice < 13) await this.#truncate(store, random);
    else if (choice < 15) await this.#compact(store, random);
    else if (choice < 16) await this.#replace(store, random);
    else if (choice < 18) await store.reopen();
    else await store.crash();
  }

  async check(store: Store): Promise<void> {
    const { index } = this.#last;
    if (this.#log.length > 0) assertEntries(await store.readAll(this.#compacted.index + 1, index), this.#log);
    const { state } = store;
    assert.ok(state !== null && state.lastLog.index >= 0);
  }

  #append(store: Store, random: (bound: number) => number): Promise<void> {
    const first = this.#last.index + 1;
    const entries = commands(first, first + random(30), this.#term, random(3) === 0 ? random(5000) : random(50));
    this.#log.push(...entries);
    return store.write({ entries });
  }

  async #truncate(store: Store, random: (bound: number) => number): Promise<void> {
    const from = Math.max(this.#compacted.index, this.#snapshot.index);
    if (this.#last.index < from) return;
    const after = from + random(this.#last.index - from + 1);
    this.#term++;
    this.#log.length = Math.max(0, after - this.#compacted.index);
    const entries = commands(after + 1, after + random(10), this.#term);
    this.#log.push(...entries);
    await store.write({ hardState: { term: this.#term, votedFor: 'a' }, truncateAfter: after, entries });
  }

  async #compact(store: Store, random: (bound: number) => number): Promise<void> {
    const reach = this.#last.index - this.#snapshot.index;
    if (reach <= 0 || this.#log.length === 0) return;
    const snapshot = this.#log[this.#snapshot.index + 1 + random(reach) - this.#compacted.index - 1] as Entry;
    this.#snapshot = { index: snapshot.index, term: snapshot.term };
    await store.save(snapshot.index, snapshot.term, bytesOf(random(1000), snapshot.index));
    const through = this.#log[random(snapshot.index - this.#compacted.index)] as Entry;
    await store.storage.compact(through.index);
    this.#log = this.#log.slice(through.index - this.#compacted.index);
    this.#compacted = { index: through.index, term: through.term };
  }

  async #replace(store: Store, random: (bound: number) => number): Promise<void> {
    this.#term++;
    const last = { index: this.#last.index + 1 + random(20), term: this.#term };
    this.#log = [];
    this.#compacted = last;
    this.#snapshot = last;
    await store.save(last.index, last.term, bytesOf(random(1000), last.index), true);
  }
}

/** Whole numbers below a bound, the same ones for the same seed (mulberry32). */
function generator(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
