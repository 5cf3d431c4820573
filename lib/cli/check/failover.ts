import type { Member } from '../cluster/plan.js';

/** The kill of a leader and what came of it. */
export interface Failover {
  readonly killed: Member;
  readonly killedTerm: number;
  /** Writes acknowledged before the kill. */
  readonly writesBefore: number;
  /** From the kill to the first acknowledgement of a write that was sent after it. */
  readonly failoverMs: number;
}

/** Waits for acknowledgements: for so many of them, and for one that was sent after a given moment. */
export class Acknowledgements {
  #count = 0;
  #waiting: { isMet: (count: number, sentAtMs: number) => boolean; resolve: (atMs: number) => void }[] = [];

  constructor(readonly now: () => number) {}

  get count(): number {
    return this.#count;
  }

  note(count: number, sentAtMs: number): void {
    this.#count = count;
    const met = this.#waiting.filter(({ isMet }) => isMet(count, sentAtMs));
    if (met.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => !met.includes(waiting));
    for (const { resolve } of met) resolve(this.now());
  }

  /** When so many writes were acknowledged. */
  reached(count: number): Promise<number> {
    return this.#when((now) => now >= count);
  }

  /** When the first write that was sent after `momentMs` was acknowledged. */
  sentAfter(momentMs: number): Promise<number> {
    return this.#when((_, sentAtMs) => sentAtMs > momentMs);
  }

  #when(isMet: (count: number, sentAtMs: number) => boolean): Promise<number> {
    return new Promise((resolve) => this.#waiting.push({ isMet, resolve }));
  }
}
