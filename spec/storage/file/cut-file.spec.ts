import { copyFileSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileStorage } from '../../../lib/storage/file.js';
import { CorruptLogError } from '../../../lib/ports/errors.js';
import { assertEntries, commands, IDENTITY, Store } from '../../../lib/testing/storage-suite/store.js';
import { fileFixture } from '../../support/file-fixture.js';

const CUTS: readonly (readonly [name: string, lengthOf: (size: number) => number])[] = [
  ['to nothing', () => 0],
  ['inside its head', () => 20],
  ['behind its head', () => 512],
  ['to a tenth', (size) => Math.floor(size / 10)],
  ['to a half', (size) => Math.floor(size / 2)],
  ['to whole sectors', (size) => size - 4096],
  ['by one byte', (size) => size - 1],
];

describe('a log of several files, of which one', () => {
  let fixture: ReturnType<typeof fileFixture>;
  let segments: string[];

  beforeEach(async () => {
    fixture = fileFixture();
    const store = new Store(fixture);
    await store.open();
    for (let index = 1; index <= 400; index += 1) await store.write({ entries: commands(index, index, 1, 2000) });
    await store.storage.close();
    segments = readdirSync(fixture.path).filter((name) => name.startsWith('log-')).sort().map((name) => join(fixture.path, name));
    expect(segments.length).toBeGreaterThan(1);
  });

  afterEach(() => fixture.dispose());

  it.each(CUTS)('was cut %s is refused with a reason', async (_, lengthOf) => {
    for (const file of segments) {
      const whole = readFileSync(file);
      truncateSync(file, lengthOf(whole.length));
      await expectRefusal();
      writeFileSync(file, whole);
    }
    await expectWhole();
  });

  it('is gone is refused with a reason', async () => {
    for (const file of segments) {
      const whole = readFileSync(file);
      rmSync(file);
      await expectRefusal();
      writeFileSync(file, whole);
    }
    await expectWhole();
  });

  it('stands in the place of another is refused with a reason', async () => {
    const [first = '', second = ''] = segments;
    const whole = readFileSync(first);
    copyFileSync(second, first);
    await expectRefusal();
    writeFileSync(first, whole);
    await expectWhole();
  });

  async function expectRefusal(): Promise<void> {
    await expect(new FileStorage({ path: fixture.path }).open(IDENTITY)).rejects.toThrow(CorruptLogError);
    await expect(new FileStorage({ path: fixture.path }).open(IDENTITY)).rejects.toThrow(/restore the directory from a backup, or empty it/);
  }

  async function expectWhole(): Promise<void> {
    const storage = new FileStorage({ path: fixture.path });
    await storage.open(IDENTITY);
    assertEntries(await storage.read(1, 400, Infinity), commands(1, 400, 1, 2000));
    await storage.close();
  }
});
