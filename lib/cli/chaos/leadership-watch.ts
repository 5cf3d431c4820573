import type { RaftEvent } from '../../core/events.js';

/** Checks what the nodes' events say of leadership: one leader a term, and each gain paired with one loss. */
export class LeadershipWatch {
  readonly problems: string[] = [];
  /** Who led, by term. */
  readonly #leaders = new Map<number, string>();
  /** Runs that lead, as far as they have told. */
  readonly #leading = new Set<string>();

  /** How many terms had a leader. */
  get terms(): number {
    return this.#leaders.size;
  }

  /** Takes an event, in the order of its node's stream. */
  accept(event: RaftEvent): void {
    const { nodeId, runId, term } = event;
    const run = `${nodeId} ${runId}`;
    const where = `node ${nodeId}, run ${runId}, event ${event.seq}`;
    switch (event.type) {
      case 'LeadershipAcquired': {
        if (this.#leading.has(run)) this.problems.push(`${where}: acquired leadership, and had it already`);
        this.#leading.add(run);
        const other = this.#leaders.get(term) ?? run;
        if (other !== run) this.problems.push(`${where}: leads term ${term}, which ${other} led`);
        this.#leaders.set(term, run);
        return;
      }
      case 'LeadershipLost':
        if (!this.#leading.delete(run)) this.problems.push(`${where}: lost leadership, and had none`);
        return;
      case 'NodeStopped':
        if (this.#leading.has(run)) this.problems.push(`${where}: stopped without having lost its leadership`);
        return;
      default:
        return;
    }
  }
}
