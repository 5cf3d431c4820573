/** Upper bounds of all but the last bucket, in milliseconds. */
const BOUNDS = [250, 500, 1000, 2000, 4000, 8000, 16_000];
const BAR_WIDTH = 30;

/** In whole milliseconds. */
export interface Summary {
  readonly count: number;
  readonly minMs: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

/** How long things took: kept in full, since they are few. */
export class Histogram {
  readonly #values: number[] = [];

  add(ms: number): void {
    this.#values.push(ms);
  }

  get count(): number {
    return this.#values.length;
  }

  /** The value that this share of all values does not exceed; null when there is none. */
  quantile(share: number): number | null {
    const sorted = this.#values.toSorted((a, b) => a - b);
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
  }

  /** Null when there is no value. */
  get summary(): Summary | null {
    if (this.#values.length === 0) return null;
    const at = (share: number): number => Math.round(this.quantile(share) ?? 0);
    return { count: this.count, minMs: at(0), medianMs: at(0.5), p95Ms: at(0.95), maxMs: at(1) };
  }

  get buckets(): readonly { readonly label: string; readonly count: number }[] {
    return [...BOUNDS, Infinity].map((bound, i, bounds) => {
      const above = bounds[i - 1] ?? -Infinity;
      const label = bound === Infinity ? `> ${text(above)}` : `≤ ${text(bound)}`;
      return { label, count: this.#values.filter((value) => value > above && value <= bound).length };
    });
  }

  /** A line for each bucket up to the last one that is not empty. */
  get lines(): readonly string[] {
    const { buckets } = this;
    const last = buckets.findLastIndex(({ count }) => count > 0);
    const most = Math.max(1, ...buckets.map(({ count }) => count));
    return buckets.slice(0, last + 1).map(({ label, count }) => `${label.padStart(9)}  ${'█'.repeat(Math.ceil((count / most) * BAR_WIDTH)).padEnd(BAR_WIDTH)}  ${count}`);
  }
}

function text(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${ms / 1000} s`;
}
