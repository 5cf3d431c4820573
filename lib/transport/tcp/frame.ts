/**
 * After the greeting, everything travels in frames:
 *
 *     length │ type │ body
 *       4    │  1   │ `length` bytes
 */
export const FRAME_HEADER_BYTES = 5;

/** `message` has a body, the others none. A `ping` is answered by a `pong`. */
export const FRAME_TYPE = Object.freeze({ message: 0, ping: 1, pong: 2 });

/** What is allocated for a frame before any of it has arrived; more follows as it does. */
const FIRST_ALLOCATION_BYTES = 64 << 10;

const NOTHING: Uint8Array = new Uint8Array(0);

/** Writes a frame's header into the first bytes of `target`. */
export function writeFrameHeader(target: Uint8Array, bodyBytes: number, type: number): void {
  target[0] = bodyBytes >>> 24;
  target[1] = bodyBytes >>> 16;
  target[2] = bodyBytes >>> 8;
  target[3] = bodyBytes;
  target[4] = type;
}

/** A frame without a body. */
export function emptyFrame(type: number): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES);
  writeFrameHeader(frame, 0, type);
  return frame;
}

/**
 * Cuts a stream of chunks into frames. A frame's length is checked before any of its body is kept, and
 * memory grows with what has arrived, not with what is announced.
 *
 *     reader.push(chunk);
 *     while (reader.next()) use(reader.type, reader.body);
 */
export class FrameReader {
  /** The frame that `next` has found. */
  type = 0;
  body: Uint8Array = NOTHING;
  /** Whether `body` has memory of its own, or is a view of a chunk. */
  isOwned = false;

  readonly #maxFrameBytes: number;
  #chunk: Uint8Array = NOTHING;
  #at = 0;
  /** The body that is being put together from several chunks; its length so far and in the end. */
  #partial: Uint8Array | null = null;
  #filled = 0;
  #length = 0;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Whether the stream stands inside a frame. */
  get isMidFrame(): boolean {
    return this.#partial !== null || this.#at < this.#chunk.length;
  }

  /** What is kept between two chunks: at most twice what has arrived of one frame, or 64 KiB; never more than a frame's bound. */
  get heldBytes(): number {
    return (this.#partial?.length ?? 0) + this.#chunk.length - this.#at;
  }

  /** Takes the next chunk. To be called only after `next` has said false. */
  push(chunk: Uint8Array): void {
    const rest = this.#chunk.length - this.#at;
    if (rest > 0) {
      const joined = new Uint8Array(rest + chunk.length); // a header was cut in two: at most four bytes are left
      joined.set(this.#chunk.subarray(this.#at));
      joined.set(chunk, rest);
      this.#chunk = joined;
    } else {
      this.#chunk = chunk;
    }
    this.#at = 0;
  }

  /**
   * Finds the next whole frame; false when more must arrive.
   * @throws {Error} when the frame is too long or of an unknown type; the stream can't be read any further.
   */
  next(): boolean {
    if (this.#partial === null) {
      const available = this.#chunk.length - this.#at - FRAME_HEADER_BYTES;
      if (available < 0) {
        if (this.#at > 0) this.#chunk = this.#chunk.slice(this.#at); // don't hold the chunk for the sake of four bytes
        this.#at = 0;
        return false;
      }
      this.#readHeader();
      if (available >= this.#length) {
        this.body = new Uint8Array(this.#chunk.buffer, this.#chunk.byteOffset + this.#at, this.#length);
        this.isOwned = false;
        this.#at += this.#length;
        return true;
      }
      this.#partial = new Uint8Array(Math.min(this.#length, FIRST_ALLOCATION_BYTES));
      this.#filled = 0;
    }
    return this.#fill(this.#partial);
  }

  #readHeader(): void {
    const { buffer, byteOffset } = this.#chunk;
    const view = new DataView(buffer, byteOffset + this.#at, FRAME_HEADER_BYTES);
    this.#length = view.getUint32(0);
    this.type = view.getUint8(4);
    this.#at += FRAME_HEADER_BYTES;
    if (this.type > FRAME_TYPE.pong) throw new Error(`frame of unknown type ${this.type}`);
    if (this.#length > this.#maxFrameBytes) throw new Error(`frame of ${this.#length} bytes; at most ${this.#maxFrameBytes}`);
    if (this.type !== FRAME_TYPE.message && this.#length > 0) throw new Error('ping with a body');
  }

  #fill(partial: Uint8Array): boolean {
    const taken = Math.min(this.#length - this.#filled, this.#chunk.length - this.#at);
    const filled = this.#filled + taken;
    if (filled > partial.length) {
      const grown = new Uint8Array(Math.min(this.#length, Math.max(filled, 2 * partial.length)));
      grown.set(partial.subarray(0, this.#filled));
      partial = grown;
    }
    partial.set(this.#chunk.subarray(this.#at, this.#at + taken), this.#filled);
    this.#at += taken;
    this.#filled = filled;
    if (this.#at === this.#chunk.length) {
      this.#chunk = NOTHING;
      this.#at = 0;
    }
    if (filled < this.#length) {
      this.#partial = partial;
      return false;
    }
    this.body = partial;
    this.isOwned = true;
    this.#partial = null;
    return true;
  }
}
