import type { ByteReader } from './byte-reader.js';
import type { CachedResult, Session, TableView } from './session-table.js';

/*
 * A session table as bytes, big-endian; f64 numbers are whole but for the time, and exact up to 2^53:
 *
 *   header   'RXSE' u32  version u32  time f64  skippedFrom f64  skipped u32  sessions u32
 *   skipped  index f64                                                      × skipped
 *   session  id f64  lastActiveAt f64  ackedThrough f64  results u32        × sessions, longest idle first
 *   result   sequence f64  index f64  term f64  length u32  bytes           × results, after their session
 *
 * A length of 2^32 − 1 stands for a result that could not be encoded. Checksums are the store's.
 * Two nodes in the same state write the same bytes.
 */
const MAGIC = 0x52585345;
const VERSION = 1;
const HEADER_BYTES = 32;
const SESSION_BYTES = 28;
const RESULT_BYTES = 28;
const NO_RESULT = 0xffffffff;
const CHUNK_BYTES = 64 * 1024;

/** Writes a view in chunks of about 64 KiB, a large result in one of its own. */
export function* encodeTable({ time, sessions, skippedFrom, skipped }: TableView): IterableIterator<Uint8Array> {
  const chunk = new Chunk();
  chunk.u32(MAGIC).u32(VERSION).f64(time).f64(skippedFrom).u32(skipped.length).u32(sessions.length);
  for (const index of skipped) {
    if (!chunk.hasRoomFor(8)) yield chunk.take();
    chunk.f64(index);
  }
  for (const { id, lastActiveAt, ackedThrough, results } of sessions) {
    if (!chunk.hasRoomFor(SESSION_BYTES)) yield chunk.take();
    chunk.f64(id).f64(lastActiveAt).f64(ackedThrough).u32(results.size);
    for (const [sequence, { index, term, bytes }] of results) {
      const isLarge = bytes !== null && bytes.length > CHUNK_BYTES - RESULT_BYTES;
      if (!chunk.hasRoomFor(RESULT_BYTES + (isLarge ? 0 : (bytes?.length ?? 0)))) yield chunk.take();
      chunk.f64(sequence).f64(index).f64(term).u32(bytes?.length ?? NO_RESULT);
      if (isLarge) {
        yield chunk.take();
        yield bytes;
      } else if (bytes !== null) {
        chunk.bytes(bytes);
      }
    }
  }
  yield chunk.take();
}

/** Reads what `encodeTable` wrote, and not a byte more. @throws {Error} when it is not a table of this version. */
export async function decodeTable(reader: ByteReader): Promise<TableView> {
  await reader.need(HEADER_BYTES);
  if (reader.u32() !== MAGIC) throw new Error('the snapshot is not one of a machine with sessions');
  const version = reader.u32();
  if (version !== VERSION) throw new Error(`the session table of the snapshot has format version ${version}; this build reads version ${VERSION}`);
  const time = reader.f64();
  const skippedFrom = reader.count();
  const skippedCount = reader.u32();
  const sessionCount = reader.u32();
  const skipped: number[] = [];
  for (let i = 0; i < skippedCount; i += 1) {
    await reader.need(8);
    skipped.push(reader.count());
  }
  const sessions: Session[] = [];
  for (let i = 0; i < sessionCount; i += 1) sessions.push(await decodeSession(reader));
  return { time, sessions, skippedFrom, skipped };
}

async function decodeSession(reader: ByteReader): Promise<Session> {
  await reader.need(SESSION_BYTES);
  const id = reader.count();
  const lastActiveAt = reader.f64();
  const ackedThrough = reader.count();
  const resultCount = reader.u32();
  const results = new Map<number, CachedResult>();
  for (let i = 0; i < resultCount; i += 1) {
    await reader.need(RESULT_BYTES);
    const sequence = reader.count();
    const index = reader.count();
    const term = reader.count();
    const length = reader.u32();
    if (length !== NO_RESULT) await reader.need(length);
    results.set(sequence, { index, term, bytes: length === NO_RESULT ? null : reader.bytes(length) });
  }
  return { id, lastActiveAt, ackedThrough, results, generation: 0 };
}

/** The chunk being filled. */
class Chunk {
  private buffer = new Uint8Array(CHUNK_BYTES);
  private view = new DataView(this.buffer.buffer);
  private at = 0;

  hasRoomFor(length: number): boolean {
    return this.at + length <= CHUNK_BYTES;
  }

  u32(value: number): this {
    this.view.setUint32(this.at, value);
    this.at += 4;
    return this;
  }

  f64(value: number): this {
    this.view.setFloat64(this.at, value);
    this.at += 8;
    return this;
  }

  bytes(bytes: Uint8Array): void {
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  /** The bytes so far; the next ones go to a chunk of their own. */
  take(): Uint8Array {
    const full = this.buffer.subarray(0, this.at);
    this.buffer = new Uint8Array(CHUNK_BYTES);
    this.view = new DataView(this.buffer.buffer);
    this.at = 0;
    return full;
  }
}
