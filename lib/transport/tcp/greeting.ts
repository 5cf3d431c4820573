import { crc32 } from 'node:zlib';
import { isValidId, type NodeId } from '../../core/ids.js';
import type { TransportIdentity } from '../../ports/transport.js';

/**
 * The first thing that either side says, checked before anything else is read:
 *
 *     'RXRF' │ version │ length │ checksum │ cluster id │ from │ to │ refusal
 *       4    │    1    │   2    │    4     │      four texts, each after its length in one byte
 *
 * The length is that of checksum and texts; the checksum is the CRC-32 of the texts: a name that is damaged on the
 * way must not pass for another. The dialler speaks first; the acceptor answers with its own, whose `refusal` is
 * empty when the connection may be used. Magic, version and length keep their places in every version of the
 * protocol, so that who speaks another one can be told.
 */
export interface Greeting {
  readonly clusterId: string;
  readonly from: NodeId;
  readonly to: NodeId;
  readonly refusal: string;
}

export const PROTOCOL_VERSION = 2;

const MAGIC = Buffer.from('RXRF', 'latin1');
/** What a TLS connection begins with. */
const TLS_HANDSHAKE = 0x16;

const HEADER_BYTES = 7;
const CHECKSUM_BYTES = 4;
const MAX_BODY_BYTES = CHECKSUM_BYTES + 4 * 256;

/** Thrown when the other side greets in another version of the protocol. */
export class OtherVersionError extends Error {
  override readonly name = 'OtherVersionError';

  constructor(readonly version: number) {
    super(`protocol version ${version}; this build speaks ${PROTOCOL_VERSION}`);
  }
}

export function encodeGreeting({ clusterId, from, to, refusal }: Greeting): Buffer {
  const texts = [clusterId, from, to, refusal].flatMap((text) => {
    const bytes = Buffer.from(text, 'utf8').subarray(0, 255);
    return [Buffer.of(bytes.length), bytes];
  });
  const body = Buffer.concat([Buffer.alloc(CHECKSUM_BYTES), ...texts]);
  body.writeUInt32BE(crc32(body.subarray(CHECKSUM_BYTES)));
  return Buffer.concat([header(body.length), body]);
}

/** A greeting without a body, which tells who speaks another version what this build speaks; they read no further. */
export function encodeVersion(): Buffer {
  return header(0);
}

function header(bodyBytes: number): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(bytes);
  bytes[4] = PROTOCOL_VERSION;
  bytes.writeUInt16BE(bodyBytes, 5);
  return bytes;
}

/**
 * Reads a greeting from the beginning of what has arrived: null when more must come. Never needs more than
 * about a kilobyte, and refuses a stranger at the first wrong byte.
 * @throws {Error} when this is no greeting of this version, or a damaged one.
 */
export function readGreeting(bytes: Buffer): { readonly greeting: Greeting; readonly rest: Buffer } | null {
  const known = Math.min(bytes.length, MAGIC.length);
  if (bytes[0] === TLS_HANDSHAKE) throw new Error('a TLS connection; this node does not use TLS');
  if (bytes.compare(MAGIC, 0, known, 0, known) !== 0) throw new Error('not an rxraft connection');
  const version = bytes[4];
  if (version !== undefined && version !== PROTOCOL_VERSION) throw new OtherVersionError(version);
  if (bytes.length < HEADER_BYTES) return null;
  const length = bytes.readUInt16BE(5);
  if (length > MAX_BODY_BYTES) throw new Error(`greeting of ${length} bytes; at most ${MAX_BODY_BYTES}`);
  if (bytes.length < HEADER_BYTES + length) return null;

  const body = bytes.subarray(HEADER_BYTES, HEADER_BYTES + length);
  if (length < CHECKSUM_BYTES) throw new Error('malformed greeting');
  if (body.readUInt32BE() !== crc32(body.subarray(CHECKSUM_BYTES))) throw new Error('damaged on the way: the checksum of the greeting does not match');
  const texts: string[] = [];
  for (let at = CHECKSUM_BYTES; at < body.length; ) {
    const end = at + 1 + (body[at] as number); // at < body.length
    if (end > body.length || texts.length === 4) throw new Error('malformed greeting');
    texts.push(body.toString('utf8', at + 1, end));
    at = end;
  }
  const [clusterId, from, to, refusal] = texts;
  if (clusterId === undefined || from === undefined || to === undefined || refusal === undefined) throw new Error('malformed greeting');
  if (!isValidId(from)) throw new Error('greeting from an invalid node id');
  return { greeting: { clusterId, from, to, refusal }, rest: bytes.subarray(HEADER_BYTES + length) };
}

/** What is wrong with a greeting for this node; empty when nothing is. */
export function refusalOf(greeting: Greeting, own: TransportIdentity): string {
  if (greeting.clusterId !== own.clusterId) return 'another cluster id';
  if (greeting.to !== own.nodeId) return 'meant for another node';
  if (greeting.from === own.nodeId) return 'the own node id';
  return '';
}
