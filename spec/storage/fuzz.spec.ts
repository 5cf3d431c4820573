import fc from 'fast-check';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { configurationOf, decodeConfiguration, encodeConfiguration } from '../../lib/core/configuration.js';
import { ByteReader } from '../../lib/node/sessions/byte-reader.js';
import { decodeTable, encodeTable } from '../../lib/node/sessions/table-snapshot.js';
import { CorruptLogError, RaftError } from '../../lib/ports/errors.js';
import { encodeStore, StoreDecoder } from '../../lib/server/kv/snapshot.js';
import { SortedMap } from '../../lib/server/kv/sorted-map.js';
import { BlockReader, blockLength, encodeBlock } from '../../lib/storage/file/block.js';
import { readIdentity, writeIdentity } from '../../lib/storage/file/identity-file.js';
import { openSnapshot, prepareSnapshot } from '../../lib/storage/file/snapshot-file.js';
import { decodeState } from '../../lib/storage/file/state-record.js';
import { bytesOf, chunked, commands, metaOf } from '../../lib/testing/storage-suite/store.js';
import { stateRecord, temporaryDirectory } from '../support/file-fixture.js';

/** What a decoder may use beside a multiple of its input: a chunk, a table, what the runtime does meanwhile. */
const SLACK_BYTES = 4 * 1024 * 1024;

type Decode = (bytes: Uint8Array) => unknown;

/** Any bytes; and valid ones with bytes changed, with numbers as large as can be where lengths may stand, cut, or longer. */
function damaged(valid: Uint8Array): fc.Arbitrary<Uint8Array> {
  const at = fc.nat({ max: Math.max(0, valid.length - 1) });
  const edit = fc.oneof(
    fc.tuple(at, fc.uint8Array({ minLength: 1, maxLength: 8 })),
    fc.tuple(at, fc.constantFrom(Uint8Array.of(255, 255, 255, 255), Uint8Array.of(0, 0, 0, 0), Uint8Array.of(127, 255, 255, 255), Uint8Array.of(255, 255, 255, 127), new Uint8Array(8).fill(255))),
  );
  const edited = fc.tuple(fc.array(edit, { maxLength: 4 }), fc.integer({ min: 0, max: valid.length + 20 })).map(([edits, length]) => {
    const bytes = new Uint8Array(Math.max(length, valid.length));
    bytes.set(valid);
    for (const [offset, change] of edits) bytes.set(change.subarray(0, bytes.length - offset), offset);
    return length % 3 === 0 ? bytes.slice(0, length) : bytes.slice(0, valid.length);
  });
  return fc.oneof({ arbitrary: edited, weight: 4 }, { arbitrary: fc.uint8Array({ maxLength: 200 }), weight: 1 });
}

/** fast-check prints the seed of what fails. */
async function fuzz(valid: Uint8Array, decode: Decode, isExpected: (error: unknown) => boolean, numRuns = 400): Promise<void> {
  await decode(valid);
  await fc.assert(
    fc.asyncProperty(damaged(valid), async (bytes) => {
      const before = process.memoryUsage().arrayBuffers;
      try {
        await decode(bytes);
      } catch (error) {
        if (!isExpected(error)) throw new Error(`not an error that it may end in: ${String(error)}`, { cause: error });
      }
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(SLACK_BYTES + 8 * bytes.length);
    }),
    { numRuns },
  );
}

const isCorruptLog = (error: unknown): boolean => error instanceof CorruptLogError;
/** An error that was meant: not one of the engine's about memory, the stack or a missing property. */
const isMeant = (error: unknown): boolean => error instanceof Error && !(error instanceof TypeError) && !(error instanceof RangeError);

