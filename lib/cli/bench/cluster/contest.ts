import { messageOf } from '../../exit.js';
import { median, type Row } from '../report.js';
import { perSecond, type Load } from './load.js';

/** What several runs of one load came to: the median of each figure. */
export interface Outcome {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** All of them. */
  readonly refused: number;
  /** Null where it is not known. */
  readonly cpuMicros: number | null;
}

export function outcomeOf(loads: readonly Load[]): Outcome {
  const of = (figure: (load: Load) => number): number => median(loads.map(figure));
  return {
    perSecond: of(perSecond),
    p50Ms: of(({ latency }) => latency.p50Ms),
    p99Ms: of(({ latency }) => latency.p99Ms),
    p999Ms: of(({ latency }) => latency.p999Ms),
    cpuMicros: loads.some(({ cpuMicros }) => cpuMicros === undefined) ? null : of(({ cpuMicros }) => cpuMicros ?? NaN),
    refused: loads.reduce((sum, { refused }) => sum + refused, 0),
  };
}

export interface Contestant {
  readonly name: string;
  /** One measurement. */
  readonly run: () => Promise<Load>;
}

/**
 * The contestants in turn, run by run, so that a machine that slows down slows all of them alike. Outcomes are in their order;
 * who fails has no more turns, and an error for an outcome.
 */
export async function contest(contestants: readonly Contestant[], runs: number): Promise<readonly (Outcome | Error)[]> {
  const loads = contestants.map((): Load[] => []);
  const failures = new Map<number, Error>();
  for (let i = 0; i < runs; i += 1) {
    for (const [place, { name, run }] of contestants.entries()) {
      if (failures.has(place)) continue;
      await run().then(
        (load) => loads[place]?.push(load),
        (error: unknown) => failures.set(place, new Error(`${name} failed under load: ${messageOf(error)}`, { cause: error })),
      );
    }
  }
  return loads.map((those, place) => failures.get(place) ?? outcomeOf(those));
}

export function outcomeText({ perSecond: rate, p50Ms, p99Ms, p999Ms, refused }: Outcome): string {
  return `${Math.round(rate)} puts/s, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, p99.9 ${p999Ms.toFixed(1)} ms${refused > 0 ? `, ${refused} refused` : ''}`;
}

export function detailRows({ p50Ms, p99Ms, p999Ms, cpuMicros }: Outcome): Row[] {
  return [
    { what: '  p50', value: p50Ms, unit: 'ms' },
    { what: '  p99', value: p99Ms, unit: 'ms' },
    { what: '  p99.9', value: p999Ms, unit: 'ms' },
    ...(cpuMicros === null ? [] : [{ what: '  CPU of its processes', value: cpuMicros, unit: 'µs/put' }]),
  ];
}
