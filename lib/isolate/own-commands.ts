import type { Committed } from '../ports/state-machine.js';
import type { ApplyRun } from './messages.js';
import type { OwnProposal } from './own-proposal.js';

/** A run of own commands that may still grow. */
interface OwnRun {
  readonly index: number;
  readonly term: number;
  readonly id: number;
  count: number;
}

/** How many are kept at least before those that are done are let go. */
const FEWEST_KEPT = 256;

/**
 * Finds the application's own commands among the committed ones, so that their bytes need not cross back to it. They are in the log
 * in the order in which they were proposed: the oldest that is not answered is compared, by identity. A command that
 * is not recognised, because it was read from disk or because an older one waits elsewhere, crosses by its bytes.
 */
export class OwnCommands {
  #proposals: OwnProposal[] = [];
  /** Where the oldest stands that was not found yet. */
  #oldest = 0;
  #mostKept = FEWEST_KEPT;

  add(proposal: OwnProposal): void {
    if (this.#proposals.length >= this.#mostKept) this.#forgetDone();
    this.#proposals.push(proposal);
  }

  runsOf(batch: readonly Committed<Uint8Array>[]): ApplyRun[] {
    const runs: ApplyRun[] = [];
    let last: OwnRun | null = null;
    for (const committed of batch) {
      const id = this.#find(committed.command);
      const { index, term } = committed;
      if (id === null) {
        runs.push(committed);
        last = null;
      } else if (last !== null && id === last.id + last.count && index === last.index + last.count && term === last.term) {
        last.count += 1;
      } else {
        last = { index, term, id, count: 1 };
        runs.push(last);
      }
    }
    return runs;
  }

  #find(command: Uint8Array): number | null {
    let proposal = this.#proposals[this.#oldest];
    while (proposal?.isDone === true) proposal = this.#proposals[++this.#oldest];
    if (proposal?.payload !== command) return null;
    this.#oldest += 1;
    return proposal.id;
  }

  /** At most half of what is kept is done, so that this costs little for each. */
  #forgetDone(): void {
    this.#proposals = this.#proposals.filter((proposal, at) => at >= this.#oldest && !proposal.isDone);
    this.#oldest = 0;
    this.#mostKept = Math.max(FEWEST_KEPT, 2 * this.#proposals.length);
  }
}
