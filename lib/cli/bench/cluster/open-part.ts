import type { Curve, Report, Row } from '../report.js';
import { contest, detailRows, outcomeText, type Outcome } from './contest.js';
import type { Setting } from './setting.js';
import type { OpenStore } from './store.js';

/** Of the most that a store took in closed loops. */
const SHARES = [0.25, 0.5, 0.75];

/**
 * Open loops: puts at a fixed rate; latency counts from when each was due.
 * @param most puts a second in closed loops, by store.
 */
export async function openPart(stores: readonly OpenStore[], most: ReadonlyMap<string, number>, { runs, seconds, progress }: Setting): Promise<Report> {
  const rows: Row[] = [];
  const notes: string[] = [];
  const results = new Map(stores.map((store) => [store, [] as (readonly [rate: number, outcome: Outcome])[]]));
  for (const share of SHARES) {
    const rateOf = ({ name }: OpenStore): number => Math.max(1, Math.round((most.get(name) ?? 0) * share));
    const outcomes = await contest(stores.map((store) => ({ name: store.name, run: () => store.open(rateOf(store), seconds) })), runs);
    for (const [i, store] of stores.entries()) {
      const outcome = outcomes[i];
      const what = `${store.name}, open loop at ${share * 100} % (${rateOf(store)} puts/s)`;
      if (outcome === undefined || outcome instanceof Error) {
        notes.push(`${what}: ${outcome?.message ?? 'not measured'}.`);
        continue;
      }
      results.get(store)?.push([rateOf(store), outcome]);
      progress(`${what}: ${outcomeText(outcome)}`);
      rows.push({ what, value: outcome.perSecond, unit: 'puts/s' }, ...detailRows(outcome));
    }
  }
  return { rows, notes, curves: [...results].map(([{ name }, outcomes]) => curve(name, outcomes)) };
}

const FIGURES: readonly (readonly [name: string, figure: (outcome: Outcome) => number])[] = [
  ['p50', ({ p50Ms }) => p50Ms],
  ['p99', ({ p99Ms }) => p99Ms],
  ['p99.9', ({ p999Ms }) => p999Ms],
];

function curve(store: string, outcomes: readonly (readonly [rate: number, outcome: Outcome])[]): Curve {
  const id = `cluster-open-loop-${store.split(' ', 1)[0] ?? store}`;
  const series = FIGURES.map(([name, figure]) => ({ name, points: outcomes.map(([rate, outcome]) => [rate, figure(outcome)] as const) }));
  return { id, title: `${store}: latency at a fixed rate of puts`, xLabel: 'puts/s', yLabel: 'ms', xScale: 'linear', yScale: 'log', series };
}
