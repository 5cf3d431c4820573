import { encodeConfiguration } from '../../core/configuration.js';
import type { Entry } from '../../core/entry.js';
import type { WirePacker } from '../../codec/msgpack.js';
import type { ForwardReply, PeerMessage } from '../../ports/transport.js';
import { ENTRY_FIELDS, ENTRY_KINDS, FORWARD_ERROR_CODES, FORWARD_OPERATIONS, MAX_ERROR_TEXT_LENGTH, WIRE_KIND } from './kinds.js';

/**
 * Turns messages into bytes: one MessagePack array each, the kind first. What is long (entries, snapshot
 * data, a payload) is the last element, so that it can be left out of the packing and follow by reference.
 */
export class WireEncoder {
  readonly #packer: WirePacker;
  readonly #reserveBytes: number;
  readonly #blocks = new Map<readonly Entry[], Uint8Array>();

  /** The first part of every message begins with `reserveBytes` bytes for the carrier to fill. */
  constructor(packer: WirePacker, reserveBytes: number) {
    this.#packer = packer;
    this.#reserveBytes = reserveBytes;
  }

  /** The message's bytes in parts, to be sent one after the other. Parts may belong to the message or to other messages: read only. */
  encode(message: PeerMessage): Uint8Array[] {
    switch (message.type) {
      case 'append': {
        const { term, round, previous, commit } = message;
        return [this.#packOpen([WIRE_KIND.append, term, round, previous.index, previous.term, commit]), this.#block(message.entries)];
      }
      case 'appendReply':
        return [this.#pack([WIRE_KIND.appendReply, message.term, message.round, message.matched, message.willing])];
      case 'appendRejected': {
        const { term, round, rejected, hint } = message;
        return [this.#pack([WIRE_KIND.appendRejected, term, round, rejected, hint.index, hint.term])];
      }
      case 'heartbeat':
        return [this.#pack([WIRE_KIND.heartbeat, message.term, message.round, message.commit])];
      case 'heartbeatReply':
        return [this.#pack([WIRE_KIND.heartbeatReply, message.term, message.round, message.willing])];
      case 'timeoutNow':
        return [this.#pack([WIRE_KIND.timeoutNow, message.term])];
      case 'preVoteRequest':
        return [this.#pack([WIRE_KIND.preVoteRequest, message.term, message.lastLog.index, message.lastLog.term])];
      case 'voteRequest':
        return [this.#pack([WIRE_KIND.voteRequest, message.term, message.lastLog.index, message.lastLog.term, message.transfer])];
      case 'preVoteReply':
      case 'voteReply':
        return [this.#pack([WIRE_KIND[message.type], message.term, message.granted])];
      case 'installSnapshot': {
        const { term, round, snapshot, attempt, offset, checksum, done } = message;
        const { last, configurationIndex, bytes } = snapshot;
        const configuration = encodeConfiguration(snapshot.configuration);
        const fields = [WIRE_KIND.installSnapshot, term, round, last.index, last.term, configurationIndex, bytes, configuration, attempt, offset, checksum, done];
        return [this.#packOpen(fields), bytesHeader(message.data.length), message.data];
      }
      case 'installSnapshotReply': {
        const { term, round, last, attempt, received, gap, installed, matched } = message;
        return [this.#pack([WIRE_KIND.installSnapshotReply, term, round, last.index, last.term, attempt, received, gap, installed, matched])];
      }
      case 'forwardRequest': {
        const timeoutMs = Math.min(Math.ceil(message.timeoutMs), Number.MAX_SAFE_INTEGER);
        const fields = [WIRE_KIND.forwardRequest, message.id, FORWARD_OPERATIONS.indexOf(message.operation), timeoutMs];
        return [this.#packOpen(fields), bytesHeader(message.payload.length), message.payload];
      }
      case 'forwardReply':
        return this.#forwardReply(message);
    }
  }

  /** Forgets the entries that were encoded since the last call. To be called once a turn. */
  endTurn(): void {
    if (this.#blocks.size > 0) this.#blocks.clear();
  }

  #forwardReply({ id, outcome }: ForwardReply): Uint8Array[] {
    if (outcome.ok) return [this.#packOpen([WIRE_KIND.forwardReply, id, true, outcome.index, outcome.term]), bytesHeader(outcome.value.length), outcome.value];
    const text = outcome.message.slice(0, MAX_ERROR_TEXT_LENGTH);
    return [this.#pack([WIRE_KIND.forwardReply, id, false, FORWARD_ERROR_CODES.indexOf(outcome.code), text, outcome.leaderId])];
  }

  #pack(fields: unknown[]): Uint8Array {
    return this.#packer.pack(fields, this.#reserveBytes);
  }

  /** Packs an array whose last element follows separately: its header counts one more. Arrays of up to 15 have their length in one byte. */
  #packOpen(fields: unknown[]): Uint8Array {
    const packed = this.#pack(fields);
    packed[this.#reserveBytes] = 0x90 + fields.length + 1;
    return packed;
  }

  /** The leader sends every follower the same array of entries in a turn: it is encoded for the first and shared by the rest. */
  #block(entries: readonly Entry[]): Uint8Array {
    let block = this.#blocks.get(entries);
    if (block === undefined) {
      block = encodeEntries(entries);
      this.#blocks.set(entries, block);
    }
    return block;
  }
}

/**
 * All entries as one flat array. Written by hand, since the exact size is known beforehand: one allocation,
 * one copy of each payload, and no packer whose buffer has grown to the largest entry ever sent.
 */
export function encodeEntries(entries: readonly Entry[]): Uint8Array {
  let size = 5;
  for (const { index, term, payload } of entries) {
    size += uintBytes(index) + uintBytes(term) + 1 + bytesHeaderBytes(payload.length) + payload.length;
  }
  const block = Buffer.allocUnsafe(size);
  let at = writeHeader(block, 0, 0xdd, entries.length * ENTRY_FIELDS);
  for (const { index, term, kind, payload } of entries) {
    at = writeUint(block, at, index);
    at = writeUint(block, at, term);
    block[at] = ENTRY_KINDS.indexOf(kind);
    at = writeBytesHeader(block, at + 1, payload.length);
    block.set(payload, at);
    at += payload.length;
  }
  return block;
}

function bytesHeader(length: number): Uint8Array {
  const header = new Uint8Array(bytesHeaderBytes(length));
  writeBytesHeader(header, 0, length);
  return header;
}

function bytesHeaderBytes(length: number): number {
  return length < 0x100 ? 2 : 5;
}

function writeBytesHeader(target: Uint8Array, at: number, length: number): number {
  if (length >= 0x100) return writeHeader(target, at, 0xc6, length);
  target[at] = 0xc4;
  target[at + 1] = length;
  return at + 2;
}

function uintBytes(value: number): number {
  return value < 0x80 ? 1 : value <= 0xffffffff ? 5 : 9;
}

function writeUint(target: Buffer, at: number, value: number): number {
  if (value <= 0xffffffff) {
    if (value >= 0x80) return writeHeader(target, at, 0xce, value);
    target[at] = value;
    return at + 1;
  }
  target[at] = 0xcb; // beyond 32 bits as a double, as msgpackr does
  return target.writeDoubleBE(value, at + 1);
}

function writeHeader(target: Uint8Array, at: number, token: number, length: number): number {
  target[at] = token;
  target[at + 1] = length >>> 24;
  target[at + 2] = length >>> 16;
  target[at + 3] = length >>> 8;
  target[at + 4] = length;
  return at + 5;
}
