import type { Bench } from './bench.js';
import { median, type Report, type Row } from './report.js';

/** What a thread of one's own for the node costs, or gains. */
export async function isolateReport(bench: Bench): Promise<Report> {
  const rows: Row[] = [];
  for (const concurrency of [64, 1024]) {
    const total = Math.ceil(concurrency === 64 ? bench.total / 5 : bench.total);
    const rate = async (isolate: boolean): Promise<number> => (await bench.measure('isolated', { directory: bench.directory, isolate, concurrency, total, bytes: 256 })).perSecond;
    const ratios = await bench.repeat(`a thread of its own, ${concurrency} proposers`, async () => {
      const here = await rate(false);
      return (await rate(true)) / here;
    });
    rows.push({ what: `1 durable node in a thread of its own / in the callers', ${concurrency} proposers`, value: median(ratios), unit: '×', budget: 0.8 });
  }
  return { rows, curves: [], notes: ['One durable node on TCP, 256-byte commands, in turn.'] };
}
