import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { measureInChildren } from '../../../lib/cli/bench/child-processes.js';
import type { Measure } from '../../../lib/cli/bench/measurements.js';
import { temporaryDirectory } from '../../support/file-fixture.js';

describe('a measurement in a process of its own', () => {
  const directory = temporaryDirectory();
  afterAll(() => rmSync(directory, { recursive: true }));

  /** A worker that does `body`. */
  function measureWith(body: string, signal = new AbortController().signal): () => ReturnType<Measure> {
    const file = join(directory, 'worker.mjs');
    writeFileSync(file, body);
    return () => measureInChildren(pathToFileURL(file), signal)('startOnLog', { path: 'p' });
  }

  it('gets its job, and gives what it found', async () => {
    const measure = measureWith(`const task = JSON.parse(process.argv[2]); process.send({ value: { task, gc: typeof gc } }, () => process.exit(0));`);
    expect(await measure()).toEqual({ task: { kind: 'startOnLog', job: { path: 'p' } }, gc: 'function' });
  });

  it('that fails is reported with what it wrote to its standard error', async () => {
    const measure = measureWith(`throw new Error('the disk is gone');`);
    await expect(measure()).rejects.toThrow(/^the measurement \{"kind":"startOnLog","job":\{"path":"p"\}\} ended with 1:\n[^]*the disk is gone/);
  });

  it('that ends well without a result has failed too', async () => {
    await expect(measureWith('')()).rejects.toThrow('ended with 0');
  });

  it('ends at once when it is interrupted', async () => {
    const interrupt = new AbortController();
    const measuring = measureWith(`process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1e6);`, interrupt.signal)();
    interrupt.abort();
    await expect(measuring).rejects.toThrow('abort');
  });
});
