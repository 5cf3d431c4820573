import { appendReport } from '../../../lib/cli/bench/append-report.js';
import { createBench, type Bench } from '../../../lib/cli/bench/bench.js';
import { isolateReport } from '../../../lib/cli/bench/isolate-report.js';
import type { JobOf, Kind, Measure, ResultOf } from '../../../lib/cli/bench/measurements.js';
import { memoryReport } from '../../../lib/cli/bench/memory-report.js';
import { proposalsReport } from '../../../lib/cli/bench/proposals-report.js';
import { replayReport } from '../../../lib/cli/bench/replay-report.js';
import type { Report } from '../../../lib/cli/bench/report.js';
import { reporterReport } from '../../../lib/cli/bench/reporter-report.js';
import { runParts } from '../../../lib/cli/bench/run-parts.js';
import { scalingReport } from '../../../lib/cli/bench/scaling-report.js';

type Answers = { readonly [K in Kind]?: (job: JobOf<K>) => ResultOf<K> };

/** A bench whose measurements say what the test wants. */
function benchOf(answers: Answers, runs = 3): Bench & { readonly jobs: readonly unknown[]; readonly lines: readonly string[] } {
  const jobs: unknown[] = [];
  const lines: string[] = [];
  const measure: Measure = async <K extends Kind>(kind: K, job: JobOf<K>) => {
    const answer = answers[kind] as ((job: JobOf<K>) => ResultOf<K>) | undefined;
    if (answer === undefined) throw new Error(`nobody expected ${kind}`);
    jobs.push(job);
    return answer(job);
  };
  return { ...createBench({ runs, total: 1000, proposals: 200, entries: 100, seconds: 1 }, '/nowhere', measure, (line) => lines.push(line)), jobs, lines };
}

const rate = (perSecond: number, cpuMicros = 1e6 / perSecond, loopDelayP99Ms = 1) => ({ perSecond, cpuMicros, loopDelayP99Ms });

function valueOf({ rows }: Report, what: string): number | undefined {
  return rows.find((row) => row.what === what)?.value;
}

it('proposals are held against both ceilings of their own run, with half of the calls where one waits alone', async () => {
  const speeds = [100, 300, 200];
  let run = 0;
  const bench = benchOf({ ceilings: () => ({ cluster: rate(speeds[run++ % 3] ?? 0), turnLoop: rate(400), promises: rate(1000) }) });
  const report = await proposalsReport(bench);
  expect(report.rows.slice(0, 5).map(({ what, value, budget }) => [what, value, budget])).toEqual([
    ['3 nodes, empty commands, 1 proposer', 200, 100_000],
    ['  / stripped turn loop', 0.5, 0.5],
    ['  / promises alone', 0.2, 0.5],
    ['  stripped turn loop / promises alone', 0.4, undefined],
    ['  event-loop delay p99', 1, 10],
  ]);
  expect(report.rows).toHaveLength(50);
  expect(bench.jobs.slice(0, 4)).toEqual([500, 500, 500, 1000].map((total, i) => ({ concurrency: i < 3 ? 1 : 64, total, bytes: 0 })));
  expect(report.curves[0]?.series.map(({ name, points }) => [name, points.length])).toEqual([
    ['promises alone', 5],
    ['stripped turn loop', 5],
    ['rxraft, empty', 5],
    ['rxraft, 256 B', 5],
  ]);
  expect(bench.lines).toHaveLength(10);
  expect(bench.lines[0]).toMatch(/^3 nodes, empty commands, 1 proposer: 3 runs in [\d.]+ s$/);
});

it('the three ways of reporting are compared by CPU time, in an order that changes from run to run', async () => {
  const cpu = { subscriber: 10, null: 9, out: 8 };
  const bench = benchOf({ cluster: ({ reporting }) => rate(1, cpu[reporting]), depth: ({ depths }) => depths.map((depth) => 100 + depth * 10) });
  const report = await reporterReport(bench);
  expect(valueOf(report, 'one subscriber / null reporter, 64 proposers')).toBe(0.9);
  expect(valueOf(report, 'null reporter / compiled out, 64 proposers')).toBeCloseTo(8 / 9);
  expect(bench.jobs.slice(0, 9).map((job) => (job as { reporting: string }).reporting)).toEqual(['subscriber', 'null', 'out', 'null', 'out', 'subscriber', 'out', 'subscriber', 'null']);
  expect(valueOf(report, 'ten operators / one operator')).toBeCloseTo(200 / 110);
  expect(valueOf(report, 'an operator of 21 to 40 / one of 11 to 20')).toBeCloseTo(1);
});

