import { Observable, type OperatorFunction } from 'rxjs';
import { ConfigError, OverloadedError, type ConfigProblem } from '../../ports/errors.js';
import type { Applied, RaftNode } from '../raft-node.js';

/** Where commands are proposed: a node, or a client session for exactly-once. */
export type Proposer<C, R> = Pick<RaftNode<C, R>, 'propose'>;

export interface ProposeToOptions {
  /** Commands that are proposed and whose results are not emitted yet, at most. Default 64. */
  readonly concurrency?: number;
  /** Commands that may wait behind those; one more ends the stream with an OverloadedError. `Infinity` for a source that ends by itself. Default 100 000. */
  readonly maxQueued?: number;
  /** Limits each command from when it is proposed. Default: the proposer's. */
  readonly timeoutMs?: number;
  /** `throw` (default): the first failure ends the stream, after the results before it. `emit`: it is emitted in its place, as a value. */
  readonly onError?: 'throw' | 'emit';
}

/** With `onError: 'emit'`: what became of one command. */
export type Proposed<C, R> = { readonly ok: true; readonly command: C; readonly applied: Applied<R> } | { readonly ok: false; readonly command: C; readonly error: unknown };

/**
 * Proposes every command of the source and emits the results in the source's order, whatever order they come
 * in. RxJS can't ask a source to wait: commands that come faster than they are committed queue up, as with
 * `mergeMap`, but here up to a bound. A result that waits for an earlier one counts as outstanding, so that memory
 * is bounded by `concurrency + maxQueued`.
 *
 * An error of the source ends the stream at once, its end after the last result. Whatever ends the stream
 * early drops the commands that queue and aborts those outstanding, which may take effect all the same.
 *
 * @throws {ConfigError} when an option is out of range.
 * @example
 * from(readings).pipe(proposeTo(node, { concurrency: 16 })).subscribe(({ index, value }) => console.log(index, value));
 */
export function proposeTo<C, R>(proposer: Proposer<C, R>, options: ProposeToOptions & { readonly onError: 'emit' }): OperatorFunction<C, Proposed<C, R>>;
export function proposeTo<C, R>(proposer: Proposer<C, R>, options?: ProposeToOptions & { readonly onError?: 'throw' }): OperatorFunction<C, Applied<R>>;
export function proposeTo<C, R>(proposer: Proposer<C, R>, options: ProposeToOptions = {}): OperatorFunction<C, Proposed<C, R> | Applied<R>> {
  const settings = checked(options);
  return (source) =>
    new Observable((subscriber) => {
      const isEmitting = options.onError === 'emit';
      const line = new ProposalLine(proposer, settings, {
        settled: (outcome) => {
          if (isEmitting) subscriber.next(outcome);
          else if (outcome.ok) subscriber.next(outcome.applied);
          else subscriber.error(outcome.error);
        },
        overflown: () => subscriber.error(new OverloadedError('the queue of proposeTo', settings.maxQueued)),
        done: () => subscriber.complete(),
        stopsAtFailure: !isEmitting,
      });
      subscriber.add(() => line.abort());
      subscriber.add(
        source.subscribe({
          next: (command) => line.push(command),
          error: (error: unknown) => subscriber.error(error),
          complete: () => line.end(),
        }),
      );
    });
}

type Settings = Readonly<Required<Pick<ProposeToOptions, 'concurrency' | 'maxQueued'>>> & Pick<ProposeToOptions, 'timeoutMs'>;

/** What the line tells, in order, and never after `abort`. */
interface Ends<C, R> {
  readonly settled: (outcome: Proposed<C, R>) => void;
  readonly overflown: () => void;
  readonly done: () => void;
  readonly stopsAtFailure: boolean;
}

/** A command that is proposed; null until it is settled. */
interface Slot<C, R> {
  outcome: Proposed<C, R> | null;
  /** Of its own: a signal that many listen to makes Node.js warn of a leak. */
  readonly controller: AbortController;
}

/** Commands in a line: the first `concurrency` of them are proposed, and leave from the front. */
class ProposalLine<C, R> {
  private readonly outstanding: Slot<C, R>[] = [];
  private queue: C[] = [];
  /** The first of `queue` that was not taken. */
  private head = 0;
  private isAdvancing = false;
  private hasEnded = false;
  private hasFailed = false;
  private isOver = false;

  constructor(
    private readonly proposer: Proposer<C, R>,
    private readonly settings: Settings,
    private readonly ends: Ends<C, R>,
  ) {}

  push(command: C): void {
    if (this.isOver || this.hasFailed) return;
    const { concurrency, maxQueued } = this.settings;
    if (this.outstanding.length + this.queue.length - this.head >= concurrency + maxQueued) return this.ends.overflown();
    this.queue.push(command);
    this.advance();
  }

  /** No more commands come. */
  end(): void {
    this.hasEnded = true;
    this.advance();
  }

  abort(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.queue = [];
    this.head = 0;
    for (const { controller } of this.outstanding) controller.abort();
  }

  /** Emits what is settled at the front and proposes what there is room for. What the subscriber does meanwhile waits for the loop. */
  private advance(): void {
    if (this.isAdvancing) return;
    this.isAdvancing = true;
    while (this.mayGoOn() && (this.emitFirst() || this.proposeNext()));
    this.isAdvancing = false;
    if (this.mayGoOn() && this.hasEnded && this.outstanding.length === 0) {
      this.isOver = true;
      this.ends.done();
    }
  }

  private emitFirst(): boolean {
    const outcome = this.outstanding[0]?.outcome ?? null;
    if (outcome === null) return false;
    this.outstanding.shift();
    this.ends.settled(outcome);
    return true;
  }

  private proposeNext(): boolean {
    if (this.hasFailed || this.head === this.queue.length || this.outstanding.length >= this.settings.concurrency) return false;
    const command = this.queue[this.head] as C; // there is one, as just checked
    this.head += 1;
    if (this.head === this.queue.length || this.head >= 1024) {
      this.queue = this.queue.slice(this.head);
      this.head = 0;
    }
    const slot: Slot<C, R> = { outcome: null, controller: new AbortController() };
    this.outstanding.push(slot);
    const { timeoutMs } = this.settings;
    this.proposer.propose(command, { signal: slot.controller.signal, ...(timeoutMs === undefined ? {} : { timeoutMs }) }).then(
      (applied) => this.settle(slot, { ok: true, command, applied }),
      (error: unknown) => this.settle(slot, { ok: false, command, error }),
    );
    return true;
  }

  private settle(slot: Slot<C, R>, outcome: Proposed<C, R>): void {
    slot.outcome = outcome;
    if (!outcome.ok && this.ends.stopsAtFailure) this.hasFailed = true; // what comes behind it would be for nothing
    this.advance();
  }

  /** Read anew each time: a subscriber may leave in the middle. */
  private mayGoOn(): boolean {
    return !this.isOver;
  }
}

function checked({ concurrency = 64, maxQueued = 100_000, timeoutMs }: ProposeToOptions): Settings {
  const problems: ConfigProblem[] = [];
  if (!(Number.isSafeInteger(concurrency) && concurrency >= 1)) problems.push({ option: 'concurrency', value: concurrency, allowed: 'a whole number of at least 1' });
  if (!(maxQueued === Infinity || (Number.isSafeInteger(maxQueued) && maxQueued >= 0))) problems.push({ option: 'maxQueued', value: maxQueued, allowed: 'a whole number of at least 0, or Infinity' });
  if (problems.length > 0) throw new ConfigError(problems);
  return { concurrency, maxQueued, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}
