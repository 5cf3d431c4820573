import assert from 'node:assert/strict';
import { entriesBytes, type Entry } from '../../core/entry.js';
import { StorageError } from '../../ports/errors.js';
import type { ComplianceCase } from '../compliance.js';
import { assertEntries, commands, configurationEntry, noop, storeCase, type NewFixture } from './store.js';

/** Appending, truncating, reading and compacting. */
export function logCases(newFixture: NewFixture): ComplianceCase[] {
  return [
    storeCase(newFixture, 'a new store is empty, at term 0, without a vote', async (store) => {
      assert.deepEqual(store.state, {
        hardState: { term: 0, votedFor: null },
        snapshot: null,
        compacted: { index: 0, term: 0 },
        lastLog: { index: 0, term: 0 },
        terms: [],
        configurations: [],
      });
    }),

    storeCase(newFixture, 'what was appended is read back, now and after a restart, with its terms and configurations', async (store) => {
      const entries: Entry[] = [configurationEntry(1, 1), noop(2, 1), ...commands(3, 5, 1), noop(6, 4), ...commands(7, 9, 4, 3000), configurationEntry(10, 2 ** 40)];
      await store.write({ entries });
      assertEntries(await store.readAll(1, 10), entries);
      const state = await store.reopen();
      assertEntries(await store.readAll(1, 10), entries);
      assert.deepEqual(state.lastLog, { index: 10, term: 2 ** 40 });
      assert.deepEqual(state.terms, [{ term: 1, first: 1 }, { term: 4, first: 6 }, { term: 2 ** 40, first: 10 }]);
      assertEntries(state.configurations, [entries[0] as Entry, entries[9] as Entry]);
    }),

    storeCase(newFixture, 'hard state is saved alone and together with entries, and survives a crash', async (store) => {
      await store.write({ hardState: { term: 3, votedFor: 'b' } });
      assert.deepEqual((await store.crash()).hardState, { term: 3, votedFor: 'b' });
      await store.write({ hardState: { term: 4, votedFor: null }, entries: [noop(1, 4)] });
      const state = await store.crash();
      assert.deepEqual([state.hardState, state.lastLog], [{ term: 4, votedFor: null }, { index: 1, term: 4 }]);
    }),

    storeCase(newFixture, 'writes issued without waiting become durable, and resolve, in the order of the calls', async (store) => {
      const order: number[] = [];
      const writes: Promise<unknown>[] = [];
      for (let i = 1; i <= 50; i++) writes.push(store.write({ entries: commands(i, i, 1) }).then(() => order.push(i)));
      await Promise.all(writes);
      assert.deepEqual(order, Array.from({ length: 50 }, (_, i) => i + 1));
      assertEntries(await store.readAll(1, 50), commands(1, 50, 1));
    }),

    storeCase(newFixture, 'a write removes a suffix and appends in its place as one', async (store) => {
      await store.write({ entries: commands(1, 100, 1) });
      await store.write({ truncateAfter: 42, entries: commands(43, 60, 2) });
      const expected = [...commands(1, 42, 1), ...commands(43, 60, 2)];
      assertEntries(await store.readAll(1, 60), expected);
      const state = await store.crash();
      assert.deepEqual([state.lastLog, state.terms], [{ index: 60, term: 2 }, [{ term: 1, first: 1 }, { term: 2, first: 43 }]]);
      assertEntries(await store.readAll(1, 60), expected);
    }),

    storeCase(newFixture, 'truncations and appends issued together have the effect they would have one by one', async (store) => {
      await store.write({ entries: commands(1, 30, 1) });
      await Promise.all([
        store.write({ entries: commands(31, 40, 1) }),
        store.write({ truncateAfter: 35, entries: commands(36, 50, 2) }),
        store.write({ truncateAfter: 20 }),
        store.write({ entries: commands(21, 22, 3) }),
        store.write({ truncateAfter: 21, entries: commands(22, 24, 4) }),
      ]);
      const expected = [...commands(1, 20, 1), ...commands(21, 21, 3), ...commands(22, 24, 4)];
      assertEntries(await store.readAll(1, 24), expected);
      assert.deepEqual((await store.reopen()).lastLog, { index: 24, term: 4 });
      assertEntries(await store.readAll(1, 24), expected);
    }),

    storeCase(newFixture, 'the whole log can be truncated', async (store) => {
      await store.write({ entries: commands(1, 30, 1) });
      await store.write({ truncateAfter: 0 });
      assert.deepEqual((await store.reopen()).lastLog, { index: 0, term: 0 });
      await store.write({ entries: commands(1, 2, 2) });
      assertEntries(await store.readAll(1, 2), commands(1, 2, 2));
    }),

    storeCase(newFixture, 'a read sees every write that was issued before it', async (store) => {
      await store.write({ entries: commands(1, 5, 1) });
      const writes = [store.write({ entries: commands(6, 9, 1) }), store.write({ truncateAfter: 7, entries: commands(8, 8, 2) })];
      assertEntries(await store.storage.read(5, 100, 100_000), [...commands(5, 7, 1), ...commands(8, 8, 2)]);
      await Promise.all(writes);
    }),

    storeCase(newFixture, 'a read ends at the byte bound, but gives one entry in any case', async (store) => {
      await store.write({ entries: commands(1, 10, 1, 100) });
      const two = entriesBytes(commands(1, 2, 1, 100));
      assertEntries(await store.storage.read(3, 10, two), commands(3, 4, 1, 100));
      assertEntries(await store.storage.read(3, 10, two - 1), commands(3, 3, 1, 100));
      assertEntries(await store.storage.read(3, 10, 0), commands(3, 3, 1, 100));
      assertEntries(await store.storage.read(3, 4, 100_000), commands(3, 4, 1, 100));
    }),

    storeCase(newFixture, 'a read before the log or past its end is refused', async (store) => {
      await store.write({ entries: commands(1, 10, 1) });
      await store.save(4, 1, new Uint8Array(0));
      await store.storage.compact(4);
      await assert.rejects(store.storage.read(4, 10, 1000), StorageError);
      await assert.rejects(store.storage.read(11, 12, 1000), StorageError);
    }),

    storeCase(newFixture, 'an entry of a megabyte goes in and comes out', async (store) => {
      const entries = [...commands(1, 1, 1), ...commands(2, 2, 1, 1_000_001), ...commands(3, 3, 1)];
      await store.write({ entries });
      await store.reopen();
      assertEntries(await store.readAll(1, 3), entries);
    }),

    storeCase(newFixture, 'an append that leaves a gap is refused', async (store) => {
      await store.write({ entries: commands(1, 2, 1) });
      await assert.rejects(store.write({ entries: commands(4, 4, 1) }), StorageError);
      assert.deepEqual((await store.reopen()).lastLog, { index: 2, term: 1 });
    }),

    storeCase(newFixture, 'compaction forgets the entries before a point and keeps the rest', async (store) => {
      await store.write({ entries: [...commands(1, 500, 1, 200), ...commands(501, 600, 2, 200)] });
      await store.save(399, 1, new Uint8Array(3));
      await store.storage.compact(399);
      await store.storage.compact(10);
      await store.storage.compact(399);
      const state = await store.crash();
      assert.deepEqual([state.compacted, state.lastLog], [{ index: 399, term: 1 }, { index: 600, term: 2 }]);
      assert.deepEqual(state.terms, [{ term: 1, first: 400 }, { term: 2, first: 501 }]);
      assertEntries(await store.readAll(400, 600), [...commands(400, 500, 1, 200), ...commands(501, 600, 2, 200)]);
      await store.write({ truncateAfter: 399, entries: commands(400, 401, 3) });
      await store.reopen();
      assertEntries(await store.readAll(400, 401), commands(400, 401, 3));
    }),

    storeCase(newFixture, 'the whole log can be compacted, and goes on', async (store) => {
      await store.write({ entries: commands(1, 5, 1) });
      await store.save(5, 1, new Uint8Array(0));
      await store.storage.compact(5);
      let state = await store.reopen();
      assert.deepEqual([state.compacted, state.lastLog, state.terms], [{ index: 5, term: 1 }, { index: 5, term: 1 }, []]);
      await store.write({ entries: commands(6, 7, 2) });
      state = await store.reopen();
      assert.deepEqual([state.compacted, state.lastLog], [{ index: 5, term: 1 }, { index: 7, term: 2 }]);
      assertEntries(await store.readAll(6, 7), commands(6, 7, 2));
    }),

    storeCase(newFixture, 'nothing is compacted that no durable snapshot covers', async (store) => {
      await store.write({ entries: commands(1, 5, 1) });
      await assert.rejects(store.storage.compact(1), StorageError);
      await store.save(2, 1, new Uint8Array(0));
      await assert.rejects(store.storage.compact(3), StorageError);
      assertEntries(await store.readAll(1, 5), commands(1, 5, 1));
    }),

    storeCase(newFixture, 'writes go on while the log is compacted', async (store) => {
      await store.write({ entries: commands(1, 1000, 1, 300) });
      await store.save(900, 1, new Uint8Array(0));
      const compaction = store.storage.compact(900);
      for (let i = 1001; i <= 1010; i++) await store.write({ entries: commands(i, i, 1, 300) });
      await compaction;
      await store.reopen();
      assertEntries(await store.readAll(901, 1010), commands(901, 1010, 1, 300));
    }),
  ];
}
