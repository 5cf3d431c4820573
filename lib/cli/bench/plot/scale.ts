/** One axis: what it spans, where it is marked, and where a value stands on it. */
export interface Scale {
  readonly ticks: readonly number[];
  /** From 0, the axis' beginning, to 1, its end. */
  readonly at: (value: number) => number;
  /** Whether the axis has a place for a value: one of powers has none for 0 and below. */
  readonly has: (value: number) => boolean;
}

/** An axis that holds all of `values` that it has a place for, and begins and ends at round numbers. */
export function scaleFor(kind: 'linear' | 'log', values: readonly number[]): Scale {
  return kind === 'linear' ? linearScale(values.filter(Number.isFinite)) : logScale(values.filter(isPositive));
}

/** Roughly how many marks an axis has. */
const TICKS = 7;

/** From 0, so that heights compare as the figures do. */
function linearScale(values: readonly number[]): Scale {
  const low = Math.min(0, ...values);
  const most = Math.max(0, ...values);
  const high = most > low ? most : low + 1;
  const step = roundStep((high - low) / TICKS);
  const first = Math.floor(low / step);
  const last = Math.ceil(high / step - 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => tidy((first + i) * step));
  return { ticks, at: (value) => (value / step - first) / (last - first), has: Number.isFinite };
}

/** Marked at 1, 2 and 5 of each power of ten; at the powers alone when it spans many. */
function logScale(values: readonly number[]): Scale {
  const round = roundNumbers(Math.min(...values, Infinity), Math.max(...values, 0));
  const low = round[0] ?? 1;
  const high = round.at(-1) ?? 10;
  const span = Math.log10(high / low);
  const ticks = span <= 2.5 ? round : round.filter((value) => Number.isInteger(tidy(Math.log10(value))));
  return { ticks, at: (value) => Math.log10(value / low) / span, has: isPositive };
}

/** The 1, 2 and 5 of every power of ten from just below `low` to just above `high`; at least two of them. */
function roundNumbers(low: number, high: number): number[] {
  if (low > high) return [1, 10];
  const numbers: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)) + 1; power += 1) numbers.push(...[1, 2, 5].map((digit) => tidy(digit * 10 ** power)));
  const from = Math.max(0, numbers.findLastIndex((number) => number <= low));
  const to = numbers.findIndex((number, i) => i > from && number >= high);
  return numbers.slice(from, to + 1);
}

/** The smallest of 1, 2, 2.5, 5 and 10 times a power of ten that is no smaller than `step`. */
function roundStep(step: number): number {
  const power = 10 ** Math.floor(Math.log10(step));
  const digit = [1, 2, 2.5, 5].find((each) => each * power >= step * (1 - 1e-9)) ?? 10;
  return tidy(digit * power);
}

/** Without what binary fractions add. */
function tidy(value: number): number {
  return Number(value.toPrecision(12));
}

function isPositive(value: number): boolean {
  return Number.isFinite(value) && value > 0;
}
