import type { Clock } from '../../lib/ports/clock.js';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Everything that only waits for promises is done once an immediate runs. */
const microtasksDone = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Time that passes only when a test says so. Timers fire in order of their time, with every promise settled in between. */
export class ManualClock implements Clock {
  private nowMs = 1_000;
  private order = 0;
  private timers: Timer[] = [];
  private pendingYields = 0;

  now(): number {
    return this.nowMs;
  }

  wallTime(): number {
    return 1_700_000_000_000 + this.nowMs;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const timer: Timer = { at: this.nowMs + Math.max(0, delayMs), order: this.order++, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  yield(callback: () => void): void {
    this.pendingYields += 1;
    setImmediate(() => {
      this.pendingYields -= 1;
      callback();
    });
  }

  /** How many timers wait: what a node has not cancelled. */
  get pendingTimers(): number {
    return this.timers.length;
  }

  /** Lets everything happen that needs no time. */
  async settle(): Promise<void> {
    do await microtasksDone();
    while (this.pendingYields > 0);
  }

  /** Lets `ms` pass. */
  async advance(ms: number): Promise<void> {
    const until = this.nowMs + ms;
    await this.settle();
    for (let next = this.nextDue(until); next !== null; next = this.nextDue(until)) {
      this.nowMs = Math.max(this.nowMs, next.at);
      this.timers = this.timers.filter((other) => other !== next);
      next.callback();
      await this.settle();
    }
    this.nowMs = Math.max(this.nowMs, until);
  }

  /** Time passes while somebody holds the thread: nothing fires meanwhile. */
  block(ms: number): void {
    this.nowMs += ms;
  }

  private nextDue(until: number): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.timers) {
      if (timer.at <= until && (next === null || timer.at < next.at || (timer.at === next.at && timer.order < next.order))) next = timer;
    }
    return next;
  }
}

/** One process's view of a clock: once it is dead, nothing calls back any more. */
export class ProcessClock implements Clock {
  private isDead = false;
  /** What fell due while the process did not run; null while it runs. */
  private missed: (() => void)[] | null = null;

  constructor(private readonly clock: ManualClock) {}

  kill(): void {
    this.isDead = true;
  }

  /** The process does not get the thread: no timer fires. Returns what lets it go on: everything missed, at once. */
  pause(): () => void {
    const missed: (() => void)[] = [];
    this.missed = missed;
    return () => {
      this.missed = null;
      for (const callback of missed) callback();
    };
  }

  now(): number {
    return this.clock.now();
  }

  wallTime(): number {
    return this.clock.wallTime();
  }

  schedule(delayMs: number, callback: () => void): () => void {
    return this.clock.schedule(delayMs, () => this.ifAlive(callback));
  }

  yield(callback: () => void): void {
    this.clock.yield(() => this.ifAlive(callback));
  }

  private ifAlive(callback: () => void): void {
    if (this.isDead) return;
    if (this.missed !== null) this.missed.push(callback);
    else callback();
  }
}
