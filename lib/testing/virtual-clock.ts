import type { Clock } from '../ports/clock.js';
import { TaskHeap, type Task } from './simulation/task-heap.js';

export interface VirtualClockOptions {
  /** What `wallTime` says at 0. Default: the first of January 2026, UTC. */
  readonly wallTimeAtStart?: number;
  /** Callbacks fall due on multiples of this alone, so that several share an instant. Default 0: whenever they are due. */
  readonly granularityMs?: number;
}

const FIRST_OF_JANUARY_2026 = 1_767_225_600_000;

/**
 * Time that moves only when it is told to. What is due at the same instant runs in the order in which it was
 * scheduled, so that a run depends on nothing but its calls.
 *
 * @example
 * const clock = new VirtualClock();
 * const node = createRaftNode({ …, clock });
 * await clock.advance(1000); // a second of the node's life, in no time
 */
export class VirtualClock implements Clock {
  readonly #tasks = new TaskHeap();
  readonly #wallTimeAtStart: number;
  readonly #granularityMs: number;
  #now = 0;
  #order = 0;

  constructor(options: VirtualClockOptions = {}) {
    this.#wallTimeAtStart = options.wallTimeAtStart ?? FIRST_OF_JANUARY_2026;
    this.#granularityMs = options.granularityMs ?? 0;
  }

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return this.#wallTimeAtStart + this.#now;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const dueAt = this.#now + Math.max(0, delayMs);
    const granularity = this.#granularityMs;
    return this.#add(granularity === 0 ? dueAt : Math.ceil(dueAt / granularity) * granularity, callback);
  }

  /** Calls back at this very instant, after everything that is due at it already. */
  yield(callback: () => void): void {
    this.#add(this.#now, callback);
  }

  /** When the next callback is due; Infinity when none is. */
  get nextAt(): number {
    return this.#tasks.first?.dueAt ?? Infinity;
  }

  /** Moves to the next callback and runs it; false when there is none. What it promises happens only once the caller lets microtasks run. */
  runNext(): boolean {
    const task = this.#tasks.takeFirst();
    if (task === null) return false;
    this.#now = Math.max(this.#now, task.dueAt);
    task.callback();
    return true;
  }

  /** Lets `ms` pass: runs everything that falls due, and after each callback whatever was promised. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settled();
    while (this.nextAt <= end) {
      this.runNext();
      await settled();
    }
    this.#now = end;
  }

  #add(dueAt: number, callback: () => void): () => void {
    const task: Task = { dueAt, order: this.#order++, callback, isCancelled: false };
    this.#tasks.add(task);
    return () => {
      task.isCancelled = true;
    };
  }
}

/** Resolves once every promise that can be settled without time or I/O is settled. */
export function settled(): Promise<void> {
  // An immediate runs after all microtasks, those that microtasks queue included.
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
