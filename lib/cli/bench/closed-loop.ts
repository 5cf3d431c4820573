import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface Rate {
  readonly perSecond: number;
  /** How long the event loop was held at the 99th percentile. */
  readonly loopDelayP99Ms: number;
}

/** Runs `concurrency` callers, each awaiting its call before the next, until `total` calls are done. */
export async function closedLoop(concurrency: number, total: number, call: () => Promise<unknown>): Promise<Rate> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let left = total;
  const caller = async (): Promise<void> => {
    while (left-- > 0) await call();
  };
  delay.enable();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: concurrency }, caller));
  const seconds = (performance.now() - startedAt) / 1000;
  delay.disable();
  return { perSecond: total / seconds, loopDelayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - 1) };
}

/**
 * The ceiling: one promise per call, made and resolved through one queue that is drained in microtasks, and
 * nothing else. No consensus on one thread can be faster than this.
 */
export function promiseLoop(): () => Promise<unknown> {
  let queue: ((result: unknown) => void)[] = [];
  let isScheduled = false;
  let index = 0;
  const drain = (): void => {
    const taken = queue;
    queue = [];
    isScheduled = false;
    for (const resolve of taken) resolve({ index: (index += 1), term: 1, value: undefined });
  };
  return () =>
    new Promise((resolve) => {
      queue.push(resolve);
      if (isScheduled) return;
      isScheduled = true;
      queueMicrotask(drain);
    });
}
