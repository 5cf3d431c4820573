import assert from 'node:assert/strict';
import type { ComplianceCase } from '../compliance.js';
import { assertEntries, bytesOf, chunked, commands, metaOf, storeCase, type NewFixture } from './store.js';

/** Saving and reading snapshots. */
export function snapshotCases(newFixture: NewFixture): ComplianceCase[] {
  return [
    storeCase(newFixture, 'there is no snapshot at first', async (store) => {
      assert.equal(await store.storage.readSnapshot(), null);
    }),

    storeCase(newFixture, 'a snapshot is read back, now and after a crash, from any offset', async (store) => {
      const content = bytesOf(700_001, 1);
      await store.write({ entries: commands(1, 9, 2) });
      const meta = await store.save(7, 2, content);
      assert.deepEqual(meta, { ...metaOf(7, 2), bytes: 700_001 });
      assert.deepEqual((await store.crash()).snapshot, meta);
      for (const offset of [0, 1, 262_143, 262_144, 262_145, 700_000, 700_001]) {
        assert.ok(Buffer.from(content.subarray(offset)).equals(await store.snapshotBytes(offset)), `the bytes from ${offset} on`);
      }
      assert.deepEqual((await store.storage.readSnapshot())?.meta, meta);
    }),

    storeCase(newFixture, 'an empty snapshot is a snapshot', async (store) => {
      await store.write({ entries: commands(1, 1, 1) });
      await store.save(1, 1, new Uint8Array(0));
      assert.equal((await store.reopen()).snapshot?.bytes, 0);
      assert.equal((await store.snapshotBytes()).length, 0);
    }),

    storeCase(newFixture, 'a newer snapshot takes the place of an older one, never the other way round', async (store) => {
      await store.write({ entries: commands(1, 9, 1) });
      const newer = bytesOf(300_000, 2);
      await store.save(5, 1, bytesOf(400_000, 1));
      const meta = await store.save(8, 1, newer);
      assert.deepEqual(await store.save(6, 1, bytesOf(10, 3)), meta);
      assert.deepEqual((await store.reopen()).snapshot, meta);
      assert.ok(Buffer.from(newer).equals(await store.snapshotBytes()));
    }),

    storeCase(newFixture, 'a snapshot whose source fails leaves the one before it, and the error is the source’s', async (store) => {
      await store.write({ entries: commands(1, 9, 1) });
      const meta = await store.save(5, 1, bytesOf(1000, 1));
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield bytesOf(300_000, 2);
        throw new RangeError('the state machine failed');
      };
      await assert.rejects(store.storage.saveSnapshot(metaOf(8, 1), broken(), { replaceLog: false }), RangeError);
      await store.write({ entries: commands(10, 10, 1) });
      assert.deepEqual((await store.reopen()).snapshot, meta);
      assert.ok(Buffer.from(bytesOf(1000, 1)).equals(await store.snapshotBytes()));
    }),

    storeCase(newFixture, 'a crash while a snapshot is being saved leaves the one before it', async (store) => {
      await store.write({ entries: commands(1, 9, 1) });
      const meta = await store.save(5, 1, bytesOf(1000, 1));
      let goOn = (): void => undefined;
      const paused = new Promise<void>((resolve) => (goOn = resolve));
      const underWay = new Promise<void>((started) => {
        const slow = async function* (): AsyncGenerator<Uint8Array> {
          yield bytesOf(600_000, 2);
          started();
          await paused;
        };
        store.storage.saveSnapshot(metaOf(8, 1), slow(), { replaceLog: true }).catch(() => undefined);
      });
      await underWay;
      const state = await store.crash();
      goOn();
      assert.deepEqual([state.snapshot, state.lastLog], [meta, { index: 9, term: 1 }]);
      assert.ok(Buffer.from(bytesOf(1000, 1)).equals(await store.snapshotBytes()));
    }),

    storeCase(newFixture, 'a snapshot that replaces the log drops it, and the log goes on behind the snapshot', async (store) => {
      await store.write({ hardState: { term: 7, votedFor: 'b' }, entries: commands(1, 400, 1, 300) });
      const meta = await store.save(1000, 5, bytesOf(10, 1), true);
      await assert.rejects(store.storage.read(400, 400, 1000));
      let state = await store.crash();
      assert.deepEqual([state.snapshot, state.compacted, state.lastLog, state.terms], [meta, meta.last, meta.last, []]);
      assert.deepEqual(state.hardState, { term: 7, votedFor: 'b' });
      await store.write({ entries: commands(1001, 1003, 7) });
      state = await store.reopen();
      assert.deepEqual([state.compacted, state.lastLog], [meta.last, { index: 1003, term: 7 }]);
      assertEntries(await store.readAll(1001, 1003), commands(1001, 1003, 7));
    }),

    storeCase(newFixture, 'a snapshot from within a longer conflicting log drops all of it', async (store) => {
      await store.write({ entries: commands(1, 50, 1) });
      const meta = await store.save(20, 3, bytesOf(10, 1), true);
      await store.write({ entries: commands(21, 22, 3) });
      const state = await store.reopen();
      assert.deepEqual([state.compacted, state.lastLog], [meta.last, { index: 22, term: 3 }]);
      assertEntries(await store.readAll(21, 22), commands(21, 22, 3));
    }),

    storeCase(newFixture, 'appends do not wait for a snapshot that is being saved', async (store) => {
      await store.write({ entries: commands(1, 3, 1) });
      let goOn = (): void => undefined;
      const paused = new Promise<void>((resolve) => (goOn = resolve));
      const slow = async function* (): AsyncGenerator<Uint8Array> {
        await paused;
        yield* chunked(bytesOf(10, 1), 3);
      };
      const saved = store.storage.saveSnapshot(metaOf(3, 1), slow(), { replaceLog: false });
      await store.write({ entries: commands(4, 4, 1) });
      goOn();
      assert.equal((await saved).bytes, 10);
    }),

    storeCase(newFixture, 'until a snapshot is whole the one before it is what is read', async (store) => {
      await store.write({ entries: commands(1, 9, 1) });
      const [older, newer] = [bytesOf(800_000, 1), bytesOf(900_000, 2)];
      const meta = await store.save(5, 1, older);
      let goOn = (): void => undefined;
      const paused = new Promise<void>((resolve) => (goOn = resolve));
      const slow = async function* (): AsyncGenerator<Uint8Array> {
        yield* chunked(newer.subarray(0, 600_000), 100_000);
        assert.deepEqual((await store.storage.readSnapshot())?.meta, meta);
        await paused;
        yield* chunked(newer.subarray(600_000), 100_000);
      };
      const saving = store.storage.saveSnapshot(metaOf(6, 1), slow(), { replaceLog: false });
      assert.ok(Buffer.from(await store.snapshotBytes()).equals(older));
      assert.ok(Buffer.from(await store.snapshotBytes(300_000)).equals(older.subarray(300_000)));
      goOn();
      await saving;
      assert.ok(Buffer.from(await store.snapshotBytes()).equals(newer));
    }),

    storeCase(newFixture, 'a snapshot that is replaced while it is read is read to its end all the same', async (store) => {
      await store.write({ entries: commands(1, 9, 1) });
      const [older, newer] = [bytesOf(800_000, 1), bytesOf(900_000, 2)];
      await store.save(5, 1, older);
      const opened = await store.storage.readSnapshot();
      const begun = await store.storage.readSnapshot(300_000);
      const parts: Uint8Array[] = [];
      for await (const chunk of begun?.chunks ?? []) {
        if (parts.length === 0) await store.save(6, 1, newer);
        parts.push(chunk);
      }
      assert.ok(Buffer.concat(parts).equals(older.subarray(300_000)), 'the rest of the one that was being read');
      assert.equal(opened?.meta.last.index, 5);
      const whole: Uint8Array[] = [];
      for await (const chunk of opened.chunks) whole.push(chunk);
      assert.ok(Buffer.concat(whole).equals(older), 'the one that was opened before');
      assert.ok(Buffer.from(await store.snapshotBytes()).equals(newer), 'whoever opens one now reads the newer');
    }),

    storeCase(newFixture, 'reading may stop anywhere, and the store closes all the same', async (store) => {
      await store.write({ entries: commands(1, 9, 1) });
      await store.save(5, 1, bytesOf(800_000, 1));
      const stopped = await store.storage.readSnapshot();
      for await (const _chunk of stopped?.chunks ?? []) break;
      const untouched = await store.storage.readSnapshot();
      assert.equal(untouched?.meta.bytes, 800_000);
    }),
  ];
}
