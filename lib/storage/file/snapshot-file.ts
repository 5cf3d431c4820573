import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { SnapshotMeta } from '../../core/messages.js';
import { CorruptLogError, StorageError } from '../../ports/errors.js';
import { syncDirectory } from './files.js';

/**
 * The snapshot is one file, replaced as a whole: written beside the old one, synced, renamed over it, the directory
 * synced. Its end says what it is, since its length is known only there:
 *
 * ```
 * chunks   u32 CRC-32 (seeded with the chunk's number) · 256 KiB of data, the last one less
 * meta     JSON of SnapshotMeta
 * footer   u32 length of meta · u32 CRC-32 of meta · u32 format version · 'RXSN'
 * ```
 */
export const SNAPSHOT_CHUNK_BYTES = 256 * 1024;

const NAME = 'snapshot';
const TEMPORARY = 'snapshot.tmp-';
const MAGIC = 0x5258534e;
const VERSION = 1;
const CRC_BYTES = 4;
const FOOTER_BYTES = 16;

/** A snapshot that is written and synced but is not in force yet. */
export interface PreparedSnapshot {
  readonly meta: SnapshotMeta;
  /** Puts it in force. */
  publish(): Promise<void>;
  /** Removes it instead. */
  discard(): Promise<void>;
}

/** Removes what crashes left behind. Only for the holder of the directory. */
export async function removeTemporaries(directory: string): Promise<void> {
  for (const name of await readdir(directory)) if (name.startsWith(TEMPORARY)) await rm(join(directory, name), { force: true });
}

/** Writes a snapshot beside the one in force. Whatever goes wrong, an error of `chunks` included, nothing is left of it. */
export async function prepareSnapshot(directory: string, meta: Omit<SnapshotMeta, 'bytes'>, chunks: AsyncIterable<Uint8Array>): Promise<PreparedSnapshot> {
  const temporary = join(directory, `${TEMPORARY}${randomUUID()}`);
  const discard = (): Promise<void> => written(rm(temporary, { force: true }));
  try {
    const handle = await written(open(temporary, 'wx'));
    try {
      const bytes = await writeChunks(handle, chunks);
      const complete: SnapshotMeta = { last: meta.last, configuration: meta.configuration, configurationIndex: meta.configurationIndex, bytes };
      await written(handle.writeFile(footerOf(complete)));
      await written(handle.sync());
      return { meta: complete, publish: () => publish(directory, temporary), discard };
    } finally {
      await written(handle.close());
    }
  } catch (error) {
    // The first error is the one to tell of; what can't be removed now is removed by the next open.
    await discard().catch(() => undefined);
    throw error;
  }
}

