import { FRAME_HEADER_BYTES } from '../../transport/tcp/frame.js';

/**
 * Finds the frames' headers in a stream of bytes that follows the greeting, so that exactly they can be damaged.
 * A bit flipped in a payload could pass for another payload: nothing but TCP's own checksum protects it.
 */
export class FrameScanner {
  /** Bytes until the next header begins. */
  #skip = 0;
  /** What has come of the header that the last chunk cut. */
  #header: number[] = [];

  /** Where in the chunk the first byte of a header lies, of the first header that begins in it; null when none does. */
  scan(chunk: Uint8Array): number | null {
    let first: number | null = null;
    for (let at = 0; at < chunk.length; ) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, chunk.length - at);
        this.#skip -= passed;
        at += passed;
        continue;
      }
      if (this.#header.length === 0) first ??= at;
      this.#header.push(chunk[at] ?? 0);
      at += 1;
      if (this.#header.length < FRAME_HEADER_BYTES) continue;
      const [a = 0, b = 0, c = 0, d = 0] = this.#header;
      this.#skip = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
      this.#header = [];
    }
    return first;
  }
}
