import type { Codec } from '../../ports/codec.js';
import type { Committed, StateMachine } from '../../ports/state-machine.js';
import { readSnapshotChunks, snapshotChunks, type SnapshotShape } from './journal-snapshot.js';
import { after, EMPTY, type JournalCommand, type JournalState } from './journal-state.js';

export interface JournalMachineOptions {
  /** Sees every batch before it is applied. */
  readonly onApply: (batch: readonly Committed<JournalCommand>[]) => void;
  /** Sees the state that a snapshot restored. */
  readonly onRestore: (state: JournalState) => void;
  /** Called for each snapshot. */
  readonly snapshotShape: () => SnapshotShape;
  /** Holds a batch up; without it batches are applied at once. */
  readonly delay?: (callback: () => void) => void;
}

/** The simulation's state machine: it remembers what it was given and in which order, and nothing else. */
export class JournalMachine implements StateMachine<JournalCommand, JournalState, null, JournalState> {
  #state: JournalState = EMPTY;

  constructor(private readonly options: JournalMachineOptions) {}

  apply(batch: readonly Committed<JournalCommand>[]): JournalState[] | Promise<JournalState[]> {
    this.options.onApply(batch);
    const { delay } = this.options;
    if (delay === undefined) return this.#applyNow(batch);
    return new Promise((resolve) => delay(() => resolve(this.#applyNow(batch))));
  }

  query(): JournalState {
    return this.#state;
  }

  snapshot(): AsyncGenerator<Uint8Array> {
    return snapshotChunks(this.#state, this.options.snapshotShape());
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.#state = await readSnapshotChunks(chunks);
    this.options.onRestore(this.#state);
  }

  reset(): void {
    this.#state = EMPTY;
  }

  #applyNow(batch: readonly Committed<JournalCommand>[]): JournalState[] {
    return batch.map(({ index, command }) => (this.#state = after(this.#state, index, command)));
  }
}

/** The id in the first eight bytes, then padding. */
export const commandCodec: Codec<JournalCommand> = Object.freeze({
  encode({ id, bytes }: JournalCommand): Uint8Array {
    const payload = new Uint8Array(Math.max(8, bytes));
    new DataView(payload.buffer).setFloat64(0, id);
    return payload;
  },
  decode(payload: Uint8Array): JournalCommand {
    return { id: new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getFloat64(0), bytes: payload.length };
  },
});

/** Results, queries and answers on their way between nodes. */
export const jsonCodec: Codec<unknown> = Object.freeze({
  encode: (value: unknown) => new TextEncoder().encode(JSON.stringify(value)),
  decode: (bytes: Uint8Array): unknown => JSON.parse(new TextDecoder().decode(bytes)),
});
