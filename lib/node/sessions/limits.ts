import type { CallSignal } from '../../ports/call-signal.js';
import type { Clock } from '../../ports/clock.js';
import { ConfigError, TimeoutError } from '../../ports/errors.js';
import type { CallOptions } from '../raft-node.js';

/** How long a call may go on, through all that it is made of. */
export interface Limits {
  /** Monotonic ms of the call's clock. */
  readonly deadline: number;
  readonly timeoutMs: number;
  readonly signal: CallSignal | undefined;
}

/**
 * A call's limits, from now.
 * @throws {ConfigError} when `timeoutMs` is no time. @throws the signal's reason when it is aborted already.
 */
export function limitsFrom({ signal, timeoutMs }: CallOptions, defaultMs: number, clock: Clock): Limits {
  if (timeoutMs !== undefined && !(timeoutMs > 0)) throw new ConfigError([{ option: 'timeoutMs', value: timeoutMs, allowed: 'a number above 0' }]);
  signal?.throwIfAborted();
  const limit = timeoutMs ?? defaultMs;
  return { deadline: clock.now() + limit, timeoutMs: limit, signal };
}

/**
 * Waits for something that goes on by itself, within limits; lets go of timer and signal however it ends.
 * @throws {TimeoutError} at the deadline. @throws the signal's reason when it is aborted.
 */
export function within<T>(work: Promise<T>, { deadline, timeoutMs, signal }: Limits, clock: Clock, operation: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => settle(() => reject(signal?.reason as Error));
    const cancelTimer = clock.schedule(deadline - clock.now(), () => settle(() => reject(new TimeoutError(operation, timeoutMs))));
    const settle = (how: () => void): void => {
      cancelTimer();
      signal?.removeEventListener('abort', abort);
      how();
    };
    if (signal?.aborted === true) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    work.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error as Error)),
    );
  });
}
