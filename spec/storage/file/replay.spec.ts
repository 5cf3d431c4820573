import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Entry } from '../../../lib/core/entry.js';
import { CorruptLogError } from '../../../lib/ports/errors.js';
import { commitHead, encodeEnd, SECTOR_BYTES, type CommitHead } from '../../../lib/storage/file/commit.js';
import { readSegment, Segment } from '../../../lib/storage/file/segment.js';
import { FileStorage } from '../../../lib/storage/file.js';
import { assertEntries, commands, IDENTITY, Store } from '../../../lib/testing/storage-suite/store.js';
import { defined } from '../../support/defined.js';
import { fileFixture } from '../../support/file-fixture.js';

/** Two sectors and a bit, each with something in it. */
const DENSE: readonly Entry[] = commands(3, 3, 1, 1200);
/** Its sectors hold zeros, but for the first and the last. */
const SPARSE: readonly Entry[] = [{ index: 3, term: 1, kind: 'command', payload: new Uint8Array(4000).fill(7, 3990) }];

describe('what a crash or a bad disk leaves of the last commit', () => {
  it.each([
    ['dense', DENSE],
    ['sparse', SPARSE],
  ])('is gone when any sector of it was not written, and what follows is as if it had never been (%s)', async (_, entries) => {
    await withLog(entries, async ({ path, file, bytes, last }) => {
      for (let at = last.offset; at < last.offset + last.length; at += SECTOR_BYTES) {
        if (isZero(bytes.subarray(at, at + SECTOR_BYTES))) continue;
        const torn = Buffer.from(bytes).fill(0, at, at + SECTOR_BYTES);
        writeFileSync(file, torn);
        const storage = new FileStorage({ path });
        expect((await storage.open(IDENTITY)).lastLog.index).toBe(2);
        await storage.append({ id: 1, hardState: null, truncateAfter: null, entries: commands(3, 3, 2, 10) });
        await storage.close();
        const again = new FileStorage({ path });
        expect((await again.open(IDENTITY)).lastLog).toEqual({ index: 3, term: 2 });
        assertEntries(await again.read(1, 3, Infinity), [...commands(1, 2, 1), ...commands(3, 3, 2, 10)]);
        await again.close();
      }
    });
  });

  it.each([
    ['dense', DENSE],
    ['sparse', SPARSE],
  ])('is refused when all of it was written and any of its bytes is another one now (%s)', async (_, entries) => {
    await withLog(entries, async ({ path, file, bytes, last }) => {
      const used = last.offset + bytes.subarray(last.offset).reduce((end, byte, at) => (byte === 0 ? end : at + 1), 0);
      for (let at = last.offset; at < used; at += at < last.offset + 60 ? 1 : 97) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ 0x24;
        // A sector that held zeros no longer does then.
        writeFileSync(file, damaged);
        await expect(new FileStorage({ path }).open(IDENTITY)).rejects.toThrow(CorruptLogError);
      }
      writeFileSync(file, bytes);
      const storage = new FileStorage({ path });
      await storage.open(IDENTITY);
      assertEntries(await storage.read(1, 3, Infinity), [...commands(1, 2, 1), ...entries]);
      await storage.close();
    });
  });

  it('is refused when what is missing is not the last commit', async () => {
    await withLog(DENSE, async ({ path, file, bytes, commits }) => {
      for (const commit of commits.slice(0, -1)) {
        for (const length of [SECTOR_BYTES, commit.length]) {
          writeFileSync(file, Buffer.from(bytes).fill(0, commit.offset, commit.offset + length));
          await expect(new FileStorage({ path }).open(IDENTITY)).rejects.toThrow(/commits that came later are behind it/);
        }
      }
    });
  });

  it('is gone when it was not written to the end, even if its entries hold what looks like later commits', async () => {
    let copied: Uint8Array = new Uint8Array(0);
    await withLog(DENSE, async ({ bytes, commits }) => void (copied = bytes.subarray(0, 10 * commits.length * SECTOR_BYTES)));
    const looksLikeCommits: Entry = { index: 3, term: 1, kind: 'command', payload: copied };
    await withLog([looksLikeCommits], async ({ path, file, bytes, last }) => {
      writeFileSync(file, Buffer.from(bytes).fill(0, last.offset, last.offset + SECTOR_BYTES));
      const storage = new FileStorage({ path });
      expect((await storage.open(IDENTITY)).lastLog.index).toBe(2);
      await storage.close();
    });
  });
});

