import type { Acknowledgements } from '../check/failover.js';
import { Histogram } from './histogram.js';

/** How long it takes from the moment at which a leader is hit to the first acknowledgement of a write that was sent after it. */
export class Failovers {
  readonly histogram = new Histogram();
  readonly #acknowledgements: Acknowledgements;
  readonly #now: () => number;

  constructor(acknowledgements: Acknowledgements, now: () => number) {
    this.#acknowledgements = acknowledgements;
    this.#now = now;
  }

  /** The leader can't lead from now on. */
  hit(): void {
    const hitAt = this.#now();
    void this.#acknowledgements.sentAfter(hitAt).then((acknowledgedAt) => this.histogram.add(acknowledgedAt - hitAt));
  }
}
