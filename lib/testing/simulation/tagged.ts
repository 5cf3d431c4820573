import type { LogIndex } from '../../core/ids.js';
import type { Codec } from '../../ports/codec.js';
import type { Committed, StateMachine } from '../../ports/state-machine.js';

/** A command with the number of the call that it came of. Retries have the number of the first attempt. */
export interface Tagged {
  readonly id: number;
  readonly command: unknown;
}

const ID_BYTES = 8;

/** The id in the first eight bytes, then the command. */
export function taggedCodec(inner: Codec<unknown>): Codec<Tagged> {
  return {
    encode({ id, command }) {
      const payload = inner.encode(command);
      const bytes = new Uint8Array(ID_BYTES + payload.length);
      new DataView(bytes.buffer).setFloat64(0, id);
      bytes.set(payload, ID_BYTES);
      return bytes;
    },
    decode: (bytes) => ({ id: new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0), command: inner.decode(bytes.subarray(ID_BYTES)) }),
  };
}

/** A machine that gets the commands without their tags, and the record of which entries reached it. */
export class TaggedMachine implements StateMachine<Tagged, unknown, unknown, unknown> {
  /** Of the last batch, by index. */
  readonly reached = new Map<LogIndex, Tagged>();
  readonly query?: (query: unknown) => unknown;

  constructor(private readonly machine: StateMachine<unknown, unknown, unknown, unknown>) {
    if (machine.query !== undefined) this.query = (query) => machine.query?.(query);
  }

  apply(batch: readonly Committed<Tagged>[]): readonly unknown[] | Promise<readonly unknown[]> {
    for (const { index, command } of batch) this.reached.set(index, command);
    return this.machine.apply(batch.map(({ index, term, command }) => ({ index, term, command: command.command })));
  }

  snapshot(): AsyncIterable<Uint8Array> {
    return this.machine.snapshot();
  }

  restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    return this.machine.restore(chunks);
  }

  reset(): void | Promise<void> {
    return this.machine.reset();
  }
}
