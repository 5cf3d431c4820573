/**
 * The leader's rounds of contact: numbered from 1, each with the time it began. A reply that echoes round
 * r was sent after r began, so a quorum of such replies proves that no other leader was elected before
 * then (thesis §6.4). Kept only from the newest quorum-acknowledged round on.
 */
export class Rounds {
  /** The newest round; stamped on everything sent. */
  current = 0;
  /** The newest round that a quorum has echoed; 0 for none. */
  quorum = 0;
  /** When that round began. */
  quorumSince = -Infinity;
  /** Start times of rounds `#first`, `#first + 1`, … */
  #starts: number[] = [];
  #first = 1;

  start(now: number): void {
    this.current += 1;
    this.#starts.push(now);
  }

  /** When a round began; undefined for one that is unknown or already settled. */
  startOf(round: number): number | undefined {
    return this.#starts[round - this.#first];
  }

  /** A quorum has echoed `round`; whether that is news. */
  acknowledge(round: number): boolean {
    const since = this.startOf(round);
    if (round <= this.quorum || since === undefined) return false;
    this.quorum = round;
    this.quorumSince = since;
    this.#starts = this.#starts.slice(round - this.#first);
    this.#first = round;
    return true;
  }
}
