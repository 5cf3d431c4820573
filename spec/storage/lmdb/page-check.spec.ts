import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CorruptLogError } from '../../../lib/ports/errors.js';
import { checkPages } from '../../../lib/storage/lmdb/page-check.js';
import { bytesOf, commands, Store } from '../../../lib/testing/storage-suite/store.js';
import { lmdbFixture } from '../../support/lmdb-fixture.js';

const META_FIELDS = { root: 136, transaction: 152, 'root of the free pages': 88 } as const;

describe('the check of a log’s pages', () => {
  const fixture = lmdbFixture();
  const log = join(fixture.path, 'log.mdb');
  const copy = join(fixture.path, 'copy');
  beforeAll(async () => {
    const store = new Store(fixture);
    await store.open();
    for (let index = 1; index <= 120; index++) {
      await store.write({ entries: commands(index, index, 1, index % 7 === 0 ? 9000 : 900) });
      // The file as each commit leaves it is in order; the store keeps it open meanwhile.
      await checkPages(log);
    }
    await store.write({ truncateAfter: 100, entries: commands(101, 110, 2, 20_000) });
    await store.save(80, 1, bytesOf(1, 1));
    await store.storage.compact(50);
    await store.storage.close();
  });
  afterAll(() => fixture.dispose());

  it('passes what commits, truncations and compactions leave', () => checkPages(log));

  it.each(Object.entries(META_FIELDS))('finds every flipped bit of the %s that a meta page names, which would lead to another commit’s data', async (_, offset) => {
    for (const page of [0, 1]) {
      for (let bit = 0; bit < 64; bit++) {
        const content = readFileSync(log);
        const at = 4096 * page + offset + (bit >> 3);
        content[at] = (content[at] ?? 0) ^ (1 << (bit & 7));
        // Where the older of the two leads does not matter, only that it is the older.
        const isOlder = content.readBigUInt64LE(152) < content.readBigUInt64LE(4096 + 152) === (page === 0);
        if (isOlder && offset !== META_FIELDS.transaction) continue;
        writeFileSync(copy, content);
        await expect(checkPages(copy)).rejects.toThrow(CorruptLogError);
      }
    }
  });

  it('lets a file pass that is empty, for it is a new one', async () => {
    writeFileSync(copy, '');
    await checkPages(copy);
    copyFileSync(log, copy);
    await checkPages(copy);
  });
});
