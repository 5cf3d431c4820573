/** One run of one node, as far as its events were received. */
export interface RunRecord {
  readonly nodeId: string;
  readonly runId: string;
  readonly received: number;
  /** The last `seq` seen. */
  readonly last: number;
  /** The kind of the last event. */
  readonly lastType: string;
}

/**
 * Checks that events come without a gap and without a double: per run 1, 2, 3, … Where a run ends is not
 * judged: the end of a killed run can't be seen.
 */
export class GapTracker {
  readonly #runs = new Map<string, { received: number; last: number; lastType: string }>();
  /** What was wrong, in words. */
  readonly problems: string[] = [];
  received = 0;

  constructor(readonly nodeId: string) {}

  /** Takes one message of `/events`: its id, `runId:seq`, and its kind. */
  accept(id: string, type: string): void {
    const at = id.lastIndexOf(':');
    const runId = id.slice(0, at);
    const seq = Number(id.slice(at + 1));
    const run = this.#runs.get(runId) ?? { received: 0, last: 0, lastType: '' };
    this.#runs.set(runId, run);
    if (type === 'EventsMissed') this.problems.push(`node ${this.nodeId}, run ${runId}: events ${run.last + 1}–${seq} were reported as missed`);
    else if (seq !== run.last + 1) this.problems.push(`node ${this.nodeId}, run ${runId}: event ${seq} came after ${run.last}`);
    if (type !== 'EventsMissed') {
      run.received += 1;
      this.received += 1;
    }
    run.last = seq;
    run.lastType = type;
  }

  get runs(): readonly RunRecord[] {
    return [...this.#runs].map(([runId, run]) => ({ nodeId: this.nodeId, runId, ...run }));
  }

  /** The run that the latest event belongs to. */
  get latest(): RunRecord | null {
    return this.runs.at(-1) ?? null;
  }
}
