import { MemoryDisk, MemoryStorage } from '../../lib/storage/memory.js';
import { storageSuite } from '../../lib/testing/storage-suite.js';
import { lmdbFixture } from '../support/lmdb-fixture.js';

describe('MemoryStorage passes the compliance suite:', () => {
  const fixture = () => {
    const disk = new MemoryDisk();
    return { create: () => new MemoryStorage(disk), crash: () => disk.crash(), dispose: () => undefined };
  };
  for (const { name, run } of storageSuite(fixture)) it(name, run);
});

describe('LmdbStorage passes the compliance suite:', () => {
  for (const { name, run } of storageSuite(lmdbFixture)) it(name, run);
});
