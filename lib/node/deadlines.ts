import type { Clock } from '../ports/clock.js';

/** Something that waits no longer than `deadline` (monotonic ms). */
export interface Expiring {
  readonly deadline: number;
}

/**
 * One timer for any number of waits: a timer per proposal would cost more than the proposal. The owner keeps
 * the waits; this calls `expire` when the earliest deadline it was told of is due, and `expire` answers with
 * the next one (Infinity for none).
 */
export class Deadlines {
  private dueAt = Infinity;
  private cancel: () => void = () => undefined;

  constructor(
    private readonly clock: Clock,
    private readonly expire: (now: number) => number,
  ) {}

  /** Something now waits until `deadline`. */
  watch(deadline: number): void {
    if (deadline >= this.dueAt) return;
    this.cancel();
    this.dueAt = deadline;
    this.cancel = this.clock.schedule(deadline - this.clock.now(), () => {
      this.dueAt = Infinity;
      this.watch(this.expire(this.clock.now()));
    });
  }

  close(): void {
    this.cancel();
    this.dueAt = -Infinity;
  }
}
