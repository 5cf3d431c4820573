import type { Bench } from './bench.js';
import type { Rate } from './closed-loop.js';
import { portionOf } from './proposals-report.js';
import type { Reporting } from './proposals.js';
import { median, type Report, type Row } from './report.js';

const LOADS = [1, 64, 1024];
const WAYS: readonly Reporting[] = ['subscriber', 'null', 'out'];
const DEPTHS = [0, 1, 2, 5, 10, 20, 40];
const EVENTS = 2_000_000;

/** What observing costs: a subscriber, nobody, and no reporting in the program; then how a subscriber's own pipe adds up. */
export async function reporterReport(bench: Bench): Promise<Report> {
  const rows: Row[] = [];
  for (const concurrency of LOADS) {
    const proposers = `${concurrency} ${concurrency === 1 ? 'proposer' : 'proposers'}`;
    const runs = await bench.repeat(`reporter three ways, ${proposers}`, (run) => threeWays(bench, concurrency, run));
    rows.push({ what: `one subscriber / null reporter, ${proposers}`, value: ratio(runs, 'subscriber', 'null'), unit: '×', budget: 0.95 });
    rows.push({ what: `null reporter / compiled out, ${proposers}`, value: ratio(runs, 'null', 'out'), unit: '×', budget: 0.99 });
  }
  const costs = await bench.repeat('operators in a row', () => bench.measure('depth', { depths: DEPTHS, events: Math.min(EVENTS, bench.total * 5) }));
  const nanosAt = (depth: number): number => median(costs.map((run) => run[DEPTHS.indexOf(depth)] ?? NaN));
  const slope = median(costs.map((run) => slopeOf(run, 20, 40) / slopeOf(run, 10, 20)));
  rows.push({ what: 'an event to a bare subscriber', value: nanosAt(0), unit: 'ns' });
  rows.push({ what: 'an event through one operator', value: nanosAt(1), unit: 'ns' });
  rows.push({ what: 'an event through ten operators', value: nanosAt(10), unit: 'ns' });
  rows.push({ what: 'ten operators / one operator', value: median(costs.map((run) => at(run, 10) / at(run, 1))), unit: '×', budget: 10, isCeiling: true });
  rows.push({ what: 'an operator of 21 to 40 / one of 11 to 20', value: slope, unit: '×', budget: 1.5, isCeiling: true });
  const curve = {
    id: 'operators',
    title: 'An event on its way to one subscriber, by the depth of the pipe',
    xLabel: 'RxJS operators in a row',
    yLabel: 'nanoseconds of CPU time per event',
    xScale: 'linear',
    yScale: 'linear',
    series: [{ name: 'node.events', points: DEPTHS.map((depth) => [depth, nanosAt(depth)] as const) }],
  } as const;
  return { rows, curves: [curve], notes: NOTES };
}

/** The three one after the other, in an order that changes from run to run. */
async function threeWays(bench: Bench, concurrency: number, run: number): Promise<Record<Reporting, Rate>> {
  const rates = {} as Record<Reporting, Rate>;
  for (let i = 0; i < WAYS.length; i += 1) {
    const reporting = WAYS[(run + i) % WAYS.length] ?? 'null';
    rates[reporting] = await bench.measure('cluster', { nodes: 3, concurrency, total: portionOf(bench.total, concurrency), bytes: 0, reporting });
  }
  return rates;
}

/** How fast `way` is in units of `other`: what each spends on a proposal, the other way up. */
function ratio(runs: readonly Record<Reporting, Rate>[], way: Reporting, other: Reporting): number {
  return median(runs.map((run) => run[other].cpuMicros / run[way].cpuMicros));
}

function at(costs: readonly number[], depth: number): number {
  return costs[DEPTHS.indexOf(depth)] ?? NaN;
}

function slopeOf(costs: readonly number[], from: number, to: number): number {
  return (at(costs, to) - at(costs, from)) / (to - from);
}

const NOTES: readonly string[] = [
  'The three are compared by the CPU time that a proposal takes, so that what else runs on the machine does not decide; each runs in a process of its own, in turn.',
  'One subscriber is one on each of the three nodes. "Compiled out" is the program without the call that publishes events.',
  'Operators are tap, filter, map and scan in turn on events of a leader under load, published as a node publishes them: the node builds an event once, whatever hangs on it, so that each operator adds its own call and nothing else. The first of them cost less, because V8 makes one function of them.',
];
