import type { Rate } from './closed-loop.js';

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

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? NaN)) / 2;
}

/** The rows of one in-process measurement with its ceiling. */
export function rowsOf(what: string, results: readonly { readonly cluster: Rate; readonly ceiling: Rate }[], budget: number): Row[] {
  return [
    { what, value: median(results.map((r) => r.cluster.perSecond)), unit: 'proposals/s', budget },
    { what: '  / promises through one queue, nothing else', value: median(results.map((r) => r.cluster.perSecond / r.ceiling.perSecond)), unit: '×', budget: 0.5 },
    { what: '  event-loop delay p99', value: median(results.map((r) => r.cluster.loopDelayP99Ms)), unit: 'ms', budget: 10, isCeiling: true },
  ];
}

/** A table for a terminal. */
export function table(rows: readonly Row[]): string {
  const width = Math.max(...rows.map((row) => row.what.length));
  const lines = rows.map((row) => {
    const value = `${format(row.value)} ${row.unit}`.padEnd(24);
    return `${row.what.padEnd(width)}  ${value}${row.budget === undefined ? '' : verdict(row, row.budget)}`.trimEnd();
  });
  return lines.join('\n');
}

function verdict(row: Row, budget: number): string {
  const isMet = row.isCeiling === true ? row.value <= budget : row.value >= budget;
  return `budget ${row.isCeiling === true ? '≤' : '≥'} ${format(budget)}  ${isMet ? 'met' : 'MISSED'}`;
}

function format(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en-US').replaceAll(',', ' ') : value.toFixed(value >= 10 ? 1 : 2);
}