describe('on any bytes, valid ones that were damaged included, in the error it names or in what was written, in memory like its input’s, ends', () => {
  const entries = commands(5, 9, 3, 40);
  const block = new Uint8Array(blockLength(entries, 0, entries.length));
  encodeBlock(entries, 0, entries.length, block);
  const walk: Decode = (bytes) => {
    const reader = new BlockReader(bytes, 5);
    const found: number[] = [];
    while (reader.next()) found.push(reader.entry().payload.length);
    return found;
  };
  const sealed = (decode: Decode): Decode => (bytes) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length >= 4) view.setUint32(0, crc32(bytes.subarray(4), 5), true);
    return decode(bytes);
  };

  it('the decoder of blocks', () => fuzz(block, walk, isCorruptLog));

  it('the decoder of blocks, when the checksum is made to match', () => fuzz(block, sealed(walk), isCorruptLog, 1500));

  it('the decoder of the state record', () => {
    const valid = stateRecord({ hardState: { term: 3, votedFor: 'somebody' }, compacted: { index: 3, term: 1 }, last: { index: 9, term: 3 } });
    return fuzz(valid, decodeState, isCorruptLog);
  });

  it('the decoder of configurations', () => fuzz(encodeConfiguration(configurationOf({ a: 'a:1', b: 'b:1' })), decodeConfiguration, (error) => error instanceof Error));

  it('the decoder of session tables, whatever counts and lengths they declare', () => {
    const results = new Map([[1, { index: 3, term: 1, bytes: bytesOf(50, 1) }], [2, { index: 4, term: 1, bytes: null }]]);
    const session = { id: 3, lastActiveAt: 5, ackedThrough: 0, results, generation: 0 };
    const valid = Buffer.concat([...encodeTable({ time: 9, sessions: [session, { ...session, id: 4 }], skippedFrom: 1, skipped: [2, 7] })]);
    return fuzz(valid, (bytes) => decodeTable(new ByteReader(chunked(bytes, 17))), isMeant);
  });

  it('the decoder of the key-value store’s snapshots, whatever counts and lengths they declare', () => {
    const map = new SortedMap<{ readonly value: Uint8Array; readonly revision: number }>();
    for (const [i, key] of ['a', 'b', 'ccc'].entries()) map.set(key, { value: bytesOf(20, i), revision: i + 1 });
    const decode: Decode = (bytes) => {
      const decoder = new StoreDecoder();
      for (let at = 0; at < bytes.length; at += 13) decoder.push(bytes.subarray(at, at + 13));
      return decoder.end();
    };
    // As the platform's decoder of UTF-8 ends, with an error that is not of the test's own world.
    return fuzz(Buffer.concat([...encodeStore(7, map.view())]), decode, (error) => isMeant(error) || (error as NodeJS.ErrnoException).code === 'ERR_ENCODING_INVALID_ENCODED_DATA');
  });

  describe('in files:', () => {
    let directory: string;
    beforeAll(() => (directory = temporaryDirectory()));
    afterAll(() => rmSync(directory, { recursive: true, force: true }));

    it('the reader of snapshots', async () => {
      await (await prepareSnapshot(directory, metaOf(5, 1), chunked(bytesOf(700, 1), 100))).publish();
      const file = join(directory, 'snapshot');
      const read: Decode = async (bytes) => {
        writeFileSync(file, bytes);
        const reader = await openSnapshot(directory);
        for await (const chunk of reader?.chunks(0) ?? []) expect(Buffer.from(chunk).equals(bytesOf(700, 1))).toBe(true);
      };
      const resealed: Decode = async (bytes) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        const length = bytes.length < 16 ? Infinity : view.getUint32(bytes.length - 16);
        if (length <= bytes.length - 16) view.setUint32(bytes.length - 12, crc32(bytes.subarray(bytes.length - 16 - length, bytes.length - 16)));
        await read(bytes);
      };
      const valid = new Uint8Array(readFileSync(file));
      await fuzz(valid, read, (error) => error instanceof RaftError, 150);
      await fuzz(valid, resealed, (error) => error instanceof RaftError, 300);
    });

    it('the reader of the identity', async () => {
      const file = join(directory, 'rxraft.json');
      await writeIdentity(file, { clusterId: 'c', nodeId: 'a' });
      const valid = new Uint8Array(readFileSync(file));
      await fuzz(
        valid,
        async (bytes) => {
          writeFileSync(file, bytes);
          expect(await readIdentity(file)).toEqual({ clusterId: 'c', nodeId: 'a' });
        },
        (error) => error instanceof RaftError,
        200,
      );
    });
  });
});
