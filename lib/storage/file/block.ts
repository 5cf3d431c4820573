import { crc32 } from 'node:zlib';
import type { Entry, EntryKind } from '../../core/entry.js';
import type { LogIndex, Term } from '../../core/ids.js';
import { CorruptLogError } from '../../ports/errors.js';

/**
 * A block is a run of consecutive entries under one checksum: as much as is read and verified at once to find one of them.
 *
 * ```
 * block  u32 CRC-32 of the rest, seeded with the first index (so that a block can't pass for another)
 *        u32 magic number
 *        u32 length of the block in bytes
 *        u32 number of entries
 *        entries
 * entry  u32 parity: the XOR of the entry's other words, which only names the damaged entry once the CRC failed
 *        u32 payload length
 *        u32 term, low half
 *        u32 term, high 16 bits; kind in the top byte
 *        payload, padded with zeros to a word
 * ```
 *
 * Words are in the machine's byte order; terms are below 2^48.
 */
const BLOCK_MAGIC = 0x31627872;

/** A block of more than one entry is no longer than this. */
export const MAX_BLOCK_BYTES = 64 * 1024;

export const BLOCK_HEADER_BYTES = 16;
const ENTRY_HEADER_BYTES = 16;
const KINDS: readonly EntryKind[] = ['command', 'noop', 'configuration'];
const KIND_CODES: Readonly<Record<EntryKind, number>> = { command: 0, noop: 1, configuration: 2 };

/** What an entry takes up inside a block. */
export function packedBytes(entry: Entry): number {
  return ENTRY_HEADER_BYTES + ((entry.payload.length + 3) & ~3);
}

/** Where the block that begins at `entries[from]` ends (exclusive): as many entries as fit, at least one. */
export function blockEnd(entries: readonly Entry[], from: number): number {
  let bytes = BLOCK_HEADER_BYTES;
  let end = from;
  for (; end < entries.length; end++) {
    bytes += packedBytes(entries[end] as Entry);
    if (bytes > MAX_BLOCK_BYTES && end > from) break;
  }
  return end;
}

/** The exact length of the block of `entries[from]` to `entries[to - 1]`. */
export function blockLength(entries: readonly Entry[], from: number, to: number): number {
  let length = BLOCK_HEADER_BYTES;
  for (let i = from; i < to; i++) length += packedBytes(entries[i] as Entry);
  return length;
}

/**
 * Packs `entries[from]` to `entries[to - 1]` into `bytes`, which has their `blockLength` and begins at a word; what
 * it held before does not matter.
 */
export function encodeBlock(entries: readonly Entry[], from: number, to: number, bytes: Uint8Array): void {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  words[1] = BLOCK_MAGIC;
  words[2] = bytes.length;
  words[3] = to - from;
  let offset = BLOCK_HEADER_BYTES;
  for (let i = from; i < to; i++) {
    const { payload, term, kind } = entries[i] as Entry;
    const word = offset >>> 2;
    const end = word + ((ENTRY_HEADER_BYTES + payload.length + 3) >>> 2);
    words[word + 1] = payload.length;
    words[word + 2] = term >>> 0;
    words[word + 3] = Math.floor(term / 2 ** 32) | (KIND_CODES[kind] << 24);
    // The padding, unless the payload ends with a word or is empty; the payload is written over the rest of it.
    if ((payload.length & 3) !== 0) words[end - 1] = 0;
    bytes.set(payload, offset + ENTRY_HEADER_BYTES);
    words[word] = parity(words, word + 1, end);
    offset = end << 2;
  }
  words[0] = crc32(bytes.subarray(4), (entries[from] as Entry).index >>> 0);
}

/** What the head of a block says of it, before its checksum is verified; null where no block can begin. */
export function blockHead(view: DataView, offset: number): { readonly length: number; readonly count: number } | null {
  if (offset + BLOCK_HEADER_BYTES > view.byteLength || native32(view, offset + 4) !== BLOCK_MAGIC) return null;
  const length = native32(view, offset + 8);
  return length < BLOCK_HEADER_BYTES || offset + length > view.byteLength ? null : { length, count: native32(view, offset + 12) };
}

/** Walks the entries of one verified block: `next()`, then the fields. */
export class BlockReader {
  index: LogIndex;
  readonly last: LogIndex;
  term: Term = 0;
  kind: EntryKind = 'command';
  #payloadLength = 0;
  #payloadOffset: number = BLOCK_HEADER_BYTES;
  readonly #view: DataView;

  /**
   * @param bytes the block; must not change afterwards
   * @param through where the walk ends at the latest
   * @throws {CorruptLogError} when the checksum does not match; names the entry that is damaged.
   */
  constructor(
    readonly bytes: Uint8Array,
    readonly first: LogIndex,
    through: LogIndex = Infinity,
  ) {
    this.index = first - 1;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < BLOCK_HEADER_BYTES || native32(this.#view, 0) !== crc32(bytes.subarray(4), first >>> 0)) {
      throw new CorruptLogError('log', damagedIndex(this.#view, first), 'the checksum does not match; restore the directory from a backup, or empty it and let the node rejoin');
    }
    this.last = Math.min(first + native32(this.#view, 12) - 1, through);
  }

  next(): boolean {
    if (this.index >= this.last) return false;
    this.index++;
    const offset = this.#payloadOffset + ((this.#payloadLength + 3) & ~3);
    if (offset + ENTRY_HEADER_BYTES > this.bytes.length) throw this.#tooShort();
    const high = native32(this.#view, offset + 12);
    this.term = (high & 0xffff) * 2 ** 32 + native32(this.#view, offset + 8);
    const kind = KINDS[high >>> 24];
    if (kind === undefined) throw new CorruptLogError('log', this.index, `entries of kind ${high >>> 24} are unknown to this build; use the newer one that wrote them`);
    this.kind = kind;
    this.#payloadLength = native32(this.#view, offset + 4);
    this.#payloadOffset = offset + ENTRY_HEADER_BYTES;
    if (this.#payloadOffset + this.#payloadLength > this.bytes.length) throw this.#tooShort();
    return true;
  }

  /** The entry that the walk is at. Its payload is a view of this block's bytes. */
  entry(): Entry {
    const payload = new Uint8Array(this.bytes.buffer, this.bytes.byteOffset + this.#payloadOffset, this.#payloadLength);
    return { index: this.index, term: this.term, kind: this.kind, payload };
  }

  /** The checksum is right, so this was written so. */
  #tooShort(): CorruptLogError {
    return new CorruptLogError('log', this.index, 'its block ends before it does; restore the directory from a backup, or empty it and let the node rejoin');
  }
}

/** The first entry whose parity is wrong; the block's first when all are right, for then its header is what is damaged. */
function damagedIndex(view: DataView, first: LogIndex): LogIndex {
  let offset = BLOCK_HEADER_BYTES;
  for (let index = first; offset + ENTRY_HEADER_BYTES <= view.byteLength; index++) {
    const end = offset + ENTRY_HEADER_BYTES + ((native32(view, offset + 4) + 3) & ~3);
    if (end > view.byteLength) return index;
    let expected = 0;
    for (let word = offset + 4; word < end; word += 4) expected ^= native32(view, word);
    if (expected >>> 0 !== native32(view, offset)) return index;
    offset = end;
  }
  return first;
}

function parity(words: Uint32Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum ^= words[i] as number;
  return sum;
}

function native32(view: DataView, offset: number): number {
  return view.getUint32(offset, IS_LITTLE_ENDIAN);
}

const IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