it('a durable append is held against the file that waits for each flush', async () => {
  const report = await appendReport(benchOf({ append: ({ depth }) => ({ store: 60 * depth, file: 100, fileInFlight: 400 }) }));
  expect(report.rows.filter(({ budget }) => budget !== undefined).map(({ value }) => value)).toEqual([0.6, 2.4]);
  expect(valueOf(report, '  durable append / file with 4 batches in flight as well')).toBe(0.6);
});

it('a log is built once and started on in every run', async () => {
  const paths: string[] = [];
  const bench = benchOf({
    buildLog: ({ path, entries }) => void paths.push(`${path} ${entries}`),
    startOnLog: ({ path }) => {
      paths.push(path);
      return { startMs: 10 * paths.length, appliedMs: 500, entries: 100 };
    },
  });
  const report = await replayReport(bench);
  expect(paths).toEqual(['/nowhere/replay 100', '/nowhere/replay', '/nowhere/replay', '/nowhere/replay']);
  expect(report.rows.map(({ value }) => value)).toEqual([30, 500, 200]);
});

it('memory is the last tenth of the samples against the first', async () => {
  const bench = benchOf({
    memory: ({ proposals, every }) => Array.from({ length: proposals / every }, (_, i) => ({ proposals: (i + 1) * every, heap: i < 2 ? 100 : 110, resident: 300 })),
  });
  const report = await memoryReport(bench);
  expect(report.rows.map(({ value }) => value)).toEqual([1.1, 1, 110, 300]);
  expect(report.curves[0]?.series.map(({ points }) => points.length)).toEqual([20, 20]);
});

it('scaling has a row for every measurement, and no size of 0 on an axis of powers', async () => {
  const bench = benchOf({
    cluster: ({ nodes, bytes }) => rate(1000 / nodes - bytes / 1000),
    isolated: () => rate(10),
    logGrowth: ({ entries, every }) => Array.from({ length: entries / every }, (_, i) => rate(100 - i, 1 + i / 10)),
  });
  const report = await scalingReport(bench);
  expect(valueOf(report, '5 nodes, empty commands, 64 proposers')).toBe(200);
  expect(valueOf(report, '1 durable node, 64 KiB, 64 proposers')).toBe(10);
  expect(valueOf(report, 'log of 0 to 100 entries: last three tenths / first three')).toBeCloseTo(1.1 / 1.8);
  expect(report.curves.map(({ id }) => id)).toEqual(['scaling-nodes', 'scaling-sizes', 'scaling-log']);
  for (const { xScale, series } of report.curves) for (const { points } of series) if (xScale === 'log') expect(points.every(([x]) => x > 0)).toBe(true);
});

it('an isolated node is measured after one that is not, in every run, and held against what the way between the threads alone costs', async () => {
  const bench = benchOf({ crossing: () => 20, isolated: ({ isolate }) => rate(isolate ? 180_000 : 200_000) });
  const report = await isolateReport(bench);
  const waves = [64 / 0.2, 1024 / 0.2]; // µs
  expect(report.rows.map(({ value }) => value)).toEqual([20, ...waves.flatMap((wave) => [0.9, wave / (wave + 80)])]);
  expect(bench.jobs.slice(3).map((job) => (job as { isolate: boolean }).isolate)).toEqual(Array.from({ length: 12 }, (_, i) => i % 2 === 1));
});

describe('parts in a row', () => {
  const report: Report = { rows: [], curves: [], notes: [] };
  const part = (name: string, run: () => Promise<Report>) => ({ name, title: name, minutes: 1, run });
  const broken = part('broken', () => Promise.reject(new Error('the disk is gone')));
  const sound = part('sound', () => Promise.resolve(report));

  it('run on after one that fails, which is told', async () => {
    const said: string[] = [];
    const reported: string[] = [];
    const run = runParts([sound, broken, sound], benchOf({}), new AbortController().signal, (line) => said.push(line), async ({ name }) => void reported.push(name));
    expect(await run).toEqual(['broken']);
    expect(said).toEqual(['sound', 'broken', 'broken failed: the disk is gone', 'sound']);
    expect(reported).toEqual(['sound', 'sound']);
  });

  it('end with an interruption, whatever the part makes of it', async () => {
    for (const ending of [broken, sound]) {
      const interrupt = new AbortController();
      const said: string[] = [];
      const interrupted = part('interrupted', () => {
        interrupt.abort(new Error('Ctrl-C'));
        return ending.run();
      });
      await expect(runParts([interrupted, sound], benchOf({}), interrupt.signal, (line) => said.push(line), () => Promise.reject(new Error('reported')))).rejects.toThrow('Ctrl-C');
      expect(said).toEqual(['interrupted']);
    }
  });
});
