import { Proposal } from '../node/proposals.js';
import type { Applied } from '../node/raft-node.js';
import type { ProposalAnswers } from './proposal-answers.js';

/** A proposal of the application, in the node's thread: nobody awaits it here, what became of it crosses. */
export class OwnProposal extends Proposal {
  constructor(
    /** The application's number for it. */
    readonly id: number,
    payload: Uint8Array,
    startedAt: number,
    timeoutMs: number,
    private readonly answers: ProposalAnswers,
  ) {
    super(payload, startedAt, timeoutMs);
  }

  override resolve(applied: Applied<unknown>): void {
    if (this.isDone) return;
    this.finish();
    this.answers.resolved(this.id, applied);
  }

  override reject(error: unknown): void {
    if (this.isDone) return;
    this.finish();
    this.answers.refused(this.id, error);
  }
}
