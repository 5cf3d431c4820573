import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { AppendRates } from './durable-append.js';
import type { Rate } from './closed-loop.js';
import { median, rowsOf, table, type Row } from './report.js';

const WORKER = fileURLToPath(new URL('./worker.js', import.meta.url));
const run = promisify(execFile);

const HELP = `Usage: npm run bench -- [options]

Measures rxraft on this machine: proposals in one process, the cost of reporting, durable appends.
Quote the ratios; absolute figures drift with the machine.

  -n, --runs <count>   runs of each measurement; the median is reported (default 5)
  --total <count>      proposals per run, a tenth of it with one proposer (default 400000)
  --out <folder>       where results.json goes, and the files of the append measurement (default .bench)
  -h, --help           this text`;

/** Every measurement is repeated, the variants of one comparison in turn, and reported by its median. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', short: 'n', default: '5' },
      total: { type: 'string', default: '400000' },
      out: { type: 'string', default: '.bench' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(HELP);
    return;
  }
  const { out } = values;
  const runs = positive('runs', values.runs);
  const total = positive('total', values.total);
  await mkdir(out, { recursive: true });
  console.log(`Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown processor'}; medians of ${runs} runs\n`);
  const rows: Row[] = [...(await proposalRows(runs, total)), ...(await reporterRows(runs, total)), ...(await appendRows(runs, out)), ...(await isolatedRows(runs, total, out))];
  console.log(table(rows));
  const file = join(out, 'results.json');
  await writeFile(file, `${JSON.stringify({ node: process.version, runs, rows }, null, 2)}\n`);
  console.log(`\nwritten to ${file}`);
}

async function proposalRows(runs: number, total: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [concurrency, budget] of [[1, 100_000], [64, 500_000], [1024, 800_000], [4096, 1_000_000]] as const) {
    const results: { cluster: Rate; ceiling: Rate }[] = [];
    for (let i = 0; i < runs; i += 1) results.push(await proposals(concurrency, total, 'null'));
    rows.push(...rowsOf(`3 nodes, memory, ${concurrency} proposers`, results, budget));
    progress(rows.at(-1));
  }
  return rows;
}

/** The three in turn, run by run, so that a drifting machine slows all of them alike. */
async function reporterRows(runs: number, total: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const concurrency of [1, 64]) {
    const ratios: { onToNull: number; nullToOut: number }[] = [];
    for (let i = 0; i < runs; i += 1) {
      const on = (await proposals(concurrency, total, 'subscriber')).cluster.perSecond;
      const nothing = (await proposals(concurrency, total, 'null')).cluster.perSecond;
      const compiledOut = (await proposals(concurrency, total, 'out')).cluster.perSecond;
      ratios.push({ onToNull: on / nothing, nullToOut: nothing / compiledOut });
    }
    rows.push({ what: `one subscriber / null reporter, ${concurrency} proposers`, value: median(ratios.map((r) => r.onToNull)), unit: '×', budget: 0.95 });
    rows.push({ what: `null reporter / compiled out, ${concurrency} proposers`, value: median(ratios.map((r) => r.nullToOut)), unit: '×', budget: 0.99 });
    progress(rows.at(-1));
  }
  return rows;
}

async function appendRows(runs: number, out: string): Promise<Row[]> {
  const results: AppendRates[] = [];
  for (let i = 0; i < runs; i += 1) results.push(await worker<AppendRates>(['append', out, '200']));
  return [
    { what: 'durable append, 256 × 256 B a batch', value: median(results.map((r) => r.storePerSecond)), unit: 'entries/s' },
    { what: 'the same bytes, write + fdatasync a batch', value: median(results.map((r) => r.rawPerSecond)), unit: 'entries/s' },
    { what: 'durable append / raw', value: median(results.map((r) => r.storePerSecond / r.rawPerSecond)), unit: '×', budget: 0.6 },
  ];
}

/** In turn, too. */
async function isolatedRows(runs: number, total: number, out: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const concurrency of [64, 1024]) {
    const rate = (isolate: boolean): Promise<Rate> => worker(['isolated', out, String(isolate), String(concurrency), String(Math.ceil(concurrency === 64 ? total / 5 : total))]);
    const ratios: number[] = [];
    for (let i = 0; i < runs; i += 1) {
      const here = (await rate(false)).perSecond;
      ratios.push((await rate(true)).perSecond / here);
    }
    rows.push({ what: `1 node on LMDB in a thread of its own / in the callers', ${concurrency} proposers`, value: median(ratios), unit: '×', budget: 0.8 });
    progress(rows.at(-1));
  }
  return rows;
}

function proposals(concurrency: number, total: number, reporting: string): Promise<{ cluster: Rate; ceiling: Rate }> {
  const count = concurrency === 1 ? total / 10 : total;
  return worker(['proposals', String(concurrency), String(Math.ceil(count)), reporting]);
}

async function worker<T>(args: string[]): Promise<T> {
  const { stdout } = await run(process.execPath, ['--expose-gc', WORKER, ...args]);
  return JSON.parse(stdout) as T;
}

function progress(row: Row | undefined): void {
  if (process.stderr.isTTY && row !== undefined) process.stderr.write(`  done: ${row.what}\n`);
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${option} is ${JSON.stringify(text)}; allowed: a whole number above 0`);
}

await main();
