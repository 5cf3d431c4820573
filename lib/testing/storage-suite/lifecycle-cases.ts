import assert from 'node:assert/strict';
import { StorageError } from '../../ports/errors.js';
import type { ComplianceCase } from '../compliance.js';
import { assertEntries, commands, IDENTITY, metaOf, storeCase, type NewFixture } from './store.js';

/** Opening, closing, crashing. */
export function lifecycleCases(newFixture: NewFixture): ComplianceCase[] {
  return [
    storeCase(newFixture, 'a store that is open is not opened a second time', async (store) => {
      await store.write({ entries: commands(1, 1, 1) });
      await assert.rejects(store.fixture.create().open(IDENTITY), StorageError);
      await store.write({ entries: commands(2, 2, 1) });
      assert.equal((await store.reopen()).lastLog.index, 2);
    }),

    storeCase(newFixture, 'the data of another node or another cluster is refused', async (store) => {
      await store.write({ entries: commands(1, 1, 1) });
      await store.storage.close();
      for (const other of [{ ...IDENTITY, nodeId: 'b' }, { ...IDENTITY, clusterId: 'elsewhere' }]) {
        const storage = store.fixture.create();
        await assert.rejects(storage.open(other), StorageError);
        await storage.close();
      }
      store.storage = store.fixture.create();
      assert.equal((await store.open()).lastLog.index, 1);
    }),

    storeCase(newFixture, 'closing waits for the writes that were issued', async (store) => {
      const writes = [1, 2, 3].map((i) => store.write({ entries: commands(i, i, 1) }));
      await store.storage.close();
      await Promise.all(writes);
      store.storage = store.fixture.create();
      assert.equal((await store.open()).lastLog.index, 3);
    }),

    storeCase(newFixture, 'a second close does nothing, and a closed store refuses every call', async (store) => {
      const { storage } = store;
      await storage.close();
      await storage.close();
      await assert.rejects(store.write({ entries: commands(1, 1, 1) }), StorageError);
      await assert.rejects(storage.read(1, 1, 1), StorageError);
      await assert.rejects(storage.compact(1), StorageError);
      await assert.rejects(storage.readSnapshot(), StorageError);
      await assert.rejects(storage.saveSnapshot(metaOf(1, 1), noChunks(), { replaceLog: false }), StorageError);
    }),

    storeCase(newFixture, 'a crash loses no acknowledged write and leaves no gap and no half of one', async (store) => {
      let acknowledged = 0;
      for (let i = 0; i < 20; i++) await store.write({ entries: commands(3 * i + 1, 3 * i + 3, 1) }).then(() => (acknowledged = 3 * i + 3));
      for (let i = 20; i < 40; i++) store.write({ entries: commands(3 * i + 1, 3 * i + 3, 1) }).then(() => (acknowledged = 3 * i + 3), () => undefined);
      await Promise.resolve();
      const { lastLog } = await store.crash();
      assert.ok(lastLog.index >= acknowledged, `${acknowledged} entries were acknowledged, ${lastLog.index} are there`);
      assert.equal(lastLog.index % 3, 0, 'each write is there as a whole or not at all');
      assertEntries(await store.readAll(1, lastLog.index), commands(1, lastLog.index, 1));
      await store.write({ entries: commands(lastLog.index + 1, lastLog.index + 1, 2) });
    }),
  ];
}

async function* noChunks(): AsyncGenerator<Uint8Array> {
  // Nothing to say.
}
