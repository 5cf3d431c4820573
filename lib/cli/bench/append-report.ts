import type { Bench } from './bench.js';
import { median, type Report, type Row } from './report.js';

const BATCHES = 400;

/** The durable log against the same bytes in a plain file. */
export async function appendReport(bench: Bench): Promise<Report> {
  const rows: Row[] = [];
  for (const depth of [1, 4]) {
    const flight = `${depth} ${depth === 1 ? 'batch' : 'batches'} in flight`;
    const runs = await bench.repeat(`durable append, ${flight}`, () => bench.measure('append', { directory: bench.directory, batches: BATCHES, depth }));
    rows.push({ what: `durable append, 256 × 256 B a batch, ${flight}`, value: median(runs.map(({ store }) => store)), unit: 'entries/s' });
    rows.push({ what: '  the same bytes to a file, write + fdatasync a batch', value: median(runs.map(({ file }) => file)), unit: 'entries/s' });
    rows.push({ what: '  durable append / file', value: median(runs.map(({ store, file }) => store / file)), unit: '×', budget: 0.6 });
    if (depth > 1) rows.push({ what: `  durable append / file with ${flight} as well`, value: median(runs.map(({ store, fileInFlight }) => store / fileInFlight)), unit: '×' });
  }
  return { rows, curves: [], notes: NOTES };
}

const NOTES: readonly string[] = [
  'Store and file take turns on the same disk. The file gets one flush a batch, before the next batch is written; with several in flight too, each is written and flushed at once with the others, in no order, as no log could.',
];
