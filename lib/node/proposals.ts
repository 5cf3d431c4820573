import type { RaftEventBody } from '../core/events.js';
import type { Entry } from '../core/entry.js';
import type { LogIndex, Term } from '../core/ids.js';
import type { ProposeInput } from '../core/inputs.js';
import type { ProposalOutcome } from '../core/output.js';
import { Call } from './call.js';
import type { Applied } from './raft-node.js';
import { OverloadedError, ProposalIndeterminateError, ProposalRejectedError, StoppedError, TimeoutError } from '../ports/errors.js';

/** One `propose` call. */
export class Proposal extends Call<Applied<unknown>> {
  /** `waiting` has done nothing yet; `standing` is in this node's log; `forwarded` is with the leader. */
  stage: 'waiting' | 'standing' | 'forwarded' = 'waiting';

  constructor(
    readonly payload: Uint8Array,
    startedAt: number,
    timeoutMs: number,
  ) {
    super(startedAt, timeoutMs);
  }
}

/** Consecutive entries that were applied, and the result of each (undefined for what is no command). */
export interface AppliedRange {
  readonly entries: readonly Entry[];
  readonly results: readonly unknown[];
}

/** Proposals that stand in the log, side by side, in one term. */
interface Batch {
  readonly first: LogIndex;
  readonly term: Term;
  readonly proposals: readonly Proposal[];
}

/**
 * Every proposal of this node that is not answered, in two stages: waiting for a turn, then standing in the
 * log. A batch is answered when the state machine reaches its indexes: with the result where the entry is
 * its own, as rejected where another term's entry was committed in its place. Truncation alone proves nothing (paper,
 * figure 8): the entry may come back.
 */
export class ProposalTable {
  private waiting: Proposal[] = [];
  /** Waiting too, but before some later call of another kind: oldest group first. */
  private cut: Proposal[][] = [];
  /** In log order, but for batches of lost terms that newer ones overlap. */
  private batches: Batch[] = [];
  private standing = 0;

  constructor(private readonly maxPending: number) {}

  get count(): number {
    let waiting = this.waiting.length;
    for (const group of this.cut) waiting += group.length;
    return waiting + this.standing;
  }

  /** @throws {OverloadedError} at the bound. */
  add(proposal: Proposal): void {
    if (this.count >= this.maxPending) throw new OverloadedError('maxPendingProposals', this.maxPending);
    this.waiting.push(proposal);
  }

  /** What is proposed from now on comes after some other call; false when nothing waits. */
  cutOff(): boolean {
    if (this.waiting.length === 0) return false;
    this.cut.push(this.waiting);
    this.waiting = [];
    return true;
  }

  /** The payloads for the turn that begins, and who waits for them: the oldest group. */
  takeWaiting(): readonly Proposal[] {
    let taken = this.cut.shift();
    if (taken === undefined) {
      taken = this.waiting;
      this.waiting = [];
    }
    return taken.some(isDone) ? taken.filter((proposal) => !proposal.isDone) : taken;
  }

  get hasWaiting(): boolean {
    return this.waiting.length > 0 || this.cut.length > 0;
  }

  /** The core's answer to a `propose`: what was accepted stands in the log now; the rest is returned. */
  settle(proposals: readonly Proposal[], outcome: ProposalOutcome): readonly Proposal[] {
    const { accepted, firstIndex, term } = outcome;
    if (accepted === proposals.length) {
      this.stand({ first: firstIndex, term, proposals });
      return [];
    }
    if (accepted > 0) this.stand({ first: firstIndex, term, proposals: proposals.slice(0, accepted) });
    return proposals.slice(accepted);
  }