/** The snapshot in force, opened; null when there is none. @throws {CorruptLogError} when its end or its length is wrong. */
export async function openSnapshot(directory: string): Promise<SnapshotReader | null> {
  let handle: FileHandle;
  try {
    handle = await open(join(directory, NAME), 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return new SnapshotReader(handle, await readMeta(handle));
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Reads one opened snapshot, even when it is replaced meanwhile. */
export class SnapshotReader {
  constructor(
    private readonly handle: FileHandle,
    readonly meta: SnapshotMeta,
  ) {}

  /** The bytes from `offset` on, each chunk verified before it is handed out. Closes the file at the end. */
  async *chunks(offset: number): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      const { bytes } = this.meta;
      for (let start = offset - (offset % SNAPSHOT_CHUNK_BYTES); start < bytes; start += SNAPSHOT_CHUNK_BYTES) {
        const chunk = await this.#chunk(start, Math.min(SNAPSHOT_CHUNK_BYTES, bytes - start));
        if (offset < start + chunk.length) yield chunk.subarray(Math.max(0, offset - start));
      }
    } finally {
      await this.close();
    }
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  async #chunk(start: number, length: number): Promise<Uint8Array> {
    const number = start / SNAPSHOT_CHUNK_BYTES;
    const record = await readExactly(this.handle, start + CRC_BYTES * number, CRC_BYTES + length);
    const data = record.subarray(CRC_BYTES);
    if (viewOf(record).getUint32(0) !== crc32(data, number)) throw corrupt(this.meta, `chunk ${number} does not match its checksum`);
    return data;
  }
}

async function publish(directory: string, temporary: string): Promise<void> {
  await rename(temporary, join(directory, NAME));
  await syncDirectory(directory);
}

/** Tells the disk's errors from those of whoever supplies the snapshot, which are passed on as they are. */
async function written<T>(io: Promise<T>): Promise<T> {
  try {
    return await io;
  } catch (error) {
    throw new StorageError('saveSnapshot', `${error instanceof Error ? error.message : String(error)}; the previous snapshot stays in force`, { cause: error });
  }
}

async function writeChunks(handle: FileHandle, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  const record = new Uint8Array(CRC_BYTES + SNAPSHOT_CHUNK_BYTES);
  let filled = 0;
  let number = 0;
  const write = async (): Promise<void> => {
    const data = record.subarray(CRC_BYTES, CRC_BYTES + filled);
    viewOf(record).setUint32(0, crc32(data, number));
    await written(handle.writeFile(record.subarray(0, CRC_BYTES + filled)));
    number++;
    filled = 0;
  };
  for await (const chunk of chunks) {
    for (let from = 0; from < chunk.length; ) {
      const part = chunk.subarray(from, from + SNAPSHOT_CHUNK_BYTES - filled);
      record.set(part, CRC_BYTES + filled);
      filled += part.length;
      from += part.length;
      if (filled === SNAPSHOT_CHUNK_BYTES) await write();
    }
  }
  const bytes = number * SNAPSHOT_CHUNK_BYTES + filled;
  if (filled > 0) await write();
  return bytes;
}

function footerOf(meta: SnapshotMeta): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(meta));
  const bytes = new Uint8Array(json.length + FOOTER_BYTES);
  bytes.set(json);
  const view = viewOf(bytes);
  [json.length, crc32(json), VERSION, MAGIC].forEach((word, i) => view.setUint32(json.length + 4 * i, word));
  return bytes;
}

async function readMeta(handle: FileHandle): Promise<SnapshotMeta> {
  const { size } = await handle.stat();
  if (size < FOOTER_BYTES) throw corrupt(null, 'the file is cut short');
  const footer = viewOf(await readExactly(handle, size - FOOTER_BYTES, FOOTER_BYTES));
  const length = footer.getUint32(0);
  if (footer.getUint32(12) !== MAGIC || length > size - FOOTER_BYTES) throw corrupt(null, 'the file does not end as a snapshot does');
  if (footer.getUint32(8) !== VERSION) throw new StorageError('open', `the snapshot has format ${footer.getUint32(8)}, this build reads format ${VERSION}; use the version that wrote it`);
  const json = await readExactly(handle, size - FOOTER_BYTES - length, length);
  if (crc32(json) !== footer.getUint32(4)) throw corrupt(null, 'its description does not match its checksum');
  const meta = parsed(json);
  const chunks = Math.ceil(meta.bytes / SNAPSHOT_CHUNK_BYTES);
  if (size !== meta.bytes + CRC_BYTES * chunks + length + FOOTER_BYTES) throw corrupt(meta, 'the file has the wrong length');
  return meta;
}

/** What the checksum vouches for; that it is a description is all that there is left to ask. */
function parsed(json: Uint8Array): SnapshotMeta {
  try {
    const meta = JSON.parse(new TextDecoder().decode(json)) as SnapshotMeta | null;
    if (typeof meta?.last.index === 'number' && Number.isSafeInteger(meta.bytes) && meta.bytes >= 0) return meta;
  } catch {
    // As below.
  }
  throw corrupt(null, 'its description is none');
}

async function readExactly(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let filled = 0; filled < length; ) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) throw corrupt(null, 'the file is cut short');
    filled += bytesRead;
  }
  return bytes;
}

function corrupt(meta: SnapshotMeta | null, message: string): CorruptLogError {
  return new CorruptLogError('snapshot', meta?.last.index ?? null, `${message}; restore the directory from a backup, or empty it and let the node rejoin`);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
