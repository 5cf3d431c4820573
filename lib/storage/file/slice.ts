/** How long work may hold the event loop before it lets others have a turn. */
const SLICE_MS = 4;

/** A turn at the event loop. */
export class Slice {
  #since = performance.now();

  isOver(): boolean {
    return performance.now() - this.#since > SLICE_MS;
  }

  async rest(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#since = performance.now();
  }
}
