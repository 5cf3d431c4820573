import type { Rate } from './closed-loop.js';
import type { Bench } from './bench.js';
import { median, type Curve, type Report, type Row } from './report.js';
import type { Ceilings } from './proposals.js';

/** Concurrent proposers, and what the design asks of three nodes with empty commands. */
const LOADS: readonly (readonly [proposers: number, perSecond: number | undefined])[] = [
  [1, 100_000],
  [64, 500_000],
  [256, undefined],
  [1024, 800_000],
  [4096, 1_000_000],
];

const SIZES: readonly (readonly [bytes: number, name: string])[] = [
  [0, 'empty'],
  [256, '256 B'],
];

/** Three nodes in one process on memory adapters, against what the language and the algorithm ask for. */
export async function proposalsReport(bench: Bench): Promise<Report> {
  const rows: Row[] = [];
  const rates = { rxraft: new Map<string, [number, number][]>(), turnLoop: [] as [number, number][], promises: [] as [number, number][] };
  for (const [bytes, size] of SIZES) {
    const points: [number, number][] = [];
    rates.rxraft.set(`rxraft, ${size}`, points);
    for (const [concurrency, budget] of LOADS) {
      const what = `3 nodes, ${size} commands, ${concurrency} ${concurrency === 1 ? 'proposer' : 'proposers'}`;
      const runs = await bench.repeat(what, () => bench.measure('ceilings', { concurrency, total: portionOf(bench.total, concurrency), bytes }));
      rows.push(...rowsOf(what, runs, bytes === 0 ? { perSecond: budget, ratio: 0.5 } : {}));
      points.push([concurrency, perSecond(runs, 'cluster')]);
      if (bytes > 0) continue;
      rates.turnLoop.push([concurrency, perSecond(runs, 'turnLoop')]);
      rates.promises.push([concurrency, perSecond(runs, 'promises')]);
    }
  }
  const series = [
    { name: 'promises alone', points: rates.promises },
    { name: 'stripped turn loop', points: rates.turnLoop },
    ...[...rates.rxraft].map(([name, points]) => ({ name, points })),
  ];
  return { rows, curves: [curveOf(series)], notes: NOTES };
}

/** With one proposer, who is far slower, half of them: fewer would cost the ceilings less time than a tick of the clock that counts it. */
export function portionOf(total: number, concurrency: number): number {
  return Math.ceil(concurrency === 1 ? total / 2 : total);
}

/** The design has budgets for empty commands; the loop must not be held up by others either. */
function rowsOf(what: string, runs: readonly Ceilings[], { perSecond: least, ratio }: { readonly perSecond?: number | undefined; readonly ratio?: number }): Row[] {
  const atLeast = (budget: number | undefined): Pick<Row, 'budget'> => (budget === undefined ? {} : { budget });
  const ratioTo = (ceiling: 'turnLoop' | 'promises', of: keyof Ceilings = 'cluster'): number => median(runs.map((run) => run[ceiling].cpuMicros / run[of].cpuMicros));
  return [
    { what, value: perSecond(runs, 'cluster'), unit: 'proposals/s', ...atLeast(least) },
    { what: '  / stripped turn loop', value: ratioTo('turnLoop'), unit: '×', ...atLeast(ratio) },
    { what: '  / promises alone', value: ratioTo('promises'), unit: '×', ...atLeast(ratio) },
    { what: '  stripped turn loop / promises alone', value: ratioTo('promises', 'turnLoop'), unit: '×' },
    { what: '  event-loop delay p99', value: median(runs.map((run) => run.cluster.loopDelayP99Ms)), unit: 'ms', budget: 10, isCeiling: true },
  ];
}

function perSecond(runs: readonly Ceilings[], contestant: keyof Ceilings): number {
  return median(runs.map((run): Rate => run[contestant]).map((rate) => rate.perSecond));
}

function curveOf(series: Curve['series']): Curve {
  return {
    id: 'proposals',
    title: 'Committed and applied proposals, three nodes in one process',
    xLabel: 'concurrent proposers',
    yLabel: 'proposals per second',
    xScale: 'log',
    yScale: 'log',
    series,
  };
}

const NOTES: readonly string[] = [
  'Each proposer awaits its proposal, committed by a majority and applied, before it makes the next. All nodes share one thread; cluster and ceilings take turns in the same process, and are compared by the CPU time that a proposal takes.',
  'The stripped turn loop has three nodes that append, acknowledge, commit and apply in batches and resolve one promise a proposal, without elections, timers, checks, events or metrics: what the algorithm costs.',
  'Promises alone are one promise a call, resolved through one queue: what one microtask and one awaited object cost, and nothing of consensus. With one proposer a proposal needs at least the four turns of append, acknowledge, commit and answer, each a microtask of its own. Where the stripped turn loop does not reach half of promises alone, nothing that keeps three logs on one thread can.',
  'A command is handed from node to node by reference here: copies and encoding show in the durable measurements.',
];
