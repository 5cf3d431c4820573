import { BehaviorSubject, Observable, catchError, filter, firstValueFrom, of, take, takeUntil } from 'rxjs';
import type { LogIndex } from '../core/ids.js';
import type { Codec } from '../ports/codec.js';
import { ActionRefusedError, StoppedError } from '../ports/errors.js';
import type { Committed, StateMachine } from '../ports/state-machine.js';
import { CurrentValue } from './metrics/current-value.js';
import type { Applied, CallOptions, ObservableValue, RaftNode } from './raft-node.js';

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
    async *snapshot() {
      const { state, index } = current.value;
      yield encodeIndex(index);
      yield await Promise.resolve(codec.encode(state));
    },
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
  ) {
    const states = new Observable<S>((subscriber) => machine.current.subscribe({ next: ({ state }) => subscriber.next(state) }));
    this.state = new CurrentValue(
      () => machine.current.value.state,
      (subscriber) => {
        subscriber.add(node.events.subscribe({ error: (error: unknown) => subscriber.error(error), complete: () => subscriber.complete() }));
        return states.subscribe(subscriber);
      },
    );
  }

  /**
   * Replicates an action; resolves once it is committed and `state` on this node holds it.
   * @throws what `RaftNode.propose` throws; {ActionRefusedError} when the reducer threw.
   */
  async dispatch(action: A, options: CallOptions = {}): Promise<Omit<Applied<void>, 'value'>> {
    const { index, term, value } = await this.node.propose(action, options);
    if (!value.ok) throw new ActionRefusedError(value.message);
    const reached = this.machine.current.pipe(filter((current) => current.index >= index), take(1), takeUntil(this.ended()));
    if ((await firstValueFrom(reached, { defaultValue: null })) === null) throw new StoppedError('stopped (the action is committed)');
    return { index, term };
  }

  /** Emits once the node has stopped or failed. */
  private ended(): Observable<unknown> {
    return this.node.metrics.pipe(
      filter(({ runningState }) => runningState === 'stopped' || runningState === 'failed'),
      catchError(() => of(null)),
    );
  }

  /** Stops the node. */
  stop(): Promise<void> {
    return this.node.stop();
  }
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
