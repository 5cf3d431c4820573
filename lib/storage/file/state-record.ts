import { crc32 } from 'node:zlib';
import type { LogId } from '../../core/ids.js';
import type { HardState } from '../../core/output.js';
import { CorruptLogError } from '../../ports/errors.js';

/**
 * What every commit brings up to date beside its blocks. `last` makes a lost tail visible: a log that
 * ends anywhere else was damaged.
 *
 * ```
 * u32 CRC-32 of the rest · u8 format version · u8 length of votedFor, 255 for none · u16 0
 * f64 term · f64 compacted index · f64 its term · f64 last index · f64 its term · votedFor
 * ```
 */
export interface LogState {
  readonly hardState: HardState;
  readonly compacted: LogId;
  readonly last: LogId;
}

const STATE_VERSION = 1;
const FIXED_BYTES = 48;
const NO_VOTE = 255;

/** How long the record of a state with this vote is. */
export function stateBytes(votedFor: string | null): number {
  return FIXED_BYTES + Buffer.byteLength(votedFor ?? '');
}

/** Writes the record to `view`, at `offset` and as long as `stateBytes` says, where zeros stand. */
export function writeState({ hardState, compacted, last }: LogState, view: DataView, offset: number): void {
  const { term, votedFor } = hardState;
  const bytes = Buffer.from(view.buffer, view.byteOffset + offset, stateBytes(votedFor));
  const nameBytes = bytes.write(votedFor ?? '', FIXED_BYTES);
  view.setUint8(offset + 4, STATE_VERSION);
  view.setUint8(offset + 5, votedFor === null ? NO_VOTE : nameBytes);
  view.setFloat64(offset + 8, term);
  view.setFloat64(offset + 16, compacted.index);
  view.setFloat64(offset + 24, compacted.term);
  view.setFloat64(offset + 32, last.index);
  view.setFloat64(offset + 40, last.term);
  view.setUint32(offset, crc32(bytes.subarray(4)));
}

/** @throws {CorruptLogError} when the checksum does not match. */
export function decodeState(bytes: Uint8Array): LogState {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < FIXED_BYTES || view.getUint32(0) !== crc32(bytes.subarray(4))) {
    throw new CorruptLogError('hard state', null, 'the checksum does not match');
  }
  const number = (i: number): number => view.getFloat64(8 + 8 * i);
  const isVote = view.getUint8(5) !== NO_VOTE;
  const isWellFormed =
    view.getUint8(4) === STATE_VERSION &&
    (isVote ? view.getUint8(5) : 0) === bytes.length - FIXED_BYTES &&
    [0, 1, 2, 3, 4].every((i) => Number.isSafeInteger(number(i)) && number(i) >= 0) &&
    number(1) <= number(3);
  if (!isWellFormed) throw new CorruptLogError('hard state', null, 'the record makes no sense to this build; use the newer one that wrote it, or restore the directory from a backup');
  const votedFor = isVote ? new TextDecoder().decode(bytes.subarray(FIXED_BYTES)) : null;
  return {
    hardState: { term: number(0), votedFor },
    compacted: { index: number(1), term: number(2) },
    last: { index: number(3), term: number(4) },
  };
}
