/** Reads a stream of chunks field by field, then hands on the rest of it. */
export class ByteReader {
  private readonly source: AsyncIterator<Uint8Array>;
  private buffer: Uint8Array = new Uint8Array(0);
  private view = new DataView(this.buffer.buffer);
  private at = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.source = chunks[Symbol.asyncIterator]();
  }

  /** Makes sure that `length` bytes can be read; costs no promise of the source's when they are here already. @throws {Error} when the stream ends before. */
  async need(length: number): Promise<void> {
    const parts = [this.buffer.subarray(this.at)];
    let available = this.buffer.length - this.at;
    if (available >= length) return;
    while (available < length) {
      const next = await this.source.next();
      if (next.done === true) throw new Error('the snapshot is cut short');
      parts.push(next.value);
      available += next.value.length;
    }
    this.hold(parts, available);
  }

  u32(): number {
    this.at += 4;
    return this.view.getUint32(this.at - 4);
  }

  /** A whole number from 0; float64 is exact up to 2^53. @throws {Error} when it is none. */
  count(): number {
    const value = this.f64();
    if (!Number.isSafeInteger(value) || value < 0) throw new Error('a number of the snapshot is out of range');
    return value;
  }

  f64(): number {
    this.at += 8;
    return this.view.getFloat64(this.at - 8);
  }

  /** Bytes of the caller's own. */
  bytes(length: number): Uint8Array {
    this.at += length;
    return this.buffer.slice(this.at - length, this.at);
  }

  /** What was not read, to the end of the stream. */
  async *rest(): AsyncGenerator<Uint8Array> {
    if (this.at < this.buffer.length) yield this.buffer.subarray(this.at);
    for (let next = await this.source.next(); next.done !== true; next = await this.source.next()) yield next.value;
  }

  /** Lets go of the stream. */
  async close(): Promise<void> {
    await this.source.return?.();
  }

  private hold(parts: readonly Uint8Array[], length: number): void {
    const buffer = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      buffer.set(part, at);
      at += part.length;
    }
    this.buffer = buffer;
    this.view = new DataView(buffer.buffer);
    this.at = 0;
  }
}
