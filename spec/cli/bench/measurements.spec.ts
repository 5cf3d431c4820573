import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { cpuMicros } from '../../../lib/cli/bench/cpu-time.js';
import { crossing } from '../../../lib/cli/bench/crossing.js';
import { durableAppend } from '../../../lib/cli/bench/durable-append.js';
import { logGrowth } from '../../../lib/cli/bench/log-growth.js';
import { memoryOverTime } from '../../../lib/cli/bench/memory.js';
import { clusterRate, ratesWithCeilings } from '../../../lib/cli/bench/proposals.js';
import { buildLog, startOnLog } from '../../../lib/cli/bench/replay.js';
import { temporaryDirectory } from '../../support/file-fixture.js';

const someRate = { perSecond: expect.any(Number), cpuMicros: expect.any(Number), loopDelayP99Ms: expect.any(Number) };

test('CPU time passes with work, and not with waiting', () => {
  const before = cpuMicros();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  const waited = cpuMicros();
  expect(waited - before).toBeLessThan(50_000);
  for (let i = 0, sum = 1; i < 5e6; i += 1) sum = Math.sqrt(sum + i);
  expect(cpuMicros()).toBeGreaterThan(waited);
});

describe('a measurement', () => {
  const directory = temporaryDirectory();
  afterAll(() => rmSync(directory, { recursive: true }));

  test.each([1, 3, 5])('of a cluster of %d commits what it proposes', async (nodes) => {
    expect(await clusterRate({ nodes, concurrency: 16, total: 200, bytes: 8, reporting: 'subscriber' })).toEqual(someRate);
  });

  it('of ceilings has the three of them', async () => {
    expect(await ratesWithCeilings({ concurrency: 4, total: 100, bytes: 0 })).toEqual({ cluster: someRate, turnLoop: someRate, promises: someRate });
  });

  it('of appends has a store and a file, and leaves nothing behind', async () => {
    expect(await durableAppend({ directory, batches: 8, depth: 2 })).toEqual({ store: expect.any(Number), file: expect.any(Number), fileInFlight: expect.any(Number) });
    expect(readdirSync(directory).filter((name) => name.startsWith('append'))).toEqual([]);
  });

  it('of a start finds the log that was built, as long as it was, each time', async () => {
    const path = join(directory, 'replay');
    await buildLog({ path, entries: 2500, bytes: 16 });
    const first = await startOnLog({ path });
    expect(first.entries).toBe(2500);
    expect((await startOnLog({ path })).entries).toBe(2501); // the entry that opened the first start's term
  });

  it('of memory has a sample for each portion', async () => {
    const samples = await memoryOverTime({ proposals: 400, every: 100, bytes: 8 });
    expect(samples.map(({ proposals }) => proposals)).toEqual([100, 200, 300, 400]);
    for (const { heap, resident } of samples) expect(resident).toBeGreaterThan(heap / 10);
  });

  it('of the way between threads takes a time, and no thread is left', async () => {
    expect(await crossing({ roundTrips: 20 })).toBeGreaterThan(0);
  });

  it('of a log that grows has a rate for each portion', async () => {
    expect(await logGrowth({ entries: 300, every: 100 })).toEqual([someRate, someRate, someRate]);
  });
});
