import { crc32 } from 'node:zlib';

/**
 * After the greeting, everything travels in frames:
 *
 *     checksum │ length │ complement of the length │ type │ body
 *        4     │   4    │            4             │  1   │ `length` bytes
 *
 * The checksum is the CRC-32 of all that follows it. TCP's own has 16 bits and is lost on what a faulty network card or
 * switch does to a packet between two checks; replicas that applied such a thing would differ, and nobody would know.
 * Behind a damaged length the reader would wait for bytes that nobody sends, and take for them what comes instead:
 * the complement tells at once.
 */
export const FRAME_HEADER_BYTES = 13;

/** Where the checksum ends, and begins to count. */
export const CHECKED_FROM = 4;
export const LENGTH_AT = 4;
export const COMPLEMENT_AT = 8;
export const TYPE_AT = 12;

/** `message` has a body, the others none. A `ping` is answered by a `pong`. */
export const FRAME_TYPE = Object.freeze({ message: 0, ping: 1, pong: 2 });

/** Fills in the header of a frame of `bytes` in all, for which the first part has left room. The rest of it and the other parts are only read. */
export function sealFrame(parts: readonly Uint8Array[], bytes: number, type: number): void {
  const first = parts[0] as Uint8Array; // a frame has its header at least
  const length = bytes - FRAME_HEADER_BYTES;
  writeUint32(first, LENGTH_AT, length);
  writeUint32(first, COMPLEMENT_AT, ~length);
  first[TYPE_AT] = type;
  let sum = checksum(new Uint8Array(first.buffer, first.byteOffset + CHECKED_FROM, first.length - CHECKED_FROM), 0);
  for (let at = 1; at < parts.length; at += 1) sum = checksum(parts[at] as Uint8Array, sum); // at < parts.length
  writeUint32(first, 0, sum);
}

/** Goes on from the checksum of what came before. zlib takes bytes that are none for the wish to begin anew, at times. */
export function checksum(bytes: Uint8Array, before: number): number {
  return bytes.length === 0 ? before : crc32(bytes, before);
}

/** A frame without a body. */
export function emptyFrame(type: number): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES);
  sealFrame([frame], frame.length, type);
  return frame;
}

function writeUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value >>> 24;
  target[at + 1] = value >>> 16;
  target[at + 2] = value >>> 8;
  target[at + 3] = value;
}
