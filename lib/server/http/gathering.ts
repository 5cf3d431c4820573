/**
 * Lets all that arrives in one pass of the event loop go on together, at the end of the pass: the node then takes one turn for
 * it, with one write and one message to each peer, where every socket that is read would bring about a turn of its own.
 * Nothing waits for more to come.
 */
export class Gathering {
  #next: Promise<void> | null = null;

  /** Resolves once everything that is readable now was read. */
  end(): Promise<void> {
    this.#next ??= new Promise((resolve) =>
      setImmediate(() => {
        this.#next = null;
        resolve();
      }),
    );
    return this.#next;
  }
}
