import { crc32 } from 'node:zlib';
import type { Entry } from '../../lib/core/entry.js';
import { BlockReader, blockEnd, blockLength, encodeBlock, MAX_BLOCK_BYTES } from '../../lib/storage/lmdb/block.js';
import { decodeState, encodeState } from '../../lib/storage/lmdb/state-record.js';
import { assertEntries, bytesOf, chunked, commands, metaOf, Store } from '../../lib/testing/storage-suite/store.js';
import { type FaultyEnvironment, lmdbFixture } from '../support/lmdb-fixture.js';

describe('LmdbStorage', () => {
  async function withStore(body: (store: Store, environment: FaultyEnvironment) => Promise<void>): Promise<void> {
    const fixture = lmdbFixture();
    const store = new Store(fixture);
    await store.open();
    const { environment } = fixture;
    if (environment === null) throw new Error('the store opened no environment');
    await body(store, environment);
    await store.storage.close();
    await fixture.dispose();
  }

  it('puts appends that arrive while a commit is under way into one more commit', () =>
    withStore(async (store, environment) => {
      const before = environment.commits;
      const first = store.write({ entries: commands(1, 1, 1) });
      while (environment.commits === before) await new Promise((resolve) => setImmediate(resolve));
      const rest = Array.from({ length: 100 }, (_, i) => store.write({ entries: commands(i + 2, i + 2, 1) }));
      await Promise.all([first, ...rest]);
      expect(environment.commits - before).toBe(2);
    }));

  it('puts what promises submit one after the other, before anything else happens, into one commit', () =>
    withStore(async (store, environment) => {
      const before = environment.commits;
      const writes: Promise<void>[] = [];
      for (let index = 1; index <= 100; index++) {
        writes.push(store.write({ entries: commands(index, index, 1) }));
        await Promise.resolve();
      }
      await Promise.all(writes);
      expect(environment.commits - before).toBe(1);
    }));

  it('takes all callers into one commit a round when each submits its next as soon as its last is durable', () =>
    withStore(async (store, environment) => {
      const before = environment.commits;
      let index = 0;
      const call = (): Promise<void> => store.write({ entries: commands(++index, index, 1) });
      const caller = async (): Promise<void> => {
        for (let round = 0; round < 10; round++) await call();
      };
      await Promise.all(Array.from({ length: 7 }, caller));
      expect(environment.commits - before).toBe(10);
    }));

  it('packs entries that were appended one at a time into few records', () =>
    withStore(async (store, environment) => {
      for (let index = 1; index <= 100; index++) await store.write({ entries: commands(index, index, 1) });
      expect(environment.keys(1, Infinity, Infinity).length).toBeLessThan(5);
      assertEntries(await store.readAll(1, 100), commands(1, 100, 1));
    }));

  it('removes blocks when all their entries are compacted, a bounded number in one commit', () =>
    withStore(async (store, environment) => {
      await store.write({ entries: commands(1, 700, 1, 15_000) });
      await store.save(650, 1, bytesOf(1, 1));
      const before = environment.commits;
      await store.storage.compact(650);
      expect(environment.commits - before).toBe(1 + Math.ceil(650 / 256));
      expect(environment.keys(1, Infinity, 1)).toEqual([651]);
    }));

  it('waits for no commit when it reads entries that no waiting write touches', () =>
    withStore(async (store, environment) => {
      await store.write({ entries: commands(1, 10, 1) });
      let isDurable = false;
      const write = store.write({ entries: commands(11, 12, 1) }).then(() => (isDurable = true));
      assertEntries(await store.storage.read(3, 4, 1000), commands(3, 4, 1));
      expect(isDurable).toBe(false);
      await write;
      expect(environment.failure).toBeNull();
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
    expect(blockEnd(entries, 0)).toBe(16);
    expect(packed(entries, 0, 16).length).toBeLessThanOrEqual(MAX_BLOCK_BYTES);
    expect(blockEnd(entries, 100)).toBe(101);
  });

  it('is refused under another index than its own', () => {
    const entries = commands(1, 3, 1);
    expect(() => new BlockReader(packed(entries, 0, 3), 2)).toThrow('checksum');
  });

  it('names the entry in which any one bit is flipped', () => {
    const entries = commands(5, 8, 1, 20);
    const bytes = packed(entries, 0, 4);
    const entryLength = (bytes.length - 8) / 4;
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      const index = bit < 64 ? 5 : 5 + Math.floor(((bit >> 3) - 8) / entryLength);
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
      expect(decodeState(encodeState(state))).toEqual(state);
    }
  });

  it('is refused when a byte is missing', () => {
    const bytes = encodeState({ hardState: { term: 1, votedFor: 'a' }, compacted: { index: 0, term: 0 }, last: { index: 0, term: 0 } });
    expect(() => decodeState(bytes.subarray(0, -1))).toThrow('checksum');
    expect(crc32(bytes.subarray(4))).toBe(new DataView(bytes.buffer).getUint32(0));
  });
});
