/** Time as the node sees it. The only source of time in the shell, so that simulations can supply their own. */
export interface Clock {
  /** Monotonic milliseconds, with fractions. */
  now(): number;
  /** Milliseconds since 1970. */
  wallTime(): number;
  /** Calls back once, `delayMs` from now at the earliest. Returns a function that cancels. */
  schedule(delayMs: number, callback: () => void): () => void;
  /** Calls back once, after pending I/O had its chance: how a busy node lets go of the thread. */
  yield(callback: () => void): void;
}
