import type { Bench } from './bench.js';
import { median, type Curve, type Report, type Row } from './report.js';

const NODES = [1, 3, 5, 7];
const SIZES = [0, 64, 256, 1024, 4096, 16_384, 65_536];
const PORTIONS = 10;
/** Bytes that one run of a size writes at most: otherwise the largest would take for ever. */
const MAX_RUN_BYTES = 256 << 20;

/** How throughput changes with the number of nodes, the size of a command, and the length of the log. */
export async function scalingReport(bench: Bench): Promise<Report> {
  const parts = [await nodesReport(bench), await sizesReport(bench), await lengthReport(bench)];
  return { rows: parts.flatMap(({ rows }) => rows), curves: parts.flatMap(({ curves }) => curves), notes: parts.flatMap(({ notes }) => notes) };
}

async function nodesReport(bench: Bench): Promise<Report> {
  const rows: Row[] = [];
  const series: Curve['series'][number][] = [];
  for (const concurrency of [1024, 64]) {
    const points: [number, number][] = [];
    for (const nodes of NODES) {
      const what = `${nodes} ${nodes === 1 ? 'node' : 'nodes'}, empty commands, ${concurrency} proposers`;
      const runs = await bench.repeat(what, () => bench.measure('cluster', { nodes, concurrency, total: bench.total, bytes: 0, reporting: 'null' }));
      points.push([nodes, median(runs.map(({ perSecond }) => perSecond))]);
      rows.push({ what, value: points.at(-1)?.[1] ?? NaN, unit: 'proposals/s' });
    }
    series.push({ name: `${concurrency} proposers`, points });
  }
  const curve: Curve = { id: 'scaling-nodes', title: 'Throughput by the number of nodes, all on one thread', xLabel: 'nodes', yLabel: 'proposals per second', xScale: 'linear', yScale: 'linear', series };
  return { rows, curves: [curve], notes: ['All nodes of a cluster share one thread here: the work of each adds to the same second.'] };
}

async function sizesReport(bench: Bench): Promise<Report> {
  const rows: Row[] = [];
  const memory: [number, number][] = [];
  const durable: [number, number][] = [];
  for (const bytes of SIZES) {
    const size = sizeText(bytes);
    const inMemory = await bench.repeat(`3 nodes in memory, ${size}`, () => bench.measure('cluster', { nodes: 3, concurrency: 64, total: bench.total / 2, bytes, reporting: 'null' }));
    const total = Math.ceil(Math.min(bench.total / 8, MAX_RUN_BYTES / Math.max(bytes, 1)));
    const onDisk = await bench.repeat(`1 durable node, ${size}`, () => bench.measure('isolated', { directory: bench.directory, isolate: false, concurrency: 64, total, bytes }));
    const perSecond = { memory: median(inMemory.map((rate) => rate.perSecond)), disk: median(onDisk.map((rate) => rate.perSecond)) };
    rows.push({ what: `3 nodes in memory, ${size}, 64 proposers`, value: perSecond.memory, unit: 'proposals/s' });
    rows.push({ what: `1 durable node, ${size}, 64 proposers`, value: perSecond.disk, unit: 'proposals/s' });
    if (bytes === 0) continue; // has no place on an axis of powers
    memory.push([bytes, perSecond.memory]);
    durable.push([bytes, perSecond.disk]);
  }
  const curve: Curve = {
    id: 'scaling-sizes',
    title: 'Throughput by the size of a command, 64 proposers',
    xLabel: 'bytes',
    yLabel: 'proposals per second',
    xScale: 'log',
    yScale: 'log',
    series: [
      { name: '3 nodes in memory', points: memory },
      { name: '1 durable node', points: durable },
    ],
  };
  return { rows, curves: [curve], notes: ['In memory a command passes from node to node by reference, so its size hardly counts; on disk it is copied, checksummed and made durable before it is acknowledged.'] };
}

async function lengthReport(bench: Bench): Promise<Report> {
  const every = Math.ceil(bench.entries / PORTIONS);
  const runs = await bench.repeat('a log that is never compacted', () => bench.measure('logGrowth', { entries: bench.entries, every }));
  const points = Array.from({ length: PORTIONS }, (_, i) => [(i + 1) * every, median(runs.map((rates) => rates[i]?.perSecond ?? NaN))] as const);
  const cost = (rates: (typeof runs)[number]): number => median(rates.map(({ cpuMicros }) => cpuMicros));
  const kept = median(runs.map((rates) => cost(rates.slice(0, 3)) / cost(rates.slice(-3))));
  const curve: Curve = { id: 'scaling-log', title: 'Throughput while a log grows that is never compacted', xLabel: 'entries in the log', yLabel: 'proposals per second', xScale: 'linear', yScale: 'linear', series: [{ name: '1024 proposers', points }] };
  const entries = bench.entries.toLocaleString('en-US').replaceAll(',', ' ');
  return {
    rows: [{ what: `log of 0 to ${entries} entries: last three tenths / first three`, value: kept, unit: '×', budget: 0.9 }],
    curves: [curve],
    notes: ['The log that grows is compared by the CPU time of a proposal; its entries are live objects of three nodes in one heap, which the garbage collector visits.'],
  };
}

function sizeText(bytes: number): string {
  return bytes >= 1024 ? `${bytes / 1024} KiB` : `${bytes} B`;
}