describe('what a process that was killed wrote last, perhaps into the system’s memory alone,', () => {
  afterEach(() => jest.restoreAllMocks());

  it('is written once more before the store opens', async () => {
    await withLog(DENSE, async ({ path, bytes, last }) => {
      const write = jest.spyOn(Segment.prototype, 'write');
      const storage = new FileStorage({ path });
      await storage.open(IDENTITY);
      await storage.close();
      expect(write.mock.calls.map(([written, at]) => [Buffer.from(written), at])).toEqual([[bytes.subarray(last.offset, last.offset + last.length), last.offset]]);
    });
  });

  it('is an end mark when the log was about to go on in the next file', async () => {
    await withLog(DENSE, async ({ path, file, bytes, last }) => {
      const { head } = await readSegment(path, 1);
      const at = last.offset + last.length;
      const mark = encodeEnd({ salt: head.salt, offset: at, sequence: last.sequence + 1 });
      writeFileSync(file, Buffer.concat([bytes.subarray(0, at), mark, bytes.subarray(at + mark.length)]));
      await (await Segment.create(path, 2, 64 * 1024)).close();
      const write = jest.spyOn(Segment.prototype, 'write');
      const storage = new FileStorage({ path });
      expect((await storage.open(IDENTITY)).lastLog.index).toBe(3);
      expect(write.mock.calls.map(([written, place]) => [Buffer.from(written), place])).toEqual([[Buffer.from(mark), at]]);
      await storage.append({ id: 1, hardState: null, truncateAfter: null, entries: commands(4, 4, 1) });
      await storage.close();
      assertEntries(await readAgain(path, 4), [...commands(1, 2, 1), ...DENSE, ...commands(4, 4, 1)]);
    });
  });

  it('keeps the store from opening when the disk does not take it', async () => {
    await withLog(DENSE, async ({ path }) => {
      jest.spyOn(Segment.prototype, 'write').mockRejectedValue(new Error('EIO: i/o error, write'));
      await expect(new FileStorage({ path }).open(IDENTITY)).rejects.toMatchObject({ name: 'StorageError', message: expect.stringContaining('EIO') as string });
      jest.restoreAllMocks();
      assertEntries(await readAgain(path, 3), [...commands(1, 2, 1), ...DENSE]);
    });
  });
});

async function readAgain(path: string, last: number): Promise<Entry[]> {
  const storage = new FileStorage({ path });
  await storage.open(IDENTITY);
  const entries = await storage.read(1, last, Infinity);
  await storage.close();
  return entries;
}

describe('what stands where nothing is expected', () => {
  it('between the entries of a commit and its end is no commit and no end of the process', async () => {
    await withLog(commands(3, 3, 1, 100), async ({ path, file, bytes, last }) => {
      for (const lengthOfRecord of [0xffffffd8, 0x80000000, 0]) {
        const damaged = Buffer.from(bytes);
        const at = last.offset + last.length - 60;
        expect(isZero(damaged.subarray(at))).toBe(true);
        bytes.copy(damaged, at + 4, last.offset + 4, last.offset + 8); // what a commit begins with
        damaged.writeUInt32BE(lengthOfRecord, at + 20);
        writeFileSync(file, damaged);
        const storage = new FileStorage({ path });
        await storage.open(IDENTITY);
        assertEntries(await storage.read(1, 3, Infinity), [...commands(1, 2, 1), ...commands(3, 3, 1, 100)]);
        await storage.close();
      }
    });
  });

  it('in the head of a commit that is being read is told of with the entry that is missed', async () => {
    await withLog(commands(3, 3, 1, 100), async ({ path, file, bytes, last }) => {
      const storage = new FileStorage({ path });
      await storage.open(IDENTITY);
      const damaged = Buffer.from(bytes);
      damaged.writeUInt32BE(0x80000030, last.offset + 20);
      writeFileSync(file, damaged);
      await expect(storage.read(1, 3, Infinity)).rejects.toMatchObject({ name: 'CorruptLogError', index: 3 });
      await storage.close();
    });
  });
});

interface Log {
  readonly path: string;
  readonly file: string;
  readonly bytes: Buffer;
  readonly commits: readonly CommitHead[];
  readonly last: CommitHead;
}

/** A log of entries 1, 2 and, in the last commit, `entries`. */
async function withLog(entries: readonly Entry[], body: (log: Log) => Promise<void>): Promise<void> {
  const fixture = fileFixture();
  try {
    const store = new Store(fixture);
    await store.open();
    await store.write({ hardState: { term: 1, votedFor: 'a' }, entries: commands(1, 1, 1) });
    await store.write({ entries: commands(2, 2, 1) });
    await store.write({ entries: [...entries] });
    await store.storage.close();
    const file = join(fixture.path, 'log-0000000001');
    const bytes = readFileSync(file);
    const { salt } = (await readSegment(fixture.path, 1)).head;
    const commits: CommitHead[] = [];
    for (let at = SECTOR_BYTES, head = commitHead(bytes, salt, at); head !== null; head = commitHead(bytes, salt, at)) {
      commits.push(head);
      at += head.length;
    }
    expect(commits).toHaveLength(4);
    await body({ path: fixture.path, file, bytes, commits, last: defined(commits.at(-1), 'a commit') });
  } finally {
    await fixture.dispose();
  }
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
