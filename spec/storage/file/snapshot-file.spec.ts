import { readdirSync, rmSync } from 'node:fs';
import { openSnapshot, prepareSnapshot, removeTemporaries, SNAPSHOT_CHUNK_BYTES, type SnapshotReader } from '../../../lib/storage/file/snapshot-file.js';
import { bytesOf, chunked, metaOf } from '../../../lib/testing/storage-suite/store.js';
import { defined } from '../../support/defined.js';
import { temporaryDirectory } from '../../support/file-fixture.js';

describe('the snapshot file', () => {
  let directory: string;
  beforeEach(() => (directory = temporaryDirectory()));
  afterEach(() => rmSync(directory, { recursive: true, force: true }));

  const names = (): string[] => readdirSync(directory).map((name) => (name.startsWith('snapshot.tmp-') ? 'temporary' : name)).sort();
  const prepared = (index: number, content: Uint8Array) => prepareSnapshot(directory, metaOf(index, 1), chunked(content, 100_000));
  const opened = async (): Promise<SnapshotReader> => defined(await openSnapshot(directory), 'the snapshot');
  const rest = async (reader: SnapshotReader, offset = 0): Promise<Buffer> => {
    const parts: Uint8Array[] = [];
    for await (const chunk of reader.chunks(offset)) parts.push(chunk);
    return Buffer.concat(parts);
  };
  const [older, newer] = [bytesOf(2 * SNAPSHOT_CHUNK_BYTES + 5, 1), bytesOf(3 * SNAPSHOT_CHUNK_BYTES, 2)];

  it('stands beside the one in force until it is published; only then is that one gone', async () => {
    await (await prepared(5, older)).publish();
    expect(names()).toEqual(['snapshot']);
    const next = await prepared(6, newer);
    expect(names()).toEqual(['snapshot', 'temporary']);
    expect((await rest(await opened())).equals(older)).toBe(true);
    await next.publish();
    expect(names()).toEqual(['snapshot']);
    expect((await rest(await opened())).equals(newer)).toBe(true);
  });

  it('whoever has opened the old one reads on in it, though its name is gone', async () => {
    await (await prepared(5, older)).publish();
    const reader = await opened();
    const parts: Uint8Array[] = [];
    for await (const chunk of reader.chunks(0)) {
      if (parts.length === 0) await (await prepared(6, newer)).publish();
      parts.push(chunk);
    }
    expect(Buffer.concat(parts).equals(older)).toBe(true);
    expect((await rest(await opened())).equals(newer)).toBe(true);
  });

  it('one that is not wanted leaves nothing, and neither does one whose source fails', async () => {
    await (await prepared(5, older)).publish();
    await (await prepared(6, newer)).discard();
    const broken = async function* (): AsyncGenerator<Uint8Array> {
      yield newer;
      throw new RangeError('no more');
    };
    await expect(prepareSnapshot(directory, metaOf(6, 1), broken())).rejects.toThrow('no more');
    expect(names()).toEqual(['snapshot']);
    expect((await rest(await opened(), 7)).equals(older.subarray(7))).toBe(true);
  });

  it('what a crash leaves half written is removed, and nothing else', async () => {
    await (await prepared(5, older)).publish();
    await prepared(6, newer);
    await removeTemporaries(directory);
    expect(names()).toEqual(['snapshot']);
    expect((await rest(await opened())).equals(older)).toBe(true);
  });
});
