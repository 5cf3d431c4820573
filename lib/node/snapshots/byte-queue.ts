/** Bytes that arrive in pieces, as an async iterable for one reader. Bounded by its writer, which is acknowledged per piece. */
export class ByteQueue implements AsyncIterable<Uint8Array> {
  private pieces: Uint8Array[] = [];
  private state: 'open' | 'ended' | Error = 'open';
  private wake: () => void = () => undefined;

  get hasEnded(): boolean {
    return this.state !== 'open';
  }

  push(piece: Uint8Array): void {
    this.pieces.push(piece);
    this.wake();
  }

  end(): void {
    if (this.state === 'open') this.state = 'ended';
    this.wake();
  }

  /** The reader gets the error in place of the rest. */
  fail(error: Error): void {
    if (this.state === 'open') this.state = error;
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.state instanceof Error) throw this.state;
      const pieces = this.pieces;
      this.pieces = [];
      yield* pieces;
      if (pieces.length > 0) continue;
      if (this.hasEnded) {
        if (this.state instanceof Error) throw this.state;
        return;
      }
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
