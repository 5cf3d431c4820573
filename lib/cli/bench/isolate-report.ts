import type { Bench } from './bench.js';
import { median, type Report, type Row } from './report.js';

/** How often every proposal of a wave goes from thread to thread: to the node, to the state machine, back with its results, and with the answer. */
const CROSSINGS = 4;

/** What a thread of one's own for the node costs, or gains. */
export async function isolateReport(bench: Bench): Promise<Report> {
  const micros = median(await bench.repeat('from thread to thread', () => bench.measure('crossing', { roundTrips: Math.ceil(bench.total / 20) })));
  const rows: Row[] = [{ what: 'a frame to another thread that waits for it', value: micros, unit: 'µs' }];
  for (const concurrency of [64, 1024]) {
    const total = Math.ceil(concurrency === 64 ? bench.total / 5 : bench.total);
    const rate = async (isolate: boolean): Promise<number> => (await bench.measure('isolated', { directory: bench.directory, isolate, concurrency, total, bytes: 256 })).perSecond;
    const runs = await bench.repeat(`a thread of its own, ${concurrency} proposers`, async () => {
      const here = await rate(false);
      return { ratio: (await rate(true)) / here, waveMicros: (concurrency / here) * 1e6 };
    });
    const wave = median(runs.map(({ waveMicros }) => waveMicros));
    rows.push(
      { what: `1 durable node in a thread of its own / in the callers', ${concurrency} proposers`, value: median(runs.map(({ ratio }) => ratio)), unit: '×', budget: 0.8 },
      { what: `  if the way between the threads were all that it costs`, value: wave / (wave + CROSSINGS * micros), unit: '×' },
    );
  }
  return { rows, curves: [], notes: ['One durable node on TCP, 256-byte commands, in turn.'] };
}
