import type { Acknowledgements } from '../check/failover.js';
import type { FaultKind } from './fault-kinds.js';
import { Histogram, type Summary } from './histogram.js';

/** How long it takes from the moment at which a leader is hit to the first acknowledgement of a write that was sent after it. */
export class Failovers {
  readonly histogram = new Histogram();
  readonly #byKind = new Map<FaultKind, Histogram>();
  readonly #acknowledgements: Acknowledgements;
  readonly #now: () => number;

  constructor(acknowledgements: Acknowledgements, now: () => number) {
    this.#acknowledgements = acknowledgements;
    this.#now = now;
  }

  /** The leader can't lead from now on. */
  hit(kind: FaultKind): void {
    const hitAt = this.#now();
    void this.#acknowledgements.sentAfter(hitAt).then((acknowledgedAt) => this.#add(kind, acknowledgedAt - hitAt));
  }

  get byKind(): Readonly<Partial<Record<FaultKind, Summary>>> {
    return Object.fromEntries([...this.#byKind].flatMap(([kind, { summary }]) => (summary === null ? [] : [[kind, summary]])));
  }

  #add(kind: FaultKind, ms: number): void {
    this.histogram.add(ms);
    const ofKind = this.#byKind.get(kind) ?? new Histogram();
    this.#byKind.set(kind, ofKind);
    ofKind.add(ms);
  }
}
