import type { Configuration } from '../core/configuration.js';
import type { Input } from '../core/inputs.js';
import type { LogIndex, NodeId } from '../core/ids.js';
import type { MembershipChange } from '../core/membership-plan.js';
import type { TurnOutput } from '../core/output.js';
import type { CallSignal } from '../ports/call-signal.js';
import type { Clock } from '../ports/clock.js';
import { MembershipChangeError, type NotLeaderError, TransferError } from '../ports/errors.js';
import { Call } from './call.js';

/** A configuration that is committed, and where. */
export interface CommittedMembership {
  readonly index: LogIndex;
  readonly configuration: Configuration;
}

/** What the calls need of their node. */
export interface AdminCallsParts {
  readonly clock: Clock;
  readonly enqueue: (input: Input) => void;
  readonly notLeader: () => NotLeaderError;
  readonly configuration: () => Configuration;
}

/** Membership changes and leadership transfers that have no answer yet; few at a time, so each has its own timer. */
export class AdminCalls {
  private nextId = 1;
  private readonly changes = new Map<number, Call<CommittedMembership>>();
  private readonly transfers = new Map<number, Call<NodeId>>();

  constructor(private readonly parts: AdminCallsParts) {}

  changeMembership(change: MembershipChange, expected: LogIndex | null, timeoutMs: number, signal: CallSignal | undefined): Promise<CommittedMembership> {
    const id = this.nextId++;
    const call = this.track(this.changes, id, timeoutMs, signal, () => this.openEnd('it did not finish in time'));
    this.parts.enqueue({ type: 'changeMembership', id, change, expected });
    return call.promise;
  }

  transferLeadership(to: NodeId | null, timeoutMs: number, signal: CallSignal | undefined): Promise<NodeId> {
    const id = this.nextId++;
    // The core ends the transfer by its own time; this one only makes sure that the promise ends too.
    const call = this.track(this.transfers, id, timeoutMs * 2, signal, () => new TransferError('timedOut', ''));
    this.parts.enqueue({ type: 'transfer', id, to, timeoutMs });
    return call.promise;
  }

  /** Takes the core's answers of the turn. */
  settle(output: TurnOutput): void {
    for (const { id, index, configuration, refusal } of output.membershipOutcomes) {
      const call = this.changes.get(id);
      if (refusal === null) call?.resolve({ index, configuration });
      else if (refusal === 'notLeader') call?.reject(this.parts.notLeader());
      else if (refusal === 'leadershipLost') call?.reject(this.openEnd('leadership was lost before it was committed'));
      else call?.reject(new MembershipChangeError(refusal, configuration, 'refused'));
    }
    for (const { id, outcome, to, reason } of output.transferOutcomes) {
      const call = this.transfers.get(id);
      if (reason === 'notLeader') call?.reject(this.parts.notLeader());
      else if (outcome !== 'transferred') call?.reject(new TransferError(outcome, reason));
      else if (to !== null) call?.resolve(to);
    }
  }

  /** The node ends. A change that waits may be in the log, and others may commit it; a target that was told may lead. */
  end(state: 'stopped' | 'failed'): void {
    for (const call of this.changes.values()) call.reject(this.openEnd(`the node ${state}`));
    for (const call of this.transfers.values()) call.reject(new TransferError('aborted', `the node ${state}`));
  }

  private openEnd(reason: string): MembershipChangeError {
    return new MembershipChangeError(reason, this.parts.configuration(), 'indeterminate');
  }

  private track<T>(calls: Map<number, Call<T>>, id: number, timeoutMs: number, signal: CallSignal | undefined, late: () => Error): Call<T> {
    const call = new Call<T>(this.parts.clock.now(), timeoutMs);
    const cancel = this.parts.clock.schedule(timeoutMs, () => call.reject(late()));
    const forget = (): void => {
      cancel();
      calls.delete(id);
    };
    call.promise.then(forget, forget);
    if (signal !== undefined) call.watch(signal, () => call.reject(signal.reason));
    calls.set(id, call);
    return call;
  }
}
