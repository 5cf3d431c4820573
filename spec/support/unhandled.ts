/** Collects what nobody handled while a test ran. Jest's own listeners are put aside meanwhile. */
export class UnhandledWatch {
  readonly errors: unknown[] = [];
  private readonly note = (error: unknown): void => {
    this.errors.push(error);
  };

  constructor() {
    process.on('unhandledRejection', this.note);
    process.on('uncaughtException', this.note);
  }

  /** Everything that was left unhandled until now. */
  async close(): Promise<unknown[]> {
    // Rejections are told after the microtasks of the turn in which they happened.
    for (let i = 0; i < 3; i += 1) await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', this.note);
    process.off('uncaughtException', this.note);
    return this.errors;
  }
}
