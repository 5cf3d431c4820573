import type { ErrorsAcross } from './errors-across.js';
import type { StreamMessage } from './messages.js';

/** So much of one stream is under way at most, before the reader has taken it. */
const WINDOW_BYTES = 1 << 20;
/** The largest piece: what else is to cross does not wait for long. */
const PIECE_BYTES = 256 << 10;

interface Outgoing {
  waitingBytes: number;
  isCancelled: boolean;
  wake: () => void;
}

interface Incoming {
  pieces: Uint8Array[];
  /** What follows the pieces: the end, or an error. */
  end: { readonly error: unknown } | null;
  wake: () => void;
}

/** Streams of bytes between the threads: snapshots on their way out of the state machine and into it. */
export class ByteStreams {
  readonly #outgoing = new Map<number, Outgoing>();
  readonly #incoming = new Map<number, Incoming>();

  constructor(
    private readonly errors: ErrorsAcross,
    private readonly post: (message: StreamMessage) => void,
  ) {}

  /** Sends `chunks` as fast as the other side takes them, and then its end, or its error. */
  async send(stream: number, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const outgoing: Outgoing = { waitingBytes: 0, isCancelled: false, wake: () => undefined };
    this.#outgoing.set(stream, outgoing);
    try {
      for await (const chunk of chunks) {
        for (let from = 0; from < chunk.length && !outgoing.isCancelled; from += PIECE_BYTES) {
          const data = chunk.subarray(from, from + PIECE_BYTES);
          outgoing.waitingBytes += data.length;
          this.post({ type: 'chunk', stream, data });
          while (outgoing.waitingBytes >= WINDOW_BYTES && !outgoing.isCancelled) await new Promise<void>((resolve) => (outgoing.wake = resolve));
        }
        if (outgoing.isCancelled) return;
      }
      this.post({ type: 'streamEnded', stream, error: null });
    } catch (error) {
      this.post({ type: 'streamEnded', stream, error: this.errors.encode(error) });
    } finally {
      this.#outgoing.delete(stream);
    }
  }

  /** The other side's stream, for one reader; it may begin to arrive before it is read. A reader that leaves early ends it. */
  receive(stream: number): AsyncIterable<Uint8Array> {
    const incoming: Incoming = { pieces: [], end: null, wake: () => undefined };
    this.#incoming.set(stream, incoming);
    return { [Symbol.asyncIterator]: () => this.#read(stream, incoming) };
  }

  handle(message: StreamMessage): void {
    const { stream } = message;
    const incoming = this.#incoming.get(stream);
    const outgoing = this.#outgoing.get(stream);
    switch (message.type) {
      case 'chunk':
        incoming?.pieces.push(message.data);
        return incoming?.wake();
      case 'streamEnded':
        if (incoming !== undefined) incoming.end = { error: message.error === null ? null : this.errors.revive(message.error) };
        return incoming?.wake();
      case 'streamTaken':
        if (outgoing !== undefined) outgoing.waitingBytes -= message.bytes;
        return outgoing?.wake();
      case 'streamCancelled':
        if (outgoing !== undefined) outgoing.isCancelled = true;
        return outgoing?.wake();
      default:
        return message satisfies never;
    }
  }

  /** The other thread is gone: readers get `error`, writers stop. */
  abandon(error: unknown): void {
    for (const incoming of this.#incoming.values()) {
      incoming.end ??= { error };
      incoming.wake();
    }
    for (const outgoing of this.#outgoing.values()) {
      outgoing.isCancelled = true;
      outgoing.wake();
    }
  }

  async *#read(stream: number, incoming: Incoming): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for (;;) {
        const piece = incoming.pieces.shift();
        if (piece !== undefined) {
          yield piece;
          this.post({ type: 'streamTaken', stream, bytes: piece.length });
        } else if (incoming.end !== null) {
          if (incoming.end.error !== null) throw incoming.end.error as Error; // whatever it was
          return;
        } else {
          await new Promise<void>((resolve) => (incoming.wake = resolve));
        }
      }
    } finally {
      this.#incoming.delete(stream);
      if (incoming.end === null) this.post({ type: 'streamCancelled', stream });
    }
  }
}
