import { takeWhile, tap, type Subscription } from 'rxjs';
import type { RaftMetrics } from '../../node/metrics/metrics.js';
import type { KvNode } from '../kv-node.js';

/**
 * Whether a node should get traffic. It is ready while it runs and knows a leader, once it has caught up:
 * applied what it knows to be committed, at least through the log that it started with (or what is left of
 * it, should a leader have truncated an unacknowledged end).
 */
export class Readiness {
  #startedThrough: number | null = null;
  #isCaughtUp = false;
  readonly #subscription: Subscription;

  constructor(readonly node: KvNode) {
    // No longer than it must: metrics that somebody follows are made anew each turn, a quarter of what a put costs a follower.
    this.#subscription = node.metrics
      .pipe(
        tap((metrics) => this.#observe(metrics)),
        takeWhile(() => !this.#isCaughtUp),
      )
      .subscribe({ error: () => undefined });
  }

  /** Why the node is not ready; null when it is. */
  get obstacle(): string | null {
    const { runningState, leaderId } = this.node.metrics.value;
    if (runningState !== 'running') return `the node is ${runningState}`;
    if (leaderId === null) return 'no leader is known';
    return this.#isCaughtUp ? null : 'the node is catching up with the log';
  }

  close(): void {
    this.#subscription.unsubscribe();
  }

  #observe({ runningState, leaderId, lastLog, committed, applied }: RaftMetrics): void {
    if (runningState !== 'running') return;
    this.#startedThrough ??= lastLog.index;
    if (this.#isCaughtUp || leaderId === null || committed.index === 0) return;
    this.#isCaughtUp = applied.index >= Math.max(committed.index, Math.min(this.#startedThrough, lastLog.index));
  }
}
