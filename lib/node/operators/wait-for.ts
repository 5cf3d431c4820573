import { filter, firstValueFrom, merge, NEVER, Observable, take, throwError, throwIfEmpty, timer, mergeMap } from 'rxjs';
import type { CallSignal } from '../../ports/call-signal.js';
import { ConfigError, StoppedError, TimeoutError } from '../../ports/errors.js';
import type { RaftMetrics } from '../metrics/metrics.js';
import type { ObservedNode } from './observed-node.js';

export interface WaitOptions {
  /** How long to wait, at most; 0 to 2 147 483 647 ms. Default: for ever. */
  readonly timeoutMs?: number;
  readonly signal?: CallSignal;
}

/** The longest time that a timer can be set to. */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * Waits until the node's metrics satisfy the predicate, and gives them; at once when they do already. The
 * predicate sees the state once a turn. Whatever ends the wait frees all that it held.
 *
 * @throws {TimeoutError} (as do the others, by rejection) when `timeoutMs` passed.
 * @throws the signal's reason when it is aborted, also when it was before.
 * @throws {StoppedError} when the node stopped first; the node's own fault when it failed first.
 * @throws what the predicate throws.
 * @throws {ConfigError} when `timeoutMs` is out of range.
 *
 * @example
 * await waitFor(node, ({ leaderId }) => leaderId !== null, { timeoutMs: 5000 });
 */
export function waitFor(node: Pick<ObservedNode, 'metrics'>, predicate: (metrics: RaftMetrics) => boolean, options: WaitOptions = {}): Promise<RaftMetrics> {
  const { timeoutMs, signal } = options;
  const satisfied = node.metrics.pipe(
    filter((metrics) => predicate(metrics)),
    take(1),
    throwIfEmpty(() => new StoppedError(node.metrics.value.runningState)),
  );
  return firstValueFrom(merge(aborted(signal), satisfied, timedOut(timeoutMs)).pipe(take(1)));
}

/** Errors with the signal's reason, now or when it is aborted. */
function aborted(signal: CallSignal | undefined): Observable<never> {
  if (signal === undefined) return NEVER;
  return new Observable((subscriber) => {
    const abort = () => subscriber.error(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort);
    return () => signal.removeEventListener('abort', abort);
  });
}

function timedOut(timeoutMs: number | undefined): Observable<never> {
  if (timeoutMs === undefined) return NEVER;
  if (!(timeoutMs >= 0 && timeoutMs <= MAX_TIMER_MS)) {
    return throwError(() => new ConfigError([{ option: 'timeoutMs', value: timeoutMs, allowed: `0 to ${MAX_TIMER_MS}` }]));
  }
  return timer(timeoutMs).pipe(mergeMap(() => throwError(() => new TimeoutError('waitFor', timeoutMs))));
}
