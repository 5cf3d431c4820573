import { statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { LmdbStorage } from '../../../lib/storage/lmdb.js';
import { CorruptLogError } from '../../../lib/ports/errors.js';
import { assertEntries, commands, IDENTITY, Store } from '../../../lib/testing/storage-suite/store.js';
import { lmdbFixture } from '../../support/lmdb-fixture.js';

/** Where the log is cut: inside the first pages, at their end, further on; and a part of its length. */
const CUTS: readonly (readonly [name: string, lengthOf: (size: number) => number])[] = [
  ['to nothing', () => 0],
  ['inside its first page', () => 100],
  ['inside its second page', () => 5000],
  ['behind its first two pages', () => 8192],
  ['to a tenth', (size) => Math.floor(size / 10)],
  ['to a half', (size) => Math.floor(size / 2)],
  ['to nine tenths', (size) => Math.floor(size * 0.9)],
  ['by one page', (size) => size - 4096],
  ['by one byte', (size) => size - 1],
];

describe('a log file that was cut:', () => {
  it.each(CUTS)('%s is refused with a reason, or lacks nothing that is in use', async (_, lengthOf) => {
    const fixture = lmdbFixture();
    const store = new Store(fixture);
    await store.open();
    for (let index = 1; index <= 100; index += 1) await store.write({ entries: commands(index, index, 1, 2000) });
    await store.storage.close();
    const file = join(fixture.path, 'log.mdb');
    const { size } = statSync(file);
    truncateSync(file, lengthOf(size));

    const again = new LmdbStorage({ path: fixture.path });
    const opened = await again.open(IDENTITY).catch((error: unknown) => error);
    if (opened instanceof Error) {
      expect(opened).toBeInstanceOf(CorruptLogError);
      expect(opened.message).toMatch(/restore the directory from a backup, or empty it/);
    } else {
      expect(lengthOf(size)).toBeGreaterThan(size / 2);
      assertEntries(await again.read(1, 100, Infinity), commands(1, 100, 1, 2000));
    }
    await again.close();
    await fixture.dispose();
  });
});
