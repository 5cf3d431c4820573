import { createHistogram } from 'node:perf_hooks';

const LONGEST_MICROS = 60_000_000;

/** In milliseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
}

/** How long calls took: bounded memory however many there are, three significant digits, from a microsecond to a minute. */
export class Latencies {
  readonly #micros = createHistogram({ lowest: 1, highest: LONGEST_MICROS, figures: 3 });

  add(ms: number): void {
    this.#micros.record(Math.min(LONGEST_MICROS, Math.max(1, Math.round(ms * 1000))));
  }

  get summary(): LatencySummary {
    const at = (percent: number): number => this.#micros.percentile(percent) / 1000;
    return { count: this.#micros.count, p50Ms: at(50), p99Ms: at(99), p999Ms: at(99.9), maxMs: at(100) };
  }
}
