import { Subscription } from 'rxjs';
import type { LogIndex } from '../core/ids.js';
import type { Codec } from '../ports/codec.js';
import type { Committed, StateMachine } from '../ports/state-machine.js';
import type { ByteStreams } from './byte-streams.js';
import type { ErrorsAcross } from './errors-across.js';
import type { ApplyRun, EncodedValue, ToApplication, ToWorker } from './messages.js';
import type { PendingCalls } from './pending-calls.js';

export interface MachineHostParts<C, R, Q, A> {
  readonly machine: StateMachine<C, R, Q, A>;
  readonly commandCodec: Codec<C>;
  readonly valueCodec: Codec<unknown>;
  /** Whose commands the node names by their numbers. */
  readonly calls: PendingCalls;
  readonly post: (message: ToWorker) => void;
  readonly errors: ErrorsAcross;
  readonly streams: ByteStreams;
}

/** What a batch came to. */
interface AppliedBatch<R> {
  readonly entries: readonly Committed<unknown>[];
  readonly results: readonly R[];
}

/** The application's state machine, at the service of the node in its thread. */
export class MachineHost<C, R, Q, A> {
  /**
   * The results of the last two batches. The node asks for a batch after it has answered the proposals of the one before the
   * last: whose results are not needed any more.
   */
  private recent: readonly AppliedBatch<R>[] = [];
  private readonly subscription = new Subscription();

  constructor(private readonly parts: MachineHostParts<C, R, Q, A>) {
    const { machine, post } = parts;
    this.subscription.add(machine.notices?.subscribe((notice) => post({ type: 'notice', notice })));
  }

  handle(message: Extract<ToApplication, { type: 'apply' | 'machine' | 'check' }>): void {
    switch (message.type) {
      case 'apply':
        return this.apply(message.runs, message.wantsValues);
      case 'machine':
        return this.operate(message.request, message.operation);
      case 'check':
        return this.check(message.request, message.payload);
      default:
        return message satisfies never;
    }
  }

  /** What the state machine returned for the command at `index`, which was applied just now. */
  resultAt(index: LogIndex): R {
    for (const { entries, results } of this.recent) {
      const at = placeOf(index, entries);
      if (at !== -1) return results[at] as R; // one for each: the node has checked that
    }
    throw new Error(`the result at ${index} is gone`);
  }

  query(query: Q): A | Promise<A> {
    const { machine } = this.parts;
    if (machine.query === undefined) throw new TypeError('this state machine answers no queries: it has no query method');
    return machine.query(query);
  }

  close(): void {
    this.subscription.unsubscribe();
  }

  private apply(runs: readonly ApplyRun[], wantsValues: boolean): void {
    try {
      const entries: Committed<C>[] = [];
      for (const run of runs) this.read(run, entries);
      const results = this.parts.machine.apply(entries);
      if (!(results instanceof Promise)) return this.finish(entries, results, wantsValues);
      results.then((late) => this.finish(entries, late, wantsValues)).catch((error: unknown) => this.failed(0, error));
    } catch (error) {
      this.failed(0, error);
    }
  }

  private read(run: ApplyRun, entries: Committed<C>[]): void {
    const { commandCodec, calls } = this.parts;
    const { index, term } = run;
    if ('command' in run) {
      entries.push({ index, term, command: commandCodec.decode(run.command) });
      return;
    }
    for (let i = 0; i < run.count; i += 1) entries.push({ index: index + i, term, command: commandCodec.decode(calls.commandOf(run.id + i)) });
  }

  private finish(entries: readonly Committed<C>[], results: readonly R[], wantsValues: boolean): void {
    this.recent = [{ entries, results }, ...this.recent.slice(0, 1)];
    const values = wantsValues ? results.map((result) => this.encode(result)) : null;
    this.parts.post({ type: 'applied', count: results.length, values });
  }

  /** The value for another node, or why it gets none: that does not undo the command. */
  private encode(result: R): EncodedValue {
    try {
      return this.parts.valueCodec.encode(result);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  private operate(request: number, operation: 'reset' | 'snapshot' | 'restore'): void {
    const { machine, streams, errors, post } = this.parts;
    if (operation === 'snapshot') {
      try {
        void streams.send(request, machine.snapshot()); // it says itself how it ended
      } catch (error) {
        post({ type: 'streamEnded', stream: request, error: errors.encode(error) });
      }
      return;
    }
    const begin = async (): Promise<void> => (operation === 'reset' ? machine.reset() : machine.restore(streams.receive(request)));
    begin().then(
      () => post({ type: 'machineDone', request, error: null }),
      (error: unknown) => this.failed(request, error),
    );
  }

  private failed(request: number, error: unknown): void {
    this.parts.post({ type: 'machineDone', request, error: this.parts.errors.encode(error) });
  }

  private check(request: number, payload: Uint8Array): void {
    let problem: string | null = null;
    try {
      this.parts.commandCodec.decode(payload);
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error);
    }
    this.parts.post({ type: 'checked', request, error: problem });
  }
}

/** Where the entry with this index stands; -1 when it does not. Most batches are commands alone, others are searched by halves. */
function placeOf(index: LogIndex, entries: readonly Committed<unknown>[]): number {
  const guess = index - (entries[0]?.index ?? 0);
  if (entries[guess]?.index === index) return guess;
  let low = 0;
  let high = entries.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const found = entries[middle]?.index ?? 0;
    if (found === index) return middle;
    if (found < index) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
