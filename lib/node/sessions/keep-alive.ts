import type { Clock } from '../../ports/clock.js';
import type { Limits } from './limits.js';

export interface KeepAliveParts {
  readonly clock: Clock;
  readonly sessionTimeoutMs: number;
  /** Proposes one; rejects when it can't be had within its limits. */
  readonly send: (limits: Limits) => Promise<void>;
}

/** After one that failed, the next follows so much later. */
const PAUSE_MS = 1_000;

/** Sees to it that a session is never idle for more than about a third of its time; a busy one needs nothing. One timer, or one proposal, at a time. */
export class KeepAlive {
  private activeAt: number;
  private cancelTimer: () => void = () => undefined;
  private readonly stopped = new AbortController();

  constructor(private readonly parts: KeepAliveParts) {
    this.activeAt = parts.clock.now();
    this.arm(this.third);
  }

  /** A command that was made at this time (monotonic ms) was applied. */
  noteActive(at: number): void {
    if (at > this.activeAt) this.activeAt = at;
  }

  /** For good. */
  stop(): void {
    this.cancelTimer();
    this.stopped.abort();
  }

  private get third(): number {
    return Math.max(1, Math.floor(this.parts.sessionTimeoutMs / 3));
  }

  private arm(delayMs: number): void {
    if (this.stopped.signal.aborted) return;
    this.cancelTimer = this.parts.clock.schedule(delayMs, () => {
      const remainingMs = this.third - (this.parts.clock.now() - this.activeAt);
      if (remainingMs >= 1) this.arm(remainingMs); // less is rounding
      else this.send();
    });
  }

  private send(): void {
    const { clock, send } = this.parts;
    const startedAt = clock.now();
    send({ deadline: startedAt + this.third, timeoutMs: this.third, signal: this.stopped.signal }).then(
      () => {
        this.noteActive(startedAt);
        this.arm(this.third - (clock.now() - startedAt));
      },
      () => this.arm(Math.min(this.third, PAUSE_MS)), // whoever proposes next learns why
    );
  }
}
