const FIRST_BYTES = 64 << 10;
/** A buffer that had to grow beyond this is not kept. */
const MOST_KEPT_BYTES = 8 << 20;

/**
 * Packs messages into one `ArrayBuffer` that is transferred, not copied: structured clones of single messages are ten times
 * slower. One buffer is filled again and again; what leaves is a copy of just the right size, which costs less
 * than to allocate and clear one that may grow.
 */
export class FrameWriter {
  #buffer = Buffer.from(new ArrayBuffer(FIRST_BYTES));
  #view = new DataView(this.#buffer.buffer);
  #at = 0;

  /** Packed since the last frame. */
  get bytes(): number {
    return this.#at;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#view.setUint8(this.#at, value);
    this.#at += 1;
  }

  number(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#at, value);
    this.#at += 8;
  }

  data(bytes: Uint8Array): void {
    this.#reserve(8 + bytes.length);
    this.#view.setFloat64(this.#at, bytes.length);
    this.#buffer.set(bytes, this.#at + 8);
    this.#at += 8 + bytes.length;
  }

  text(text: string): void {
    this.#reserve(8 + text.length * 3);
    const written = this.#buffer.write(text, this.#at + 8, 'utf8');
    this.#view.setFloat64(this.#at, written);
    this.#at += 8 + written;
  }

  /** What was packed since the last call, in a buffer of its own. */
  takeFrame(): ArrayBuffer {
    const frame = this.#buffer.buffer.slice(0, this.#at);
    this.#at = 0;
    if (this.#buffer.length > MOST_KEPT_BYTES) this.#grow(FIRST_BYTES);
    return frame;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes > this.#buffer.length) this.#grow(Math.max(this.#buffer.length * 2, this.#at + bytes));
  }

  #grow(length: number): void {
    const buffer = Buffer.from(new ArrayBuffer(length));
    buffer.set(this.#buffer.subarray(0, this.#at));
    this.#buffer = buffer;
    this.#view = new DataView(buffer.buffer);
  }
}

/** Reads back what a `FrameWriter` packed. */
export class FrameReader {
  readonly #buffer: Buffer;
  readonly #view: DataView;
  #at = 0;

  constructor(frame: ArrayBuffer) {
    this.#buffer = Buffer.from(frame);
    this.#view = new DataView(frame);
  }

  get hasMore(): boolean {
    return this.#at < this.#buffer.length;
  }

  byte(): number {
    return this.#view.getUint8(this.#at++);
  }

  number(): number {
    this.#at += 8;
    return this.#view.getFloat64(this.#at - 8);
  }

  /** A view: nobody writes to a frame that has arrived. Whoever keeps it keeps the whole frame. */
  data(): Uint8Array {
    const length = this.number();
    this.#at += length;
    return new Uint8Array(this.#buffer.buffer, this.#at - length, length);
  }

  text(): string {
    const length = this.number();
    this.#at += length;
    return this.#buffer.toString('utf8', this.#at - length, this.#at);
  }
}