  /** The state machine applied a range: answers every proposal that stands in it. */
  applied(range: AppliedRange, now: number, term: Term, report: (event: RaftEventBody) => void): void {
    if (this.batches.length === 0) return;
    const from = range.entries[0]?.index ?? 0;
    const to = from + range.entries.length - 1;
    let oldest = now;
    let committed = 0;
    let superseded = 0;
    for (const batch of this.batches) {
      const end = Math.min(to, batch.first + batch.proposals.length - 1);
      for (let index = Math.max(from, batch.first); index <= end; index += 1) {
        const proposal = batch.proposals[index - batch.first];
        if (proposal === undefined || proposal.isDone) continue;
        if (range.entries[index - from]?.term === batch.term) {
          committed += 1;
          if (proposal.startedAt < oldest) oldest = proposal.startedAt;
          proposal.resolve({ index, term: batch.term, value: range.results[index - from] });
        } else {
          superseded += 1;
          proposal.reject(new ProposalRejectedError('another leader committed a different entry in its place'));
        }
      }
    }
    const lost = this.forgetThrough(to);
    if (committed > 0) report({ type: 'ProposalsCommitted', term, count: committed, commitMs: now - oldest });
    if (superseded > 0) report({ type: 'ProposalsDropped', term, count: superseded, reason: 'superseded' });
    if (lost > 0) report({ type: 'ProposalsDropped', term, count: lost, reason: 'indeterminate' });
  }

  /** Drops batches that end at or before `index`. What a snapshot skipped has no known outcome; returns how many those are. */
  forgetThrough(index: LogIndex): number {
    let lost = 0;
    this.batches = this.batches.filter((batch) => {
      if (batch.first + batch.proposals.length - 1 > index) return true;
      this.standing -= batch.proposals.length;
      for (const proposal of batch.proposals) {
        if (proposal.isDone) continue;
        lost += 1;
        proposal.reject(new ProposalIndeterminateError('leadershipLost'));
      }
      return false;
    });
    return lost;
  }

  /** Ends every call whose time is up; returns how many of them stood in the log, and the next deadline. */
  expire(now: number): { readonly dropped: number; readonly next: number } {
    let next = Infinity;
    let dropped = 0;
    const check = (proposal: Proposal, stands: boolean): void => {
      if (proposal.isDone) return;
      if (proposal.deadline > now) {
        next = Math.min(next, proposal.deadline);
        return;
      }
      if (stands) dropped += 1;
      proposal.reject(stands ? new ProposalIndeterminateError('timeout') : new TimeoutError('propose', proposal.timeoutMs));
    };
    for (const group of [...this.cut, this.waiting]) for (const proposal of group) check(proposal, false);
    for (const batch of this.batches) for (const proposal of batch.proposals) check(proposal, true);
    this.letGoOfEnded();
    return { dropped, next };
  }

  /** The node ends: what stands in the log may still commit elsewhere, the rest did not happen. Returns how many stood. */
  end(reason: 'stopped' | 'fatalError', cause: unknown): number {
    let dropped = 0;
    for (const proposal of [...this.cut.flat(), ...this.waiting]) proposal.reject(new StoppedError(reason === 'stopped' ? 'stopped' : 'failed'));
    for (const batch of this.batches) {
      for (const proposal of batch.proposals) {
        if (proposal.isDone) continue;
        dropped += 1;
        proposal.reject(new ProposalIndeterminateError(reason, cause === undefined ? undefined : { cause }));
      }
    }
    this.waiting = [];
    this.cut = [];
    this.batches = [];
    this.standing = 0;
    return dropped;
  }

  /**
   * Batches in which nobody waits any more leave room for others. Those of a lost term may stand behind the log's end, and
   * would keep it there for ever if they filled the bound.
   */
  private letGoOfEnded(): void {
    this.batches = this.batches.filter((batch) => {
      if (!batch.proposals.every(isDone)) return true;
      this.standing -= batch.proposals.length;
      return false;
    });
  }

  private stand(batch: Batch): void {
    for (const proposal of batch.proposals) proposal.stage = 'standing';
    this.batches.push(batch);
    this.standing += batch.proposals.length;
  }
}

/** What these ask of the core. */
export function inputOf(proposals: readonly Proposal[]): ProposeInput {
  return { type: 'propose', payloads: proposals.map(({ payload }) => payload), isAwaitedElsewhere: proposals.some(({ isRemote }) => isRemote) };
}

function isDone(proposal: Proposal): boolean {
  return proposal.isDone;
}
