/** One line of the report. `budget` is the least that the design allows, or the most where `isCeiling`. */
export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly budget?: number;
  readonly isCeiling?: boolean;
}

/** A line chart: one drawing, of one or more series of points (x, y). */
export interface Curve {
  readonly id: string;
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly xScale: 'linear' | 'log';
  readonly yScale: 'linear' | 'log';
  readonly series: readonly { readonly name: string; readonly points: readonly (readonly [number, number])[] }[];
}

/** What one part of the suite found; notes are sentences that a reader of its figures must know. */
export interface Report {
  readonly rows: readonly Row[];
  readonly curves: readonly Curve[];
  readonly notes: readonly string[];
}

/** Whether a row keeps its budget; null when it has none. */
export function isMet({ value, budget, isCeiling }: Row): boolean | null {
  if (budget === undefined) return null;
  return isCeiling === true ? value <= budget : value >= budget;
}

/** The middle of what was measured; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}
