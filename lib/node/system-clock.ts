import type { Clock } from '../ports/clock.js';

/** The machine's own clock. A timer longer than `setTimeout` takes fires early, which every user of a clock allows for. */
export const systemClock: Clock = Object.freeze({
  now: () => performance.now(),
  wallTime: () => Date.now(),
  schedule(delayMs: number, callback: () => void) {
    const timer = setTimeout(callback, Math.min(Math.max(0, Math.ceil(delayMs)), 0x7fffffff));
    return () => clearTimeout(timer);
  },
  yield: (callback: () => void) => void setImmediate(callback),
});
