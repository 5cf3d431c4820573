import { MemoryDisk, MemoryStorage } from '../../lib/storage/memory.js';
import { storageSuite } from '../../lib/testing/storage-suite.js';
import { fileFixture } from '../support/file-fixture.js';

describe('MemoryStorage passes the compliance suite:', () => {
  const fixture = () => {
    const disk = new MemoryDisk();
    return { create: () => new MemoryStorage(disk), crash: () => disk.crash(), dispose: () => undefined };
  };
  for (const { name, run } of storageSuite(fixture)) it(name, run);
});

describe('FileStorage passes the compliance suite:', () => {
  for (const { name, run } of storageSuite(fileFixture)) it(name, run);
});
