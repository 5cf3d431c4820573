const ARENA_BYTES = 2 * 1024 * 1024;

/**
 * Memory that one commit after the other packs its blocks into. New memory for each costs more than the packing:
 * zeroing, page faults and collecting it (measured at 256 × 256 B: a third of the append).
 */
export class Arena {
  readonly #buffer = new ArrayBuffer(ARENA_BYTES);
  #used = 0;

  /** Everything that was taken may be overwritten from now on. */
  reset(): void {
    this.#used = 0;
  }

  /** `length` bytes from a word on, of whatever content; from elsewhere when the arena is full. */
  take(length: number): Uint8Array {
    const start = this.#used;
    if (start + length > ARENA_BYTES) return new Uint8Array(length);
    this.#used = (start + length + 7) & ~7;
    return new Uint8Array(this.#buffer, start, length);
  }
}
