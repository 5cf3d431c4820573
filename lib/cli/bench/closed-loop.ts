import { monitorEventLoopDelay } from 'node:perf_hooks';
import { cpuMicros } from './cpu-time.js';
import { median } from './report.js';

export interface Rate {
  readonly perSecond: number;
  /** What a call cost in CPU time of its thread. */
  readonly cpuMicros: number;
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
  const cpuBefore = cpuMicros();
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: concurrency }, caller));
  const seconds = (performance.now() - startedAt) / 1000;
  const cpu = cpuMicros() - cpuBefore;
  delay.disable();
  return { perSecond: total / seconds, cpuMicros: cpu / total, loopDelayP99Ms: Math.max(0, delay.percentile(99) / 1e6 - 1) };
}

/** How often each contestant has its turn within one measurement. */
const ROUNDS = 8;

/**
 * Closed loops that are to be compared, in turn and in small portions, so that a machine that slows down slows all of them alike.
 * Each is warmed for two of them, and reported by the median of its portions.
 */
export async function inTurn<K extends string>(concurrency: number, total: number, contestants: Readonly<Record<K, () => Promise<unknown>>>): Promise<Record<K, Rate>> {
  const names = Object.keys(contestants) as K[];
  const portion = Math.ceil(total / ROUNDS);
  const rates = {} as Record<K, Rate[]>;
  for (const name of names) {
    rates[name] = [];
    await closedLoop(concurrency, 2 * portion, contestants[name]);
  }
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of names) {
      globalThis.gc?.();
      await closedLoop(concurrency, portion, contestants[name]); // it left the young generation small: collecting that is no part of what follows
      rates[name].push(await closedLoop(concurrency, portion, contestants[name]));
    }
  }
  return Object.fromEntries(names.map((name) => [name, medianRate(rates[name])])) as Record<K, Rate>;
}

export function medianRate(rates: readonly Rate[]): Rate {
  return {
    perSecond: median(rates.map((rate) => rate.perSecond)),
    cpuMicros: median(rates.map((rate) => rate.cpuMicros)),
    loopDelayP99Ms: median(rates.map((rate) => rate.loopDelayP99Ms)),
  };
}

/**
 * One promise per call, made and resolved through one queue that is drained in microtasks, and nothing else: what the
 * language asks for an awaited answer. No consensus on one thread can be faster than this.
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
