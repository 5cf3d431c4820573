import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Entry } from '../../lib/core/entry.js';
import { BLOCK_HEADER_BYTES, BlockReader, blockEnd, blockLength, encodeBlock, MAX_BLOCK_BYTES } from '../../lib/storage/file/block.js';
import { decodeState } from '../../lib/storage/file/state-record.js';
import { FileStorage } from '../../lib/storage/file.js';
import { Arena } from '../../lib/storage/file/arena.js';
import { Segment } from '../../lib/storage/file/segment.js';
import { Segments } from '../../lib/storage/file/segments.js';
import { assertEntries, bytesOf, chunked, commands, IDENTITY, metaOf, Store } from '../../lib/testing/storage-suite/store.js';
import { type FaultyCommits, fileFixture, stateRecord, temporaryDirectory } from '../support/file-fixture.js';

describe('FileStorage', () => {
  async function withStore(body: (store: Store, commits: FaultyCommits, path: string) => Promise<void>): Promise<void> {
    const fixture = fileFixture();
    const store = new Store(fixture);
    await store.open();
    await body(store, fixture.commits, fixture.path);
    await store.storage.close();
    await fixture.dispose();
  }

  it('a segment is closed after the write that is under way', async () => {
    const path = temporaryDirectory();
    const segment = await Segment.create(path, 1, 256 * 1024);
    let isWritten = false;
    void segment.write(new Uint8Array(128 * 1024), 1024).then(() => (isWritten = true));
    await segment.close();
    expect(isWritten).toBe(true);
    rmSync(path, { recursive: true });
  });

  it('puts appends that arrive while a commit is under way into one more commit', () =>
    withStore(async (store, commits) => {
      const before = commits.count;
      const first = store.write({ entries: commands(1, 1, 1) });
      while (commits.count === before) await new Promise((resolve) => setImmediate(resolve));
      const rest = Array.from({ length: 100 }, (_, i) => store.write({ entries: commands(i + 2, i + 2, 1) }));
      await Promise.all([first, ...rest]);
      expect(commits.count - before).toBe(2);
    }));

  it('puts what promises submit one after the other, before anything else happens, into one commit', () =>
    withStore(async (store, commits) => {
      const before = commits.count;
      const writes: Promise<void>[] = [];
      for (let index = 1; index <= 100; index++) {
        writes.push(store.write({ entries: commands(index, index, 1) }));
        await Promise.resolve();
      }
      await Promise.all(writes);
      expect(commits.count - before).toBe(1);
    }));

  it('takes all callers into one commit a round when each submits its next as soon as its last is durable', () =>
    withStore(async (store, commits) => {
      const before = commits.count;
      let index = 0;
      const call = (): Promise<void> => store.write({ entries: commands(++index, index, 1) });
      const caller = async (): Promise<void> => {
        for (let round = 0; round < 10; round++) await call();
      };
      await Promise.all(Array.from({ length: 7 }, caller));
      expect(commits.count - before).toBe(10);
    }));

  it('removes segments when all their entries are compacted, and goes on without them', () =>
    withStore(async (store, _, path) => {
      const segments = (): string[] => readdirSync(path).filter((name) => name.startsWith('log-')).sort();
      for (let index = 1; index <= 300; index++) await store.write({ entries: commands(index, index, 1, 15_000) });
      const before = segments();
      expect(before.length).toBeGreaterThan(4);
      await store.save(250, 1, bytesOf(1, 1));
      await store.storage.compact(100);
      const between = segments();
      await store.storage.compact(250);
      const after = segments();
      expect(between.length).toBeLessThan(before.length);
      expect(after.length).toBeLessThan(between.length);
      // The oldest went first, and none is missing.
      expect(before.slice(-between.length)).toEqual(between);
      expect(between.slice(-after.length)).toEqual(after);
      assertEntries(await store.readAll(251, 300), commands(251, 300, 1, 15_000));
      expect(await store.reopen()).toMatchObject({ compacted: { index: 250 }, lastLog: { index: 300 } });
      assertEntries(await store.readAll(251, 300), commands(251, 300, 1, 15_000));
    }));

  it('keeps the last commit, which says what is in force, while the first of the next segment is under way', async () => {
    const path = temporaryDirectory();
    const [segments, arena] = [await Segments.create(path), new Arena()];
    const commit = async (last: number, compacted: number, entries: Entry[]): Promise<void> => {
      arena.reset();
      const state = { hardState: { term: 7, votedFor: 'a' }, compacted: { index: compacted, term: 1 }, last: { index: last, term: 1 } };
      await segments.commit({ kept: last - entries.length, entries, state }, arena);
    };
    const firstCommitOf = (name: string): Uint8Array => {
      try {
        return readFileSync(join(path, name)).subarray(512, 1024);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        return new Uint8Array(); // removed, by another thread, since it was listed: then one that is listed after it holds commits
      }
    };
    const holdsCommits = (name: string): boolean => /^log-\d+$/.test(name) && firstCommitOf(name).some((byte) => byte !== 0);
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    const write = Segment.prototype.write;
    // A disk so slow that what runs beside a commit gets ahead of it.
    const slow = jest.spyOn(Segment.prototype, 'write').mockImplementation(async function (this: Segment, bytes, position) {
      for (let turns = 30; turns > 0; turns--) await turn();
      await write.call(this, bytes, position);
    });
    try {
      for (let index = 1; index <= 20; index++) {
        // Before each commit nothing of the log counts but term, vote and where it goes on.
        let isOver = false;
        const next = commit(index, index, commands(index, index, 1, 60_000)).finally(() => (isOver = true));
        while (!isOver) {
          void segments.removeUnused();
          await turn();
          if (index > 1) expect(readdirSync(path).filter(holdsCommits)).not.toEqual([]);
        }
        await next;
      }
    } finally {
      slow.mockRestore();
    }
    await segments.close();
    expect(readdirSync(path).length).toBeLessThan(4);
    rmSync(path, { recursive: true });
  });

  it('closes what is being opened', async () => {
    const path = temporaryDirectory();
    const storage = new FileStorage({ path });
    const opening = storage.open(IDENTITY);
    await storage.close();
    await opening;
    await expect(storage.append({ id: 1, hardState: null, truncateAfter: null, entries: [] })).rejects.toThrow('the storage is closed');
    const again = new FileStorage({ path });
    await again.open(IDENTITY);
    await again.close();
    rmSync(path, { recursive: true });
  });

  it('takes a write that is larger than any segment', () =>
    withStore(async (store) => {
      await store.write({ entries: commands(1, 1, 1) });
      await store.write({ entries: commands(2, 4, 1, 9_000_000) });
      await store.write({ entries: commands(5, 5, 1) });
      expect((await store.reopen()).lastLog.index).toBe(5);
      assertEntries(await store.readAll(1, 5), [...commands(1, 1, 1), ...commands(2, 4, 1, 9_000_000), ...commands(5, 5, 1)]);
    }));

  it('waits for no commit when it reads entries that no waiting write touches', () =>
    withStore(async (store, commits) => {
      await store.write({ entries: commands(1, 10, 1) });
      let isDurable = false;
      const write = store.write({ entries: commands(11, 12, 1) }).then(() => (isDurable = true));
      assertEntries(await store.storage.read(3, 4, 1000), commands(3, 4, 1));
      expect(isDurable).toBe(false);
      await write;
      expect(commits.failure).toBeNull();
    }));

  it('gives payloads that nothing changes later', () =>
    withStore(async (store) => {
      await store.write({ entries: commands(1, 50, 1, 500) });
      const read = await store.readAll(1, 50);
      await store.write({ truncateAfter: 0, entries: commands(1, 50, 2, 500) });
      await store.readAll(1, 50);
      assertEntries(read, commands(1, 50, 1, 500));
    }));

  it('lets two snapshots be saved at once: the newer one stays', () =>
    withStore(async (store) => {
      await store.write({ entries: commands(1, 9, 1) });
      const newer = store.storage.saveSnapshot(metaOf(8, 1), chunked(bytesOf(500_000, 8), 1000), { replaceLog: false });
      const older = store.storage.saveSnapshot(metaOf(4, 1), chunked(bytesOf(500_000, 4), 1000), { replaceLog: false });
      await Promise.all([newer, older]);
      expect((await store.reopen()).snapshot?.last.index).toBe(8);
      expect(Buffer.from(bytesOf(500_000, 8)).equals(await store.snapshotBytes())).toBe(true);
    }));
});

