import type { Input } from '../core/inputs.js';
import type { LogIndex } from '../core/ids.js';
import type { ReadOutcome } from '../core/output.js';
import { Call } from './call.js';
import { Numbered } from './numbered.js';
import { OverloadedError, TimeoutError } from '../ports/errors.js';

/** One `read` call that needs the leader's word. */
export class PendingRead extends Call<unknown> {
  constructor(
    readonly query: unknown,
    readonly lease: boolean,
    startedAt: number,
    timeoutMs: number,
  ) {
    super(startedAt, timeoutMs);
  }
}

/** What becomes of a read that was settled. */
export interface ReadHandlers {
  /** The state machine may answer it as it is now. */
  readonly serve: (read: PendingRead) => void;
  /** This node does not lead, or has just stopped to. */
  readonly refuse: (read: PendingRead) => void;
}

/**
 * Reads on their way: waiting for a turn, then for the core's read index, then for the state machine to
 * reach it. Numbered, so that an answer that comes after a read ended finds nobody.
 */
export class ReadTable {
  private waiting: PendingRead[] = [];
  private readonly asked = new Numbered<PendingRead>();
  /** When the newest read began that was served: what it saw is at least that new. */
  private freshSince = -Infinity;
  /** Confirmed, but the state machine is behind. */
  private confirmed: { readonly index: LogIndex; readonly read: PendingRead }[] = [];
  /** With a state machine that takes its time. */
  private readonly answering = new Numbered<PendingRead>();

  constructor(
    private readonly maxPending: number,
    private readonly handlers: ReadHandlers,
  ) {}

  get count(): number {
    return this.waiting.length + this.asked.size + this.confirmed.length + this.answering.size;
  }

  get hasWaiting(): boolean {
    return this.waiting.length > 0;
  }

  /** @throws {OverloadedError} at the bound. */
  add(read: PendingRead): void {
    if (this.count >= this.maxPending) throw new OverloadedError('maxPendingReads', this.maxPending);
    this.waiting.push(read);
  }

  /** The state machine works on the answer; meanwhile the read's own limits hold. */
  answerLater(read: PendingRead, answer: Promise<unknown>): void {
    const number = this.answering.add(read);
    read.whenDone(() => this.answering.delete(number));
    answer.then(
      (value) => read.resolve(value),
      (error: unknown) => read.reject(error),
    );
  }

  /** Adds the waiting reads to the inputs of the turn that begins. */
  gather(inputs: Input[]): void {
    for (const read of this.waiting) {
      if (read.isDone) continue;
      const id = this.asked.add(read);
      read.whenDone(() => this.asked.delete(id));
      inputs.push({ type: 'read', id, lease: read.lease });
    }
    this.waiting = [];
  }

  /** When the newest proof of freshness began, monotonic ms; -Infinity before the first. */
  get freshAt(): number {
    return this.freshSince;
  }

  /** The core's answers. What another node asks for is the index alone. */
  settle(outcomes: readonly ReadOutcome[], appliedIndex: LogIndex): void {
    for (const { id, index, refusal } of outcomes) {
      const read = this.asked.get(id);
      this.asked.delete(id);
      if (read === undefined || read.isDone) continue;
      if (refusal !== null) this.handlers.refuse(read);
      else if (read.isRemote) read.resolve(index);
      else this.confirm(read, index, appliedIndex);
    }
  }

  /** The read may be served once the state machine has reached `index`. */
  confirm(read: PendingRead, index: LogIndex, appliedIndex: LogIndex): void {
    if (index <= appliedIndex) this.serve(read);
    else this.confirmed.push({ index, read });
  }

  /** The state machine reached `index`. */
  applied(index: LogIndex): void {
    if (this.confirmed.length === 0) return;
    this.confirmed = this.confirmed.filter((waiting) => {
      if (waiting.index > index) return true;
      if (!waiting.read.isDone) this.serve(waiting.read);
      return false;
    });
  }

  /** Ends every read whose time is up; returns the next deadline. */
  expire(now: number): number {
    let next = Infinity;
    for (const read of this.all()) {
      if (read.isDone) continue;
      if (read.deadline > now) next = Math.min(next, read.deadline);
      else read.reject(new TimeoutError('read', read.timeoutMs));
    }
    this.confirmed = this.confirmed.filter(({ read }) => !read.isDone);
    return next;
  }

  /** The node ends. */
  end(error: Error): void {
    for (const read of this.all()) read.reject(error);
    this.waiting = [];
    this.confirmed = [];
  }

  private serve(read: PendingRead): void {
    this.freshSince = Math.max(this.freshSince, read.startedAt);
    this.handlers.serve(read);
  }

  private all(): PendingRead[] {
    return [...this.waiting, ...this.asked.values(), ...this.confirmed.map(({ read }) => read), ...this.answering.values()];
  }
}
