import fc from 'fast-check';
import { wirePacker } from '../../lib/codec/msgpack.js';
import type { Entry } from '../../lib/core/entry.js';
import type { PeerMessage } from '../../lib/ports/transport.js';
import { sampleEntries, sampleMessages } from '../../lib/testing/sample-messages.js';
import { decodeMessage, WIRE_KIND, WireEncoder } from '../../lib/transport/wire.js';

const packer = wirePacker();
const encoder = new WireEncoder(packer, 0);

function encode(message: PeerMessage): Uint8Array {
  encoder.endTurn();
  return new Uint8Array(Buffer.concat(encoder.encode(message)));
}

const decode = (bytes: Uint8Array): PeerMessage => decodeMessage(packer, bytes, false);

const number = fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat());
const logId = fc.record({ index: number, term: number });
const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const payload = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.uint8Array({ minLength: 250, maxLength: 70_000 }));
/** What is known of a node beyond its address; what is not said is left out. */
const detail = fc.record(
  {
    metadata: fc.dictionary(fc.string({ minLength: 1, maxLength: 10 }).filter((key) => key !== '__proto__'), fc.string({ maxLength: 10 }), { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
    autoPromote: fc.constant(true),
    priority: fc.integer({ min: 1, max: 9 }),
  },
  { requiredKeys: [], noNullPrototype: true },
);
const configuration = fc
  .record({ ids: fc.uniqueArray(id, { minLength: 1, maxLength: 6 }), address: fc.string({ maxLength: 30 }), voters: fc.integer({ min: 1, max: 6 }), details: fc.array(detail, { minLength: 1, maxLength: 6 }) })
  .map(({ ids, address, voters, details }) => ({
    voters: ids.slice(0, voters).sort(),
    votersOutgoing: ids.slice(0, 1),
    learners: ids.slice(voters).sort(),
    nodes: Object.fromEntries(ids.map((node, place) => [node, { address: `${node} ${address}`, ...details[place % details.length] }])),
  }));
const append = fc
  .record({ previous: fc.record({ index: fc.oneof(fc.nat(), fc.maxSafeNat().map((n) => Math.max(0, n - 100))), term: number }), term: number, round: number, commit: number,
    bodies: fc.array(fc.record({ term: number, kind: fc.constantFrom('command' as const, 'noop' as const, 'configuration' as const), payload }), { maxLength: 12 }) })
  .map(({ bodies, ...head }): PeerMessage => {
    const entries = bodies.map((body, place): Entry => ({ index: head.previous.index + 1 + place, ...body }));
    return { type: 'append', ...head, entries };
  });

const messages: fc.Arbitrary<PeerMessage> = fc.oneof(
  append,
  fc.record({ type: fc.constant('preVoteRequest' as const), term: number, lastLog: logId }),
  fc.record({ type: fc.constant('preVoteReply' as const), term: number, granted: fc.boolean() }),
  fc.record({ type: fc.constant('voteRequest' as const), term: number, lastLog: logId, transfer: fc.boolean() }),
  fc.record({ type: fc.constant('voteReply' as const), term: number, granted: fc.boolean() }),
  fc.record({ type: fc.constant('appendReply' as const), term: number, round: number, matched: number, willing: fc.boolean() }),
  fc.record({ type: fc.constant('appendRejected' as const), term: number, round: number, rejected: number, hint: logId }),
  fc.record({ type: fc.constant('heartbeat' as const), term: number, round: number, commit: number }),
  fc.record({ type: fc.constant('heartbeatReply' as const), term: number, round: number, willing: fc.boolean() }),
  fc.record({ type: fc.constant('installSnapshot' as const), term: number, round: number, attempt: number, offset: number, data: payload, checksum: fc.nat(0xffffffff), done: fc.boolean(),
    snapshot: fc.record({ last: logId, configuration, configurationIndex: number, bytes: number }) }),
  fc.record({ type: fc.constant('installSnapshotReply' as const), term: number, round: number, last: logId, attempt: number, received: number, gap: fc.boolean(), installed: fc.boolean(), matched: number }),
  fc.record({ type: fc.constant('timeoutNow' as const), term: number }),
  fc.record({ type: fc.constant('forwardRequest' as const), id: number, operation: fc.constantFrom('propose' as const, 'readIndex' as const), payload, timeoutMs: number }),
  fc.record({ type: fc.constant('forwardReply' as const), id: number, outcome: fc.oneof(
    fc.record({ ok: fc.constant(true as const), index: number, term: number, value: payload }),
    fc.record({ ok: fc.constant(false as const), code: fc.constantFrom('notLeader' as const, 'indeterminate' as const, 'rejected' as const, 'overloaded' as const, 'timeout' as const, 'stopped' as const),
      message: fc.string({ unit: 'grapheme', maxLength: 100 }), leaderId: fc.option(id) }),
  ) }),
);

describe('the wire', () => {
  it('gives back every message as it was', () => {
    fc.assert(fc.property(messages, (message) => {
      expect(decode(encode(message))).toEqual(message);
    }), { numRuns: 1000 });
  });

  it('has a sample of every kind', () => {
    expect(new Set(sampleMessages().map(({ type }) => type)).size).toBe(Object.keys(WIRE_KIND).length);
    for (const message of sampleMessages()) expect(decode(encode(message))).toEqual(message);
  });

  it('gives payloads as plain byte arrays that share nothing with the bytes received', () => {
    const bytes = encode({ type: 'append', term: 3, round: 1, previous: { index: 0, term: 0 }, commit: 0, entries: sampleEntries(1, 3, 40) });
    const message = decode(bytes);
    bytes.fill(0xff);
    expect(message).toMatchObject({ entries: sampleEntries(1, 3, 40) });
    expect(message.type === 'append' && message.entries[0]?.payload.constructor).toBe(Uint8Array);
  });

  it('keeps views of bytes that it is given for good', () => {
    const bytes = encode({ type: 'forwardRequest', id: 1, operation: 'readIndex', payload: Uint8Array.of(1, 2), timeoutMs: 1 });
    const message = decodeMessage(packer, bytes, true);
    expect(message.type === 'forwardRequest' && message.payload.buffer).toBe(bytes.buffer);
  });

  it('encodes one array of entries once a turn, however many peers it goes to', () => {
    encoder.endTurn();
    const head = { type: 'append' as const, term: 3, round: 1, previous: { index: 0, term: 0 }, commit: 0, entries: sampleEntries(1, 10, 100) };
    const [first, second] = [encoder.encode(head), encoder.encode({ ...head, round: 2 })];
    expect(second[1]).toBe(first[1]);
    encoder.endTurn();
    expect(encoder.encode(head)[1]).not.toBe(first[1]);
  });

  it('sends payloads and snapshot data by reference', () => {
    const data = new Uint8Array(300);
    expect(encoder.encode({ type: 'forwardRequest', id: 1, operation: 'propose', payload: data, timeoutMs: 1 }).at(-1)).toBe(data);
  });

  it('rounds a time limit up and cuts an error text short', () => {
    expect(decode(encode({ type: 'forwardRequest', id: 1, operation: 'readIndex', payload: new Uint8Array(), timeoutMs: 0.5 }))).toMatchObject({ timeoutMs: 1 });
    expect(decode(encode({ type: 'forwardRequest', id: 1, operation: 'readIndex', payload: new Uint8Array(), timeoutMs: Infinity }))).toMatchObject({ timeoutMs: Number.MAX_SAFE_INTEGER });
    expect(decode(encode({ type: 'forwardReply', id: 1, outcome: { ok: false, code: 'rejected', message: 'x'.repeat(5000), leaderId: null } })))
      .toMatchObject({ outcome: { message: 'x'.repeat(1024) } });
  });
});

describe('the wire under hostile bytes', () => {
  const outcomeOf = (bytes: Uint8Array): PeerMessage | Error => {
    try {
      return decode(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
      return error as Error;
    }
  };

  it('random bytes end in a message or an Error', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      outcomeOf(bytes);
    }), { numRuns: 3000 });
  });

  it('a damaged message ends in an Error or in another well-formed message', () => {
    fc.assert(fc.property(messages, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }), (message, damages) => {
      const bytes = encode(message);
      for (const [at, byte] of damages) bytes[at % Math.min(bytes.length, 64)] = byte;
      const outcome = outcomeOf(bytes);
      if (!(outcome instanceof Error)) expect(decode(encode(outcome))).toEqual(outcome);
    }), { numRuns: 3000 });
  });

  it('every truncation is an Error', () => {
    for (const message of sampleMessages()) {
      const bytes = encode(message);
      for (let cut = 0; cut < Math.min(bytes.length, 200); cut += 1) expect(outcomeOf(bytes.subarray(0, cut))).toBeInstanceOf(Error);
    }
  });

  const K = WIRE_KIND;
  const bin = new Uint8Array(2);
  const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
  const bad: [string, unknown, string][] = [
    ['what is not an array', 5, 'message is not an array'],
    ['an empty array', [], 'unknown kind'],
    ['an unknown kind', [99, 1], 'unknown kind'],
    ['a kind that is a text', ['heartbeat', 1, 1, 1], 'unknown kind'],
    ['a negative term', [K.heartbeat, -1, 1, 1], 'heartbeat.term is not a whole number'],
    ['a fraction', [K.heartbeat, 1.5, 1, 1], 'heartbeat.term is not a whole number'],
    ['not a number at all', [K.heartbeat, NaN, 1, 1], 'heartbeat.term is not a whole number'],
    ['an unsafe integer', [K.heartbeat, 2 ** 53, 1, 1], 'heartbeat.term is not a whole number'],
    ['a missing element', [K.heartbeat, 1, 1], 'heartbeat has only 2 elements'],
    ['an element too many', [K.heartbeat, 1, 1, 1, 1], 'heartbeat has 4 elements; expected 3'],
    ['a number for a flag', [K.voteReply, 1, 1], 'voteReply.granted is not true or false'],
    ['a text for entries', [K.append, 1, 1, 0, 0, 0, 'x'], 'append.entries is not an array'],
    ['entries cut short', [K.append, 1, 1, 0, 0, 0, [1, 1, 0]], 'append.entries has 3 elements'],
    ['entries with a gap', [K.append, 1, 1, 0, 0, 0, [1, 1, 0, bin, 3, 1, 0, bin]], 'not consecutive'],
    ['entries that do not follow the previous one', [K.append, 1, 1, 5, 0, 0, [5, 1, 0, bin]], 'not consecutive'],
    ['entries past the last index', [K.append, 1, 1, Number.MAX_SAFE_INTEGER, 0, 0, [2 ** 53, 1, 0, bin]], 'not consecutive'],
    ['an entry of a negative term', [K.append, 1, 1, 0, 0, 0, [1, -1, 0, bin]], 'term is not a whole number'],
    ['an entry of an unknown kind', [K.append, 1, 1, 0, 0, 0, [1, 1, 3, bin]], 'unknown kind'],
    ['an entry whose kind names a property', [K.append, 1, 1, 0, 0, 0, [1, 1, 'length', bin]], 'unknown kind'],
    ['an entry whose payload is a text', [K.append, 1, 1, 0, 0, 0, [1, 1, 0, 'x']], 'payload is not bytes'],
    ['arrays where numbers belong', [K.heartbeat, [1], 1, 1], 'heartbeat.term is not a whole number'],
    ['arrays within entries', [K.append, 1, 1, 0, 0, 0, [[1, 1, 0, bin]]], 'nested deeper than 2'],
    ['a checksum beyond 32 bits', [K.installSnapshot, 1, 1, 1, 1, 1, 1, json({ v: 1, voters: [], votersOutgoing: [], learners: [], nodes: [] }), 1, 0, 2 ** 32, true, bin], 'checksum is not below'],
    ['a configuration that is no JSON', [K.installSnapshot, 1, 1, 1, 1, 1, 1, bin, 1, 0, 0, true, bin], 'JSON'],
    ['a configuration of null', [K.installSnapshot, 1, 1, 1, 1, 1, 1, json(null), 1, 0, 0, true, bin], ''],
    ['a configuration with a __proto__ node', [K.installSnapshot, 1, 1, 1, 1, 1, 1, json({ v: 1, voters: ['__proto__'], votersOutgoing: [], learners: [], nodes: [['__proto__', 'x']] }), 1, 0, 0, true, bin], 'names a node badly'],
    ['a configuration that is too long', [K.installSnapshot, 1, 1, 1, 1, 1, 1, new Uint8Array((1 << 20) + 1), 1, 0, 0, true, bin], 'longer than 1048576 bytes'],
    ['an unknown operation', [K.forwardRequest, 1, 2, 1, bin], 'operation is not below 2'],
    ['a leader id that is none', [K.forwardReply, 1, false, 0, '', '../x'], 'leaderId is not a node id or null'],
    ['an error text that is too long', [K.forwardReply, 1, false, 0, 'x'.repeat(1025), null], 'message is not a text of at most 1024'],
    ['an unknown error code', [K.forwardReply, 1, false, 6, '', null], 'code is not below 6'],
    ['a map', { __proto__x: 1 }, 'map'],
  ];
  it.each(bad)('refuses %s', (_name, value, reason) => {
    expect(() => decode(new Uint8Array(packer.pack(value)))).toThrow(reason);
  });
});
