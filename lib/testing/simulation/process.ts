/**
 * One run of a program: whatever wants to run in it comes through `run`. While it is paused that waits (timers
 * fire late, messages and disk completions lie in the kernel); when it is killed nothing runs any more.
 */
export class Process {
  #isAlive = true;
  #backlog: (() => void)[] | null = null;

  get isAlive(): boolean {
    return this.#isAlive;
  }

  get isPaused(): boolean {
    return this.#backlog !== null;
  }

  run(callback: () => void): void {
    if (!this.#isAlive) return;
    if (this.#backlog !== null) this.#backlog.push(callback);
    else callback();
  }

  pause(): void {
    if (this.#isAlive) this.#backlog ??= [];
  }

  /** Goes on; returns what waited, in order, to be run by the caller. */
  resume(): readonly (() => void)[] {
    const backlog = this.#backlog ?? [];
    this.#backlog = null;
    return backlog;
  }

  kill(): void {
    this.#isAlive = false;
    this.#backlog = null;
  }

  /** The promise, as the process sees it. */
  promise<T>(outside: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      outside.then(
        (value) => this.run(() => resolve(value)),
        (error: unknown) => this.run(() => reject(error as Error)),
      );
    });
  }
}
