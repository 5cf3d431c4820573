import { Packr, RESERVE_START_SPACE } from 'msgpackr';
import type { Codec } from '../ports/codec.js';
import { checkMsgpack, type MsgpackRules } from './check-msgpack.js';

/** What a command may hold at most. */
const COMMAND_RULES: MsgpackRules = { maxDepth: 64, maxValues: 1_000_000, allowRich: true };

/**
 * The default codec of commands and results: MessagePack.
 *
 * Carries null, booleans, numbers, texts, arrays, plain objects, `undefined`, `Date`, 64-bit `bigint` and
 * `Uint8Array`. What is none of these arrives as the nearest plain value (a `Map` as an object, a `Set` as
 * an array, a class instance as its fields), and −0 as 0. At most 64 levels deep and a million values.
 *
 * Safe on hostile bytes: they are checked whole before anything is built, so that decoding ends in a value
 * or an `Error`, takes memory in proportion to the bytes, and gives no object with a `__proto__` key.
 * Encoding keeps to the same rules: what `encode` lets through, `decode` takes on every node.
 *
 * What `encode` returns may share a buffer of Node's pool (`Buffer.poolSize`) with its neighbours, as small `Buffer`s do: who
 * keeps a few of many for long copies them. What `decode` returns shares nothing with the bytes.
 *
 * @example
 * const codec = msgpackCodec<{ add: number }>();
 * codec.decode(codec.encode({ add: 1 })); // { add: 1 }
 */
export function msgpackCodec<T>(): Codec<T> {
  const packr = new Packr({ useRecords: false, variableMapSize: true, copyBuffers: true });
  return {
    encode(value: T): Uint8Array {
      const packed = packr.pack(value);
      checkMsgpack(packed, COMMAND_RULES);
      return pooled(packed); // a view would keep the packer's whole buffer alive
    },
    decode(bytes: Uint8Array): T {
      checkMsgpack(bytes, COMMAND_RULES);
      return packr.unpack(plainView(bytes)) as T;
    },
  };
}

/** Packs and unpacks the wire's positional arrays: nothing but arrays, numbers, texts, bytes, booleans and null. */
export interface WirePacker {
  /** The first `reserveBytes` (at most 255) are left for the caller to fill. The bytes may share a larger buffer; they are never written to again. */
  pack(value: unknown, reserveBytes?: number): Uint8Array;
  /** Byte values alias `bytes`. @throws {Error} when the bytes are not one value within `rules`. */
  unpack(bytes: Uint8Array, rules: MsgpackRules): unknown;
}

/** A packer for one transport. */
export function wirePacker(): WirePacker {
  const packr = new Packr({ useRecords: false, variableMapSize: true });
  return {
    pack: (value, reserveBytes = 0) => packr.pack(value, reserveBytes === 0 ? 0 : RESERVE_START_SPACE | reserveBytes),
    unpack(bytes, rules) {
      checkMsgpack(bytes, rules);
      return packr.unpack(bytes.constructor === Uint8Array ? bytes : plainView(bytes)) as unknown;
    },
  };
}

/** A copy that shares a few kilobytes with its neighbours, as small `Buffer`s do: a buffer of its own costs eight times as much to make. */
function pooled(bytes: Uint8Array): Uint8Array {
  const copy = Buffer.allocUnsafe(bytes.length);
  copy.set(bytes);
  return plainView(copy);
}

/** A `Uint8Array` proper, so that byte values come out as such and not as `Buffer`; msgpackr also leaves a property on what it reads. */
function plainView(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