function packed(entries: readonly Entry[], from: number, to: number): Uint8Array {
  const bytes = new Uint8Array(blockLength(entries, from, to)).fill(255);
  encodeBlock(entries, from, to, bytes);
  return bytes;
}

describe('a block', () => {
  it('gives back what was packed', () => {
    const entries: Entry[] = [...commands(7, 9, 2 ** 40 + 3, 13), { index: 10, term: 2 ** 47, kind: 'noop', payload: new Uint8Array(0) }, ...commands(11, 11, 2 ** 47, 4)];
    const block = new BlockReader(packed(entries, 0, entries.length), 7);
    const unpacked: Entry[] = [];
    while (block.next()) unpacked.push(block.entry());
    assertEntries(unpacked, entries);
    expect(block.last).toBe(11);
  });

  it('is cut at the bound, and holds one entry in any case', () => {
    const entries = [...commands(1, 100, 1, 1000), ...commands(101, 102, 1, 2 * MAX_BLOCK_BYTES)];
    expect(blockEnd(entries, 0)).toBe(64);
    expect(packed(entries, 0, 64).length).toBeLessThanOrEqual(MAX_BLOCK_BYTES);
    expect(blockEnd(entries, 100)).toBe(101);
  });

  it('is refused under another index than its own', () => {
    const entries = commands(1, 3, 1);
    expect(() => new BlockReader(packed(entries, 0, 3), 2)).toThrow('checksum');
  });

  it('names the entry in which any one bit is flipped', () => {
    const entries = commands(5, 8, 1, 20);
    const bytes = packed(entries, 0, 4);
    const entryLength = (bytes.length - BLOCK_HEADER_BYTES) / 4;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const index = bit < 8 * BLOCK_HEADER_BYTES ? 5 : 5 + Math.floor(((bit >> 3) - BLOCK_HEADER_BYTES) / entryLength);
      let reported: unknown = null;
      try {
        new BlockReader(damaged, 5);
      } catch (error) {
        reported = error;
      }
      expect(reported).toMatchObject({ name: 'CorruptLogError', index });
    }
  });
});

