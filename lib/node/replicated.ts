import { BehaviorSubject, NEVER, Observable, catchError, concatWith, filter, firstValueFrom, ignoreElements, race, throwError } from 'rxjs';
import type { LogIndex } from '../core/ids.js';
import type { Clock } from '../ports/clock.js';
import type { Codec } from '../ports/codec.js';
import { ActionRefusedError, ProposalIndeterminateError } from '../ports/errors.js';
import type { Committed, StateMachine } from '../ports/state-machine.js';
import { CurrentValue } from './metrics/current-value.js';
import { DEFAULT_LIMITS } from './options.js';
import type { Applied, CallOptions, ObservableValue, RaftNode } from './raft-node.js';
import { systemClock } from './system-clock.js';

/** Must be deterministic: no clock, no chance, nothing but its arguments. Must not change `state`; returns the next one. */
export type Reducer<S, A> = (state: S, action: A) => S;

/** What reducing an action came to. A reducer that throws refuses the action, on every node alike. */
export type Reduced = { readonly ok: true } | { readonly ok: false; readonly message: string };

/** A reducer as a state machine: what the log's actions come to. */
export interface ReplicatedMachine<S, A> extends StateMachine<A, Reduced, void, S> {
  /** The state after the last batch, and how far in the log it is. */
  readonly current: BehaviorSubject<{ readonly state: S; readonly index: LogIndex }>;
}

/** Makes the state machine of a `ReplicatedStore`. The codec carries the state in snapshots. */
export function replicatedMachine<S, A>(reducer: Reducer<S, A>, initial: S, codec: Codec<S>): ReplicatedMachine<S, A> {
  const current = new BehaviorSubject({ state: initial, index: 0 });
  return {
    current,
    apply(batch: readonly Committed<A>[]): Reduced[] {
      let { state, index } = current.value;
      const results = batch.map((action): Reduced => {
        index = action.index;
        try {
          state = reducer(state, action.command);
          return { ok: true };
        } catch (error) {
          return { ok: false, message: error instanceof Error ? error.message : String(error) };
        }
      });
      current.next({ state, index });
      return results;
    },
    query: () => current.value.state,
    snapshot: () => encodeSnapshot(current.value.state, current.value.index, codec),
    async restore(chunks: AsyncIterable<Uint8Array>) {
      const bytes = await concat(chunks);
      current.next({ state: codec.decode(bytes.subarray(8)), index: decodeIndex(bytes) });
    },
    reset: () => current.next({ state: initial, index: 0 }),
  };
}

/**
 * A reducer replicated by Raft: `scan`, on every node of a cluster at once.
 *
 * @example
 * const counter = await openReplicated({ node: { id: 'a', peers, dataDir: './data' }, reducer: (n, by) => n + by, initial: 0 });
 * counter.state.subscribe(console.log);
 * await counter.dispatch(1);
 */
export class ReplicatedStore<S, A> {
  /** The state as this node has applied it: the current value first, then one emission per applied batch. */
  readonly state: ObservableValue<S>;

  constructor(
    /** The node beneath: its events, its metrics. */
    readonly node: RaftNode<A, Reduced, void, S>,
    private readonly machine: ReplicatedMachine<S, A>,
    /** As given to the node: what limits a dispatch. */
    private readonly limits: { readonly clock?: Clock; readonly requestTimeoutMs?: number } = {},
  ) {
    this.state = new CurrentValue(
      () => machine.current.value.state,
      (subscriber) => {
        // The state first: whoever comes after the end still gets the last one.
        subscriber.add(machine.current.subscribe(({ state }) => subscriber.next(state)));
        return node.events.subscribe({ error: (error: unknown) => subscriber.error(error), complete: () => subscriber.complete() });
      },
    );
  }

  /**
   * Replicates an action; resolves once it is committed and `state` on this node holds it.
   * @throws what `RaftNode.propose` throws; {ActionRefusedError} when the reducer threw; {ProposalIndeterminateError} also
   *   when the action is committed and the call's limits, or the node, end before this node has applied it.
   */
  async dispatch(action: A, options: CallOptions = {}): Promise<Omit<Applied<void>, 'value'>> {
    const { clock = systemClock, requestTimeoutMs = DEFAULT_LIMITS.requestTimeoutMs } = this.limits;
    const deadline = clock.now() + (options.timeoutMs ?? requestTimeoutMs);
    const { index, term, value } = await this.node.propose(action, options);
    if (!value.ok) throw new ActionRefusedError(value.message);
    const here = this.machine.current.pipe(filter((current) => current.index >= index));
    await firstValueFrom(race(here, this.ended(), expired(clock, deadline), aborted(options.signal)));
    return { index, term };
  }

  /** Errors once the node has stopped or failed. The action is committed, and this node's state does not show it. */
  private ended(): Observable<never> {
    const stopped = throwError(() => new ProposalIndeterminateError('stopped'));
    return this.node.metrics.pipe(
      ignoreElements(),
      catchError((cause: unknown) => throwError(() => new ProposalIndeterminateError('fatalError', { cause }))),
      concatWith(stopped),
    );
  }

  /** Stops the node. */
  stop(): Promise<void> {
    return this.node.stop();
  }
}

/** Errors when the time is up. */
function expired(clock: Clock, deadline: number): Observable<never> {
  return new Observable((subscriber) => clock.schedule(deadline - clock.now(), () => subscriber.error(new ProposalIndeterminateError('timeout'))));
}

/** Errors when the signal is aborted. */
function aborted(signal: AbortSignal | undefined): Observable<never> {
  if (signal === undefined) return NEVER;
  return new Observable((subscriber) => {
    const abort = (): void => subscriber.error(new ProposalIndeterminateError('aborted', { cause: signal.reason }));
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    return () => signal.removeEventListener('abort', abort);
  });
}

/** Reducers don't change a state, so that keeping it is all that a consistent snapshot takes. */
async function* encodeSnapshot<S>(state: S, index: LogIndex, codec: Codec<S>): AsyncGenerator<Uint8Array> {
  yield encodeIndex(index);
  yield await Promise.resolve(codec.encode(state));
}

function encodeIndex(index: LogIndex): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, index);
  return bytes;
}

function decodeIndex(bytes: Uint8Array): LogIndex {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getFloat64(0);
}

async function concat(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk);
    length += chunk.length;
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
