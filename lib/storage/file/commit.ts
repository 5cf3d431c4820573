import { crc32 } from 'node:zlib';
import type { Entry } from '../../core/entry.js';
import type { LogIndex } from '../../core/ids.js';
import type { Arena } from './arena.js';
import { blockEnd, blockHead, blockLength, BlockReader, encodeBlock } from './block.js';
import { decodeState, stateBytes, writeState, type LogState } from './state-record.js';

/** What a disk writes whole, at least. Commits begin and end with a sector. */
export const SECTOR_BYTES = 512;

const SECTOR_WORDS = SECTOR_BYTES / 4;
const MAGIC = 0x63627872;
const END_OF_SEGMENT = 1;
const HEADER_BYTES = 40;
const MAX_RECORD_BYTES = SECTOR_BYTES - HEADER_BYTES;
const ZEROS = Buffer.alloc(64 * 1024);

/** What one write to the log makes durable, all of it or nothing. */
export interface Commit {
  /** The entries after this one are gone, before `entries` are added behind it. */
  readonly kept: LogIndex;
  readonly entries: readonly Entry[];
  /** What is in force from now on. */
  readonly state: LogState;
}

/** Where a block lies in a segment. */
export interface BlockPlace {
  readonly offset: number;
  readonly end: number;
  readonly first: LogIndex;
  readonly last: LogIndex;
}

/** Says where in which segment a commit is to stand, so that it can't be taken for one at another place. */
export interface CommitPlace {
  readonly salt: number;
  readonly offset: number;
  /** One more than that of the commit before. */
  readonly sequence: number;
}

/**
 * The bytes of a commit:
 *
 * ```
 * u32 CRC-32 of the next 36 bytes, seeded with the place · u32 magic number · u32 length in bytes, whole sectors
 * u32 how many of the sectors hold zeros alone · u32 flags · u32 length of the state record
 * f64 sequence number · f64 kept · state record · blocks from the next word on · zeros
 * ```
 *
 * Head and state record are within the first sector. Each part has a checksum of its own. How a commit that was cut short
 * is told from one that was damaged afterwards is `isCutShort`.
 */
export function encodeCommit({ kept, entries, state }: Commit, { recordBytes, start, ends, used, length }: CommitLayout, place: CommitPlace, arena: Arena): { readonly bytes: Uint8Array; readonly blocks: BlockPlace[] } {
  const bytes = arena.take(length);
  bytes.fill(0, 0, start);
  bytes.fill(0, used);
  const view = new DataView(bytes.buffer, bytes.byteOffset, start);
  writeState(state, view, HEADER_BYTES);
  const blocks: BlockPlace[] = [];
  let offset = start;
  let from = 0;
  for (const { to, end } of ends) {
    encodeBlock(entries, from, to, bytes.subarray(offset, end));
    blocks.push({ offset: place.offset + offset, end: place.offset + end, first: kept + 1 + from, last: kept + to });
    offset = end;
    from = to;
  }
  writeHead(bytes, view, place, { kept, recordBytes, flags: 0 });
  return { bytes, blocks };
}

/** How a commit is laid out, whatever its place. */
export interface CommitLayout {
  readonly recordBytes: number;
  /** Where the blocks begin. */
  readonly start: number;
  /** Where each ends: among the entries, and in bytes. */
  readonly ends: readonly { readonly to: number; readonly end: number }[];
  readonly used: number;
  /** `used` in whole sectors. */
  readonly length: number;
}

export function layoutOf({ entries, state }: Commit): CommitLayout {
  const recordBytes = stateBytes(state.hardState.votedFor);
  const start = startOfBlocks(recordBytes);
  const ends: { to: number; end: number }[] = [];
  let used = start;
  for (let from = 0; from < entries.length; ) {
    const to = blockEnd(entries, from);
    used += blockLength(entries, from, to);
    ends.push({ to, end: used });
    from = to;
  }
  return { recordBytes, start, ends, used, length: wholeSectors(used) };
}

/** What follows the last commit of a segment: the log goes on in the next one, with the commit of the same sequence number. */
export function encodeEnd(place: CommitPlace): Uint8Array {
  const bytes = new Uint8Array(SECTOR_BYTES);
  writeHead(bytes, new DataView(bytes.buffer), place, { kept: 0, recordBytes: 0, flags: END_OF_SEGMENT });
  return bytes;
}

function writeHead(bytes: Uint8Array, view: DataView, { salt, offset, sequence }: CommitPlace, head: { readonly kept: LogIndex; readonly recordBytes: number; readonly flags: number }): void {
  view.setUint32(4, MAGIC);
  view.setUint32(8, bytes.length);
  view.setUint32(12, zeroSectors(bytes));
  view.setUint32(16, head.flags);
  view.setUint32(20, head.recordBytes);
  view.setFloat64(24, sequence);
  view.setFloat64(32, head.kept);
  view.setUint32(0, crc32(bytes.subarray(4, HEADER_BYTES), seed(salt, offset)));
}

