import { crc32 } from 'node:zlib';
import { keyProblem } from './shape.js';
import { KV_LIMITS } from './commands.js';
import { SortedMap, type SortedView } from './sorted-map.js';

/*
 * The store as bytes, big-endian:
 *
 *   header   'RXKV'  version u32  index f64  count f64
 *   record   keyBytes u32  valueBytes u32  revision f64  key (UTF-8)  value      × count, in key order
 *   trailer  crc32 u32 of everything before it
 *
 * Integers beyond 32 bits are float64, which is exact up to 2^53. Two nodes with the same state write the
 * same bytes.
 */
const MAGIC = 0x52584b56;
const VERSION = 1;
const HEADER_BYTES = 24;
const RECORD_HEADER_BYTES = 16;
const TRAILER_BYTES = 4;
const CHUNK_BYTES = 64 * 1024;
const MAX_UTF8_BYTES = 3; // of one UTF-16 unit

/** What the store keeps of a key. Never written to. */
export interface Stored {
  readonly value: Uint8Array;
  readonly revision: number;
}

export interface StoreContent {
  /** The last command that the content reflects. */
  readonly index: number;
  readonly entries: SortedMap<Stored>;
}

/** Writes a view as chunks of at most 64 KiB. */
export function* encodeStore(index: number, view: SortedView<Stored>): IterableIterator<Uint8Array> {
  const chunks = new Chunker();
  chunks.add(header(index, view.size));
  for (const [key, stored] of view.entries()) {
    chunks.addRecord(key, stored);
    if (chunks.full.length > 0) yield* chunks.full.splice(0);
  }
  yield* chunks.end();
}

/** Reads what `encodeStore` wrote, cut into chunks in any way. Keeps no reference to them. */
export class StoreDecoder {
  #pending: Uint8Array = new Uint8Array(0);
  #checksum = 0;
  #index = 0;
  /** Records still to come; null before the header. */
  #remaining: number | null = null;
  #lastKey: string | null = null;
  readonly #entries = new SortedMap<Stored>();
  readonly #utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

