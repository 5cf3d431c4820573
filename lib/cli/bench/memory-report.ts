import type { Bench } from './bench.js';
import type { MemorySample } from './memory.js';
import type { Report, Row } from './report.js';

const SAMPLES = 20;

/** Whether memory stays where it is while proposals go on and on. */
export async function memoryReport(bench: Bench): Promise<Report> {
  const { proposals } = bench;
  const samples = await bench.measure('memory', { proposals, every: Math.ceil(proposals / SAMPLES), bytes: 256 });
  bench.progress(`memory over ${proposals} proposals: done`);
  const total = `${Number((proposals / 1e6).toFixed(2))} M proposals`;
  const rows: Row[] = [
    { what: `heap and buffers, last tenth of ${total} / first`, value: growth(samples, 'heap'), unit: '×', budget: 1.05, isCeiling: true },
    { what: '  resident memory, likewise', value: growth(samples, 'resident'), unit: '×', budget: 1.05, isCeiling: true },
    { what: '  heap and buffers at the end', value: samples.at(-1)?.heap ?? NaN, unit: 'MiB' },
    { what: '  resident memory at the end', value: samples.at(-1)?.resident ?? NaN, unit: 'MiB' },
  ];
  const pointsOf = (key: 'heap' | 'resident'): (readonly [number, number])[] => samples.map((sample) => [sample.proposals, sample[key]]);
  const curve = {
    id: 'memory',
    title: 'Memory of three nodes in one process, with compaction on',
    xLabel: 'proposals',
    yLabel: 'MiB after garbage collection',
    xScale: 'linear',
    yScale: 'linear',
    series: [
      { name: 'resident', points: pointsOf('resident') },
      { name: 'heap and buffers', points: pointsOf('heap') },
    ],
  } as const;
  return { rows, curves: [curve], notes: NOTES };
}

/** The last tenth of the samples against the first. */
function growth(samples: readonly MemorySample[], key: 'heap' | 'resident'): number {
  const tenth = Math.max(1, Math.floor(samples.length / 10));
  const mean = (part: readonly MemorySample[]): number => part.reduce((sum, sample) => sum + sample[key], 0) / part.length;
  return mean(samples.slice(-tenth)) / mean(samples.slice(0, tenth));
}

const NOTES: readonly string[] = [
  'Flat is taken to mean no more than 5 % of growth from the first tenth of the proposals to the last. Commands of 256 B, a subscriber on each node; every sample follows a garbage collection and a compaction by hand, so that all logs are as long.',
];
