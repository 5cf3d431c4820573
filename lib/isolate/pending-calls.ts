import { Call } from '../node/call.js';
import { Deadlines } from '../node/deadlines.js';
import { Numbered } from '../node/numbered.js';
import type { CallOptions } from '../node/raft-node.js';
import { systemClock } from '../node/system-clock.js';
import type { CallSignal } from '../ports/call-signal.js';
import { ConfigError, OverloadedError, TimeoutError } from '../ports/errors.js';

/** What a call is; it decides how it ends when the node's thread dies. */
export type CallKind = 'propose' | 'read' | 'changeMembership' | 'transferLeadership' | 'takeSnapshot';

/** One call whose answer is with the node's thread. */
export class PendingCall extends Call<unknown> {
  /** Given when it is added to the others. */
  id = 0;

  constructor(
    readonly kind: CallKind,
    readonly signal: CallSignal | undefined,
    /** The query of a read, the encoded command of a proposal. */
    readonly content: unknown,
    timeoutMs: number,
  ) {
    super(kind === 'read' ? systemClock.now() : 0, timeoutMs); // only a read is watched over here, and looking at the clock costs as much as the rest
  }
}

/** @throws {ConfigError} */
export function checkedTimeout({ timeoutMs }: CallOptions, { requestTimeoutMs }: { readonly requestTimeoutMs: number }): number {
  if (timeoutMs === undefined) return requestTimeoutMs;
  if (timeoutMs > 0) return timeoutMs;
  throw new ConfigError([{ option: 'timeoutMs', value: timeoutMs, allowed: 'a number above 0' }]);
}

/** Every call of the application that is not answered, by its number. */
export class PendingCalls {
  private readonly calls = new Numbered<PendingCall>();
  private readonly counts = { propose: 0, read: 0 };
  /** Reads whose answer the state machine takes its time for: no one else watches over their limits. */
  private readonly answering = new Set<PendingCall>();
  private readonly deadlines = new Deadlines(systemClock, (now) => this.expire(now));

  constructor(private readonly bounds: { readonly propose: number; readonly read: number }) {}

  /** @throws {OverloadedError} at the bound. */
  add(call: PendingCall): PendingCall {
    const { kind } = call;
    if (kind === 'propose' || kind === 'read') {
      if (this.counts[kind] >= this.bounds[kind]) throw new OverloadedError(kind === 'propose' ? 'maxPendingProposals' : 'maxPendingReads', this.bounds[kind]);
      this.counts[kind] += 1;
    }
    call.id = this.calls.add(call);
    call.whenDone(() => this.forget(call));
    return call;
  }

  get(id: number): PendingCall | undefined {
    return this.calls.get(id);
  }

  /** The bytes of a proposal that the node has not answered. */
  commandOf(id: number): Uint8Array {
    const call = this.calls.get(id);
    if (call?.kind !== 'propose') throw new Error(`there is no proposal with the number ${id}`);
    return call.content as Uint8Array;
  }

  /** A read may be answered, and the state machine takes its time: the read's own limits hold meanwhile. */
  answerLater(call: PendingCall, answer: Promise<unknown>): void {
    if (call.isDone) return;
    this.answering.add(call);
    this.deadlines.watch(call.deadline);
    answer.then(
      (value) => call.resolve(value),
      (error: unknown) => call.reject(error),
    );
  }

  /** The node is gone: each gets an answer. */
  end(errorFor: (kind: CallKind) => unknown): void {
    this.deadlines.close();
    for (const call of this.calls.values()) call.reject(errorFor(call.kind));
  }

  private forget(call: PendingCall): void {
    this.calls.delete(call.id);
    if (call.kind === 'read') this.answering.delete(call);
    if (call.kind === 'propose' || call.kind === 'read') this.counts[call.kind] -= 1;
  }

  private expire(now: number): number {
    let next = Infinity;
    for (const call of this.answering) {
      if (call.deadline > now) next = Math.min(next, call.deadline);
      else call.reject(new TimeoutError(call.kind, call.timeoutMs));
    }
    return next;
  }
}