describe('the state record', () => {
  it('gives back what was put in, a missing vote and a name beyond ASCII included', () => {
    for (const votedFor of [null, 'a', 'x'.repeat(64), 'é']) {
      const state = { hardState: { term: 2 ** 50, votedFor }, compacted: { index: 3, term: 1 }, last: { index: 2 ** 40, term: 2 ** 50 } };
      expect(decodeState(stateRecord(state))).toEqual(state);
    }
  });

  it('is refused when its checksum is right and its content makes no sense', () => {
    const valid = stateRecord({ hardState: { term: 1, votedFor: 'a' }, compacted: { index: 0, term: 0 }, last: { index: 9, term: 1 } });
    const changes: ((view: DataView) => void)[] = [
      (view) => view.setUint8(4, 9),
      (view) => view.setUint8(5, 7),
      (view) => view.setFloat64(8, NaN),
      (view) => view.setFloat64(16, 10),
      (view) => view.setFloat64(32, -1),
      (view) => view.setFloat64(40, 0.5),
    ];
    for (const change of changes) {
      const bytes = valid.slice();
      const view = new DataView(bytes.buffer);
      change(view);
      view.setUint32(0, crc32(bytes.subarray(4)));
      expect(() => decodeState(bytes)).toThrow(/makes no sense/);
    }
  });

  it('is refused when a byte is missing', () => {
    const bytes = stateRecord({ hardState: { term: 1, votedFor: 'a' }, compacted: { index: 0, term: 0 }, last: { index: 0, term: 0 } });
    expect(() => decodeState(bytes.subarray(0, -1))).toThrow('checksum');
    expect(crc32(bytes.subarray(4))).toBe(new DataView(bytes.buffer).getUint32(0));
  });
});
