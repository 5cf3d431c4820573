/** Bytes that arrive in pieces, as an async iterable for one reader. The writer watches `length` to bound it. */
export class ByteQueue implements AsyncIterable<Uint8Array> {
  private pieces: Uint8Array[] = [];
  private error: Error | null = null;
  private isEnded = false;
  private wake: () => void = () => undefined;
  private size = 0;

  /** @param onDrained the reader took everything that was there. */
  constructor(private readonly onDrained: () => void) {}

  /** Bytes that the reader has not taken. */
  get length(): number {
    return this.size;
  }

  /** Whether `end` or `fail` was called. */
  get hasEnded(): boolean {
    return this.isEnded || this.error !== null;
  }

  push(piece: Uint8Array): void {
    this.pieces.push(piece);
    this.size += piece.length;
    this.wake();
  }

  end(): void {
    this.isEnded = true;
    this.wake();
  }

  /** The reader gets the error in place of the rest. */
  fail(error: Error): void {
    this.error ??= error;
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.error !== null) throw this.error;
      const { pieces, isEnded } = this;
      this.pieces = [];
      this.size = 0;
      if (pieces.length > 0) {
        this.onDrained();
        yield* pieces;
      } else if (isEnded) {
        return;
      } else {
        await new Promise<void>((resolve) => (this.wake = resolve));
      }
    }
  }
}