  /** @throws {Error} when the bytes are not a store of this version. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return; // of no bytes at all zlib's crc32 makes 0, whatever came before
    this.#pending = this.#pending.length === 0 ? chunk.slice() : Buffer.concat([this.#pending, chunk]);
    let at = 0;
    if (this.#remaining === null) {
      if (this.#pending.length < HEADER_BYTES) return;
      this.#readHeader(viewOf(this.#pending));
      at = HEADER_BYTES;
    }
    for (let next = this.#readRecord(at); next !== null; next = this.#readRecord(at)) at = next;
    this.#checksum = crc32(this.#pending.subarray(0, at), this.#checksum);
    this.#pending = this.#pending.slice(at);
    if (this.#remaining === 0 && this.#pending.length > TRAILER_BYTES) throw new Error('the snapshot has bytes after its end');
  }

  /** @throws {Error} when the snapshot is cut short or its checksum is wrong. */
  end(): StoreContent {
    if (this.#remaining !== 0 || this.#pending.length !== TRAILER_BYTES) throw new Error('the snapshot is cut short');
    if (viewOf(this.#pending).getUint32(0) !== this.#checksum >>> 0) throw new Error('the snapshot does not match its checksum');
    return { index: this.#index, entries: this.#entries };
  }

  #readHeader(view: DataView): void {
    if (view.getUint32(0) !== MAGIC) throw new Error('the snapshot is not one of a key-value store');
    const version = view.getUint32(4);
    if (version !== VERSION) throw new Error(`the snapshot has format version ${version}; this build reads version ${VERSION}`);
    this.#index = count(view.getFloat64(8), 'index');
    this.#remaining = count(view.getFloat64(16), 'count');
  }

  /** Where the record at `at` ends; null when it is not all there, or there is none left. */
  #readRecord(at: number): number | null {
    if (this.#remaining === null || this.#remaining === 0 || this.#pending.length < at + RECORD_HEADER_BYTES) return null;
    const view = viewOf(this.#pending);
    const keyBytes = view.getUint32(at);
    const valueBytes = view.getUint32(at + 4);
    if (keyBytes > KV_LIMITS.maxKeyBytes || valueBytes > KV_LIMITS.maxValueBytes) throw new Error('a record of the snapshot is too large');
    const keyAt = at + RECORD_HEADER_BYTES;
    const valueAt = keyAt + keyBytes;
    const end = valueAt + valueBytes;
    if (this.#pending.length < end) return null;
    const key = this.#utf8.decode(this.#pending.subarray(keyAt, valueAt));
    const problem = keyProblem(key);
    if (problem !== null) throw new Error(`a record of the snapshot is wrong: ${problem}`);
    if (this.#lastKey !== null && key <= this.#lastKey) throw new Error('the records of the snapshot are not in order');
    this.#entries.set(key, { value: copyOf(this.#pending.subarray(valueAt, end)), revision: count(view.getFloat64(at + 8), 'revision') });
    this.#lastKey = key;
    this.#remaining -= 1;
    return end;
  }
}

/** Up to this length a copy costs little, and to look at the buffer makes one. */
const SMALL_BYTES = 64;

/** Bytes to keep, which nobody else writes to: as they are when they fill their buffer, as those of a decoded command do, otherwise a copy. */
export function kept(bytes: Uint8Array): Uint8Array {
  return bytes.length > SMALL_BYTES && bytes.buffer.byteLength === bytes.length ? bytes : copyOf(bytes);
}

/** Bytes of one's own, in a buffer of exactly their size (a slice of a pooled Buffer would keep the pool alive). */
function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** Gathers records into chunks; those that go over the end of one are cut. */
class Chunker {
  /** Whoever reads them takes them out. */
  readonly full: Uint8Array[] = [];
  #chunk = Buffer.alloc(CHUNK_BYTES);
  #view = viewOf(this.#chunk);
  #used = 0;
  #checksum = 0;

  /** Straight into the chunk where there is room for certain: three pieces that are put together cost four times as much. */
  addRecord(key: string, stored: Stored): void {
    const { value, revision } = stored;
    const keyAt = this.#used + RECORD_HEADER_BYTES;
    if (keyAt + key.length * MAX_UTF8_BYTES + value.length > CHUNK_BYTES) {
      this.add(recordHeader(key, stored));
      this.add(Buffer.from(key));
      this.add(value);
      return;
    }
    const keyBytes = this.#chunk.write(key, keyAt);
    this.#view.setUint32(this.#used, keyBytes);
    this.#view.setUint32(this.#used + 4, value.length);
    this.#view.setFloat64(this.#used + 8, revision);
    this.#chunk.set(value, keyAt + keyBytes);
    this.#used = keyAt + keyBytes + value.length;
  }

  add(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + CHUNK_BYTES - this.#used);
      this.#chunk.set(part, this.#used);
      this.#used += part.length;
      at += part.length;
      if (this.#used === CHUNK_BYTES) this.#cut();
    }
  }

  /** What is left, with the trailer. */
  end(): Uint8Array[] {
    const trailer = new Uint8Array(TRAILER_BYTES);
    viewOf(trailer).setUint32(0, crc32(this.#chunk.subarray(0, this.#used), this.#checksum));
    this.add(trailer);
    if (this.#used > 0) this.#cut();
    return this.full;
  }

  #cut(): void {
    const bytes = this.#chunk.subarray(0, this.#used);
    this.#checksum = crc32(bytes, this.#checksum);
    this.full.push(bytes);
    this.#chunk = Buffer.alloc(CHUNK_BYTES);
    this.#view = viewOf(this.#chunk);
    this.#used = 0;
  }
}

function header(index: number, size: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC);
  view.setUint32(4, VERSION);
  view.setFloat64(8, index);
  view.setFloat64(16, size);
  return bytes;
}

function recordHeader(key: string, stored: Stored): Uint8Array {
  const bytes = new Uint8Array(RECORD_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, Buffer.byteLength(key));
  view.setUint32(4, stored.value.length);
  view.setFloat64(8, stored.revision);
  return bytes;
}

function count(value: number, name: string): number {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`the ${name} in the snapshot is not a count`);
  return value;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
