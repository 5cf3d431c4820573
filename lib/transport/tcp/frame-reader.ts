import { CHECKED_FROM, checksum, COMPLEMENT_AT, FRAME_HEADER_BYTES, FRAME_TYPE, LENGTH_AT, TYPE_AT } from './frame.js';

/** What is allocated for a frame before any of it has arrived; more follows as it does. */
const FIRST_ALLOCATION_BYTES = 64 << 10;

const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * Cuts a stream of chunks into frames. A frame's length is checked before any of its body is kept, and
 * memory grows with what has arrived, not with what is announced. The checksum is taken of each chunk as it comes,
 * and held against the frame's before anything else is made of it: but for a length beyond the bound, whose frame is not
 * waited for, any other complaint is about what was sent.
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
  /** What the header says. */
  #checksum = 0;
  #length = 0;
  /** The body that is being put together from several chunks; its length so far, and the checksum up to there. */
  #partial: Uint8Array | null = null;
  #filled = 0;
  #sum = 0;

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
      const joined = new Uint8Array(rest + chunk.length); // a header was cut in two: less than one is left
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
   * @throws {Error} when the frame is damaged, too long or of an unknown type; the stream can't be read any further.
   */
  next(): boolean {
    if (this.#partial === null) {
      const available = this.#chunk.length - this.#at - FRAME_HEADER_BYTES;
      if (available < 0) {
        if (this.#at > 0) this.#chunk = this.#chunk.slice(this.#at); // don't hold the chunk for the sake of a few bytes
        this.#at = 0;
        return false;
      }
      this.#readHeader();
      const checked = this.#at + CHECKED_FROM;
      this.#at += FRAME_HEADER_BYTES;
      if (available >= this.#length) {
        const start = this.#at;
        this.#at += this.#length;
        this.#check(checksum(this.#view(checked, this.#at), 0));
        this.body = this.#view(start, this.#at);
        this.isOwned = false;
        return true;
      }
      this.#sum = checksum(this.#view(checked, this.#at), 0);
      this.#partial = new Uint8Array(Math.min(this.#length, FIRST_ALLOCATION_BYTES));
      this.#filled = 0;
    }
    return this.#fill(this.#partial);
  }

  #readHeader(): void {
    const { buffer, byteOffset } = this.#chunk;
    const header = new DataView(buffer, byteOffset + this.#at, FRAME_HEADER_BYTES);
    this.#checksum = header.getUint32(0);
    this.#length = header.getUint32(LENGTH_AT);
    this.type = header.getUint8(TYPE_AT);
    if ((this.#length ^ header.getUint32(COMPLEMENT_AT)) !== -1) throw new Error('damaged on the way: the checksum of a frame header does not match');
    if (this.#length > this.#maxFrameBytes) throw new Error(`frame of ${this.#length} bytes; at most ${this.#maxFrameBytes}`);
  }

  /** Holds a frame that has arrived whole against its checksum, then against the rules. */
  #check(sum: number): void {
    if (sum !== this.#checksum) throw new Error(`damaged on the way: the checksum of a frame of ${this.#length} bytes does not match`);
    if (this.type > FRAME_TYPE.pong) throw new Error(`frame of unknown type ${this.type}`);
    if (this.type !== FRAME_TYPE.message && this.#length > 0) throw new Error('ping with a body');
  }

  #fill(partial: Uint8Array): boolean {
    const fresh = this.#view(this.#at, Math.min(this.#at + this.#length - this.#filled, this.#chunk.length));
    const filled = this.#filled + fresh.length;
    if (filled > partial.length) {
      const grown = new Uint8Array(Math.min(this.#length, Math.max(filled, 2 * partial.length)));
      grown.set(partial.subarray(0, this.#filled));
      partial = grown;
    }
    partial.set(fresh, this.#filled);
    this.#sum = checksum(fresh, this.#sum);
    this.#at += fresh.length;
    this.#filled = filled;
    if (this.#at === this.#chunk.length) {
      this.#chunk = NOTHING;
      this.#at = 0;
    }
    if (filled < this.#length) {
      this.#partial = partial;
      return false;
    }
    this.#partial = null;
    this.#check(this.#sum);
    this.body = partial;
    this.isOwned = true;
    return true;
  }

  /** Of the chunk, and a `Uint8Array` proper rather than a `Buffer`. */
  #view(from: number, to: number): Uint8Array {
    return new Uint8Array(this.#chunk.buffer, this.#chunk.byteOffset + from, to - from);
  }
}
