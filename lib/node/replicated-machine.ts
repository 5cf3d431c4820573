import { BehaviorSubject } from 'rxjs';
import type { LogIndex } from '../core/ids.js';
import type { Codec } from '../ports/codec.js';
import type { Committed, StateMachine } from '../ports/state-machine.js';

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
