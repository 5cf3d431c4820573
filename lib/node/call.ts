import type { CallSignal } from '../ports/call-signal.js';

/**
 * One `propose` or `read`: it is settled once, by its result, an error, its deadline or its
 * signal, whichever comes first. What comes later is dropped.
 */
export class Call<T> {
  /** Monotonic ms. */
  readonly deadline: number;
  isDone = false;
  /** Came from another node: it is answered or refused here, never handed on. */
  isRemote = false;
  private made: Promise<T> | null = null;
  private resolvePromise!: (value: T) => void; // set when the promise is made
  private rejectPromise!: (error: unknown) => void; // likewise
  private stopListening: (() => void) | null = null;
  private release: (() => void) | null = null;

  constructor(
    readonly startedAt: number,
    readonly timeoutMs: number,
  ) {
    this.deadline = startedAt + timeoutMs;
  }

  /** Made when it is asked for: a call whose outcome goes another way needs none. */
  get promise(): Promise<T> {
    this.made ??= new Promise((resolve, reject) => {
      this.resolvePromise = resolve;
      this.rejectPromise = reject;
    });
    return this.made;
  }

  /** Calls back if the signal aborts before the call is settled. */
  watch(signal: CallSignal, onAbort: () => void): void {
    signal.addEventListener('abort', onAbort, { once: true });
    this.stopListening = () => signal.removeEventListener('abort', onAbort);
  }

  /** Calls back once the call is settled, however it was: whoever keeps it may let it go. The last one told counts. */
  whenDone(release: () => void): void {
    this.release = release;
  }

  resolve(value: T): void {
    if (this.isDone) return;
    this.finish();
    if (this.made === null) this.made = Promise.resolve(value);
    else this.resolvePromise(value);
  }

  reject(error: unknown): void {
    if (this.isDone) return;
    this.finish();
    if (this.made === null) this.made = Promise.reject(error as Error);
    else this.rejectPromise(error);
  }

  protected finish(): void {
    this.isDone = true;
    this.stopListening?.();
    this.stopListening = null;
    this.release?.();
    this.release = null;
  }
}
