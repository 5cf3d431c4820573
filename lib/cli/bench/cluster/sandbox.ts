import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Guard } from '../../chaos/guard.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const PATIENCE_MS = 60_000;

/** A directory and the processes in it, which are gone when the measurements are over, whichever way they end. */
export class Sandbox {
  readonly directory: string;
  readonly #guard = new Guard();
  readonly #killers: (() => void)[] = [];
  readonly #ended = new AbortController();
  /** Held, because `AbortSignal.any` does not keep its sources alive in Node.js 20: a timeout that is collected never comes. */
  readonly #timeouts: AbortSignal[] = [];
  readonly #remove = (): void => {
    for (const kill of this.#killers) kill();
    // A process that was killed may still write for a moment.
    rmSync(this.directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  };
  readonly #interrupt = (signal: NodeJS.Signals): void => this.#ended.abort(new Error(`interrupted by ${signal}`));

  constructor(parent: string) {
    mkdirSync(parent, { recursive: true });
    this.directory = mkdtempSync(join(parent, 'cluster-'));
    process.on('exit', this.#remove);
    for (const signal of SIGNALS) process.on(signal, this.#interrupt);
  }

  /** Aborted when the measurements are over, or a signal ended them. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** For what should take a moment: aborted when it takes a minute, or the measurements are over. */
  patience(): AbortSignal {
    const timeout = AbortSignal.timeout(PATIENCE_MS);
    this.#timeouts.push(timeout);
    return AbortSignal.any([this.#ended.signal, timeout]);
  }

  /** `kill` ends a process at once, or does nothing when it has ended; the guard does it should this process be killed itself. */
  watch(pid: number | null, kill: () => void): void {
    this.#killers.push(kill);
    if (pid !== null) this.#guard.watch(pid);
  }

  /** The process is gone: its number may become another's. */
  forget(pid: number | null): void {
    if (pid !== null) this.#guard.forget(pid);
  }

  async close(): Promise<void> {
    process.off('exit', this.#remove);
    for (const signal of SIGNALS) process.off(signal, this.#interrupt);
    this.#ended.abort(new Error('the measurements are over'));
    this.#remove();
    await this.#guard.close();
  }
}
