import { join } from 'node:path';
import type { Bench } from './bench.js';
import { median, type Report } from './report.js';

const BYTES = 256;

/** How long a node takes to start on a long log, and to apply it again. */
export async function replayReport(bench: Bench): Promise<Report> {
  const path = join(bench.directory, 'replay');
  await bench.measure('buildLog', { path, entries: bench.entries, bytes: BYTES });
  bench.progress(`a log of ${bench.entries} entries is built`);
  const runs = await bench.repeat('start on it', () => bench.measure('startOnLog', { path }));
  const entries = bench.entries.toLocaleString('en-US').replaceAll(',', ' ');
  const rows = [
    { what: `node.start() with ${entries} entries of 256 B after a snapshot`, value: median(runs.map(({ startMs }) => startMs)), unit: 'ms', budget: 1000, isCeiling: true },
    { what: '  until all of them are applied again', value: median(runs.map(({ appliedMs }) => appliedMs)), unit: 'ms' },
    { what: '  entries applied again', value: median(runs.map(({ entries: count, appliedMs }) => count / (appliedMs / 1000))), unit: 'entries/s' },
  ];
  return { rows, curves: [], notes: ['One durable node, each start in a process of its own, the file in the page cache. Entries are applied once a leader is elected, which the time until then includes.'] };
}