/** The head of a commit whose checksum is right; the rest of it is not looked at yet. */
export interface CommitHead {
  readonly offset: number;
  readonly length: number;
  readonly zeroSectors: number;
  readonly isEnd: boolean;
  readonly sequence: number;
  readonly kept: LogIndex;
  readonly recordBytes: number;
}

/** The head of the commit at `offset` of a segment's bytes; null when none that was meant for this place is there. */
export function commitHead(segment: Uint8Array, salt: number, offset: number): CommitHead | null {
  if (offset + SECTOR_BYTES > segment.length) return null;
  const view = new DataView(segment.buffer, segment.byteOffset + offset, SECTOR_BYTES);
  if (view.getUint32(4) !== MAGIC) return null;
  if (view.getUint32(0) !== crc32(segment.subarray(offset + 4, offset + HEADER_BYTES), seed(salt, offset))) return null;
  const length = view.getUint32(8);
  const flags = view.getUint32(16);
  const recordBytes = view.getUint32(20);
  const sequence = view.getFloat64(24);
  const kept = view.getFloat64(32);
  if (length % SECTOR_BYTES !== 0 || length === 0 || offset + length > segment.length) return null;
  if (flags > END_OF_SEGMENT || recordBytes > MAX_RECORD_BYTES || !isCount(sequence) || !isCount(kept)) return null;
  return { offset, length, zeroSectors: view.getUint32(12), isEnd: flags === END_OF_SEGMENT, sequence, kept, recordBytes };
}

/** @throws {CorruptLogError} when its checksum does not match. */
export function stateOf(segment: Uint8Array, { offset, recordBytes }: CommitHead): LogState {
  return decodeState(segment.subarray(offset + HEADER_BYTES, offset + HEADER_BYTES + recordBytes));
}

/**
 * Whether not all sectors of a commit reached the disk. The file held zeros before, so a sector that was not written shows,
 * unless zeros were to be written to it: the head says of how many that is true. Taken for granted is that a disk which
 * damages a sector later does not fill it with zeros.
 */
export function isCutShort(segment: Uint8Array, { offset, length, zeroSectors: expected }: CommitHead): boolean {
  return zeroSectors(segment.subarray(offset, offset + length)) > expected;
}

/** @throws {CorruptLogError} when a block's checksum does not match. */
export function verifyBlocks(segment: Uint8Array, head: CommitHead): void {
  for (const { offset, end, first } of blocksOf(segment, head)) new BlockReader(segment.subarray(offset, end), first);
}

/** Where the blocks of a commit are, as far as their heads say. */
export function blocksOf(segment: Uint8Array, { offset, length, recordBytes, kept }: CommitHead): Iterable<BlockPlace> {
  return blocksFrom(segment.subarray(0, offset + length), 0, offset + startOfBlocks(recordBytes), kept + 1);
}

/**
 * Where the blocks are in `bytes`, which lie at `base` of their segment, from `at` on: those that follow each other in one or in
 * several commits. Ends where neither a block nor a commit is, which whoever looks for more entries finds out; only what a
 * block holds is under a checksum here.
 */
export function* blocksFrom(bytes: Uint8Array, base: number, at: number, first: LogIndex): Generator<BlockPlace, void, undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let offset = at - base;
  let next = first;
  while (offset < bytes.length) {
    const block = blockHead(view, offset);
    if (block !== null) {
      yield { offset: base + offset, end: base + offset + block.length, first: next, last: next + block.count - 1 };
      offset += block.length;
      next += block.count;
    } else if ((base + offset) % SECTOR_BYTES !== 0) {
      // Behind the last block of a commit there is nothing up to the next sector.
      offset = wholeSectors(base + offset) - base;
    } else {
      if (offset + HEADER_BYTES > bytes.length || view.getUint32(offset + 4) !== MAGIC) return;
      const recordBytes = view.getUint32(offset + 20);
      if (recordBytes > MAX_RECORD_BYTES) return;
      offset += startOfBlocks(recordBytes);
    }
  }
}

function wholeSectors(bytes: number): number {
  return Math.ceil(bytes / SECTOR_BYTES) * SECTOR_BYTES;
}

function startOfBlocks(recordBytes: number): number {
  return HEADER_BYTES + ((recordBytes + 7) & ~7);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Whether `bytes` hold zeros alone. */
export function isZero(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at += ZEROS.length) {
    const part = bytes.subarray(at, at + ZEROS.length);
    if (ZEROS.compare(part, 0, part.length, 0, part.length) !== 0) return false;
  }
  return true;
}

/** Of those behind the first, which holds the head. No view is made for each: that cost more than looking at it. */
function zeroSectors(bytes: Uint8Array): number {
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  let count = 0;
  for (let end = 2 * SECTOR_WORDS; end <= words.length; end += SECTOR_WORDS) {
    let word = end - SECTOR_WORDS;
    while (word < end && words[word] === 0) word++;
    if (word === end) count++;
  }
  return count;
}

function seed(salt: number, offset: number): number {
  return (salt ^ offset) >>> 0;
}
