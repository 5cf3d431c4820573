import type { MsgpackRules } from '../../codec/check-msgpack.js';
import type { WirePacker } from '../../codec/msgpack.js';
import { decodeConfiguration } from '../../core/configuration.js';
import { EMPTY_PAYLOAD, type Entry } from '../../core/entry.js';
import type { LogIndex } from '../../core/ids.js';
import type { InstallSnapshot } from '../../core/messages.js';
import type { ForwardReply, PeerMessage } from '../../ports/transport.js';
import { Fields } from './fields.js';
import {
  ENTRY_FIELDS, ENTRY_KINDS, FORWARD_ERROR_CODES, FORWARD_OPERATIONS, MAX_CONFIGURATION_BYTES, MAX_ENTRIES, MAX_ERROR_TEXT_LENGTH, WIRE_KIND,
} from './kinds.js';

/** A message is an array that holds at most one array, of entries. */
const RULES: MsgpackRules = { maxDepth: 2, maxValues: ENTRY_FIELDS * MAX_ENTRIES + 32, allowRich: false };

/**
 * Turns bytes back into a message. Every element is checked: type, range, and for entries that they are
 * consecutive. What passes is well formed, though not necessarily true.
 *
 * With `isOwned` the message keeps parts of `bytes`, which the caller must not touch again; otherwise it
 * copies what it keeps.
 * @throws {Error} that says what is wrong, in a few words and without the bytes themselves.
 */
export function decodeMessage(packer: WirePacker, bytes: Uint8Array, isOwned: boolean): PeerMessage {
  const values = packer.unpack(isOwned || !carriesBytes(bytes) ? bytes : new Uint8Array(bytes), RULES);
  if (!Array.isArray(values)) throw new Error('message is not an array');
  const [kind, ...rest] = values as unknown[];
  const name = NAMES.get(kind);
  if (name === undefined) throw new Error('message is of an unknown kind');
  const fields = new Fields(name, rest);
  const message = read(name, fields);
  fields.end();
  return message;
}

const NAMES: ReadonlyMap<unknown, PeerMessage['type']> = new Map(Object.entries(WIRE_KIND).map(([name, kind]) => [kind, name as PeerMessage['type']]));

/** By the kind in the second byte. Whatever else stands there will not decode. */
function carriesBytes(bytes: Uint8Array): boolean {
  switch (bytes[1]) {
    case WIRE_KIND.append:
    case WIRE_KIND.installSnapshot:
    case WIRE_KIND.forwardRequest:
    case WIRE_KIND.forwardReply:
      return true;
    default:
      return false;
  }
}

function read(type: PeerMessage['type'], fields: Fields): PeerMessage {
  switch (type) {
    case 'append': {
      const head = { type, term: fields.uint('term'), round: fields.uint('round'), previous: fields.logId('previous'), commit: fields.uint('commit') };
      return { ...head, entries: readEntries(fields.array('entries'), head.previous.index + 1) };
    }
    case 'appendReply':
      return { type, term: fields.uint('term'), round: fields.uint('round'), matched: fields.uint('matched'), willing: fields.boolean('willing') };
    case 'appendRejected':
      return { type, term: fields.uint('term'), round: fields.uint('round'), rejected: fields.uint('rejected'), hint: fields.logId('hint') };
    case 'heartbeat':
      return { type, term: fields.uint('term'), round: fields.uint('round'), commit: fields.uint('commit') };
    case 'timeoutNow':
      return { type, term: fields.uint('term') };
    case 'heartbeatReply':
      return { type, term: fields.uint('term'), round: fields.uint('round'), willing: fields.boolean('willing') };
    case 'preVoteRequest':
      return { type, term: fields.uint('term'), lastLog: fields.logId('lastLog') };
    case 'voteRequest':
      return { type, term: fields.uint('term'), lastLog: fields.logId('lastLog'), transfer: fields.boolean('transfer') };
    case 'preVoteReply':
    case 'voteReply':
      return { type, term: fields.uint('term'), granted: fields.boolean('granted') };
    case 'installSnapshot':
      return readSnapshot(fields);
    case 'installSnapshotReply':
      return {
        type, term: fields.uint('term'), round: fields.uint('round'), last: fields.logId('last'),
        attempt: fields.uint('attempt'), received: fields.uint('received'), gap: fields.boolean('gap'), installed: fields.boolean('installed'), matched: fields.uint('matched'),
      };
    case 'forwardRequest': {
      const head = { type, id: fields.uint('id'), operation: fields.oneOf('operation', FORWARD_OPERATIONS), timeoutMs: fields.uint('timeoutMs') };
      return { ...head, payload: fields.bytes('payload') };
    }
    case 'forwardReply':
      return readForwardReply(fields);
  }
}

function readEntries(values: readonly unknown[], first: LogIndex): Entry[] {
  if (values.length % ENTRY_FIELDS !== 0) throw new Error(`append.entries has ${values.length} elements; expected ${ENTRY_FIELDS} for each entry`);
  const entries: Entry[] = new Array<Entry>(values.length / ENTRY_FIELDS);
  for (let place = 0, at = 0; place < entries.length; place += 1, at += ENTRY_FIELDS) {
    const index = first + place;
    const term = values[at + 1];
    const kind = ENTRY_KINDS[values[at + 2] as number]; // undefined for whatever is not an index of the list
    const payload = values[at + 3];
    if (values[at] !== index || !Number.isSafeInteger(index)) throw new Error('append.entries are not consecutive');
    if (typeof term !== 'number' || !Number.isSafeInteger(term) || term < 0) throw new Error('append.entries: term is not a whole number ≥ 0');
    if (typeof values[at + 2] !== 'number' || kind === undefined) throw new Error('append.entries: unknown kind');
    if (!(payload instanceof Uint8Array)) throw new Error('append.entries: payload is not bytes');
    entries[place] = { index, term: term + 0, kind, payload: payload.length === 0 ? EMPTY_PAYLOAD : payload };
  }
  return entries;
}

function readSnapshot(fields: Fields): InstallSnapshot {
  const [term, round, last] = [fields.uint('term'), fields.uint('round'), fields.logId('last')];
  const [configurationIndex, bytes, configuration] = [fields.uint('configurationIndex'), fields.uint('bytes'), fields.bytes('configuration')];
  if (configuration.length > MAX_CONFIGURATION_BYTES) throw new Error(`installSnapshot.configuration is longer than ${MAX_CONFIGURATION_BYTES} bytes`);
  const snapshot = { last, configuration: decodeConfiguration(configuration), configurationIndex, bytes };
  const [attempt, offset, checksum, done] = [fields.uint('attempt'), fields.uint('offset'), fields.uint32('checksum'), fields.boolean('done')];
  return { type: 'installSnapshot', term, round, snapshot, attempt, offset, data: fields.bytes('data'), checksum, done };
}

function readForwardReply(fields: Fields): ForwardReply {
  const id = fields.uint('id');
  if (fields.boolean('ok')) {
    return { type: 'forwardReply', id, outcome: { ok: true, index: fields.uint('index'), term: fields.uint('term'), value: fields.bytes('value') } };
  }
  const [code, message] = [fields.oneOf('code', FORWARD_ERROR_CODES), fields.text('message', MAX_ERROR_TEXT_LENGTH)];
  return { type: 'forwardReply', id, outcome: { ok: false, code, message, leaderId: fields.idOrNull('leaderId') } };
}
