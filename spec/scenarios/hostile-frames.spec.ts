import fc from 'fast-check';
import { once } from 'node:events';
import type net from 'node:net';
import { wirePacker } from '../../lib/codec/msgpack.js';
import type { PeerMessage, Rejection } from '../../lib/ports/transport.js';
import { appendOf, sampleEntries, sampleMessages } from '../../lib/testing/sample-messages.js';
import { FRAME_HEADER_BYTES, LENGTH_AT, TYPE_AT } from '../../lib/transport/tcp/frame.js';
import { encodeGreeting } from '../../lib/transport/tcp/greeting.js';
import { TcpTransport } from '../../lib/transport/tcp.js';
import { WIRE_KIND } from '../../lib/transport/wire.js';
import { dialRaw, first, frame, greetRaw, heartbeat, holdTimers, messageFrame, nextAccepted, resealed } from '../transport/tcp/raw-peer.js';

/**
 * A node `a` and its peer `b`, connected throughout. Each test is a stranger who misbehaves: its connection
 * closes, the rejection says why, and what `b` sends still arrives.
 */
const MAX_FRAME_BYTES = 1 << 20;
let a: TcpTransport;
let b: TcpTransport;

beforeEach(async () => {
  a = new TcpTransport({ listen: '127.0.0.1:0', maxFrameBytes: MAX_FRAME_BYTES });
  b = new TcpTransport({ listen: '127.0.0.1:0' });
  await a.start({ clusterId: 'test', nodeId: 'a' });
  await b.start({ clusterId: 'test', nodeId: 'b' });
  a.setPeers(new Map([['b', b.address ?? '']]));
  const up = first(b.connections, (change) => change.up);
  b.setPeers(new Map([['a', a.address ?? '']]));
  await up;
});

afterEach(async () => {
  const arrival = first(a.messages, ({ from }) => from === 'b');
  b.send('a', heartbeat(1));
  expect((await arrival).message).toEqual(heartbeat(1)); // the transport has survived
  await a.stop();
  await b.stop();
});

/** Sends bytes on a socket; resolves with the rejection once the connection is closed. */
async function provoke(socket: net.Socket, bytes: Uint8Array, endsItself = false): Promise<Rejection> {
  const rejection = first(a.rejections);
  const closed = new Promise((resolve) => socket.resume().once('close', resolve)); // by a reset, where not all was read
  if (endsItself) socket.end(bytes);
  else socket.write(bytes);
  await closed;
  return rejection;
}

const pack = (value: unknown): Uint8Array => wirePacker().pack(value);
const greeting = { clusterId: 'test', from: 'stranger', to: 'a', refusal: '' };

describe('greetings', () => {
  it('S76 garbage instead of a greeting closes the connection', async () => {
    expect(await provoke(await dialRaw(a.address), Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toEqual({ from: null, reason: 'not an rxraft connection' });
  });

  it('S76 a single wrong byte is enough', async () => {
    expect(await provoke(await dialRaw(a.address), Uint8Array.of(0))).toEqual({ from: null, reason: 'not an rxraft connection' });
  });

  it('S76 an unknown protocol version closes the connection', async () => {
    const bytes = encodeGreeting(greeting);
    bytes[4] = 1;
    const socket = await dialRaw(a.address);
    const answer = once(socket, 'data');
    expect(await provoke(socket, bytes)).toEqual({ from: null, reason: 'protocol version 1; this build speaks 2' });
    expect((await answer).toString()).toBe('RXRF\x02\0\0'); // its reason for the one who dialled
  });

  it('S76 a truncated greeting is reported when the connection ends', async () => {
    expect(await provoke(await dialRaw(a.address), encodeGreeting(greeting).subarray(0, 9), true)).toEqual({ from: null, reason: 'closed before the greeting' });
  });

  it('S76 an oversized greeting closes the connection', async () => {
    const bytes = encodeGreeting(greeting);
    bytes.writeUInt16BE(0xffff, 5);
    expect((await provoke(await dialRaw(a.address), bytes)).reason).toBe('greeting of 65535 bytes; at most 1028');
  });

  it('S76 a greeting whose texts do not add up closes the connection', async () => {
    const bytes = encodeGreeting(greeting);
    bytes[11] = 200;
    expect((await provoke(await dialRaw(a.address), resealed(bytes))).reason).toBe('malformed greeting');
  });

  it('S76 a greeting whose node id was damaged on the way closes the connection', async () => {
    const bytes = encodeGreeting(greeting);
    const at = bytes.indexOf('stranger');
    bytes.write('S', at);
    expect(await provoke(await dialRaw(a.address), bytes)).toEqual({ from: null, reason: 'damaged on the way: the checksum of the greeting does not match' });
  });

  it('S76 a wrong cluster id closes the connection', async () => {
    expect(await provoke(await dialRaw(a.address), encodeGreeting({ ...greeting, clusterId: 'other' }))).toEqual({ from: 'stranger', reason: 'another cluster id' });
  });

  it('S76 a wrong destination closes the connection', async () => {
    expect(await provoke(await dialRaw(a.address), encodeGreeting({ ...greeting, to: 'c' }))).toEqual({ from: 'stranger', reason: 'meant for another node' });
  });

  it('S76 a greeting under the own id closes the connection', async () => {
    expect(await provoke(await dialRaw(a.address), encodeGreeting({ ...greeting, from: 'a' }))).toEqual({ from: 'a', reason: 'the own node id' });
  });

  it.each(['__proto__', '', '../../etc', 'a b', 'x'.repeat(65)])('S76 a greeting from %j, which is no node id, closes the connection', async (from) => {
    expect(await provoke(await dialRaw(a.address), encodeGreeting({ ...greeting, from }))).toEqual({ from: null, reason: 'greeting from an invalid node id' });
  });

  it('S76 messages before the greeting are not read', async () => {
    expect((await provoke(await dialRaw(a.address), messageFrame(heartbeat(1)))).reason).toBe('not an rxraft connection');
  });

  it('S76 nobody may take all day to greet', async () => {
    const timeoutMs = 3210;
    const expire = holdTimers(timeoutMs);
    const hasty = new TcpTransport({ listen: '127.0.0.1:0', handshakeTimeoutMs: timeoutMs });
    await hasty.start({ clusterId: 'test', nodeId: 'a' });
    const rejection = first(hasty.rejections);
    const accepted = nextAccepted();
    const socket = await dialRaw(hasty.address);
    const closed = once(socket.resume(), 'close');
    const arrived = once(await accepted, 'data');
    socket.write(encodeGreeting(greeting).subarray(0, 5));
    await arrived;
    expire();
    await closed;
    expect(await rejection).toEqual({ from: null, reason: 'no greeting within 3210 ms' });
    await hasty.stop();
  });

  it('S76 a connection that says nothing at all, like a port check, is no news', async () => {
    const rejections: Rejection[] = [];
    a.rejections.subscribe((rejection) => rejections.push(rejection));
    const silent = await dialRaw(a.address);
    silent.end();
    await once(silent.resume(), 'close');
    await provoke(await dialRaw(a.address), Uint8Array.of(0));
    expect(rejections).toHaveLength(1);
  });
});

describe('frames', () => {
  let deep: unknown = 1;
  for (let level = 0; level < 40; level += 1) deep = [deep];
  const proto = Buffer.concat([Uint8Array.of(0x81, 0xa9), Buffer.from('__proto__'), Uint8Array.of(0x81, 0xa8), Buffer.from('polluted'), Uint8Array.of(0xc3)]);

  const frames: [string, Uint8Array, string | RegExp][] = [
    ['a length of 4 GiB', frame(new Uint8Array(100), 0xffffffff), `frame of 4294967295 bytes; at most ${MAX_FRAME_BYTES}`],
    ['a length one over the bound', frame(new Uint8Array(100), MAX_FRAME_BYTES + 1), `frame of ${MAX_FRAME_BYTES + 1} bytes; at most ${MAX_FRAME_BYTES}`],
    ['an unknown frame type', frame(new Uint8Array(), 0, 77), 'frame of unknown type 77'],
    ['a ping with a body', frame(new Uint8Array(9), 9, 1), 'ping with a body'],
    ['an empty message', frame(new Uint8Array()), /truncated/],
    ['garbage', frame(Buffer.from('c1c1c1c1c1', 'hex')), /type 0xc1/],
    ['deep nesting', frame(pack(deep)), /nested deeper than 2/],
    ['half a million levels of nesting', frame(new Uint8Array(500_000).fill(0x91)), /nested deeper than 2/],
    ['a __proto__ key', frame(proto), /map/],
    ['a __proto__ key within a message', frame(Buffer.concat([Uint8Array.of(0x92, WIRE_KIND.heartbeat), proto])), /map/],
    ['an array that announces more than it holds', frame(Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff)), /truncated/],
    ['a text that announces 4 GiB', frame(Uint8Array.of(0x92, 0x08, 0xdb, 0xff, 0xff, 0xff, 0xff)), /truncated/],
    ['a record definition, which msgpackr would compile', frame(Uint8Array.of(0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01)), /type 0xd4/],
    ['a regular expression', frame(Uint8Array.of(0xd4, 0x78, 0x00, 0x92, 0xa1, 0x61, 0xa0)), /type 0xd4/],
    ['an unknown kind of message', frame(pack([99])), 'message is of an unknown kind'],
    ['a message that lacks an element', frame(pack([WIRE_KIND.heartbeat, 1, 1])), 'heartbeat has only 2 elements'],
    ['a negative term', frame(pack([WIRE_KIND.heartbeat, -1, 1, 1])), 'heartbeat.term is not a whole number ≥ 0'],
    ['a term that is no number', frame(pack([WIRE_KIND.heartbeat, NaN, 1, 1])), 'heartbeat.term is not a whole number ≥ 0'],
    ['entries that are not consecutive', frame(pack([WIRE_KIND.append, 1, 1, 0, 0, 0, [7, 1, 0, new Uint8Array(1)]])), 'append.entries are not consecutive'],
  ];

  it.each(frames)('S76 %s closes the connection', async (_name, bytes, reason) => {
    const rejection = await provoke(await greetRaw(a.address), bytes);
    expect(rejection.from).toBe('peer');
    if (typeof reason === 'string') expect(rejection.reason).toBe(reason);
    else expect(rejection.reason).toMatch(reason);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('S76 a truncated frame is reported when the connection ends', async () => {
    const rejection = await provoke(await greetRaw(a.address), messageFrame(heartbeat(1)).subarray(0, -2), true);
    expect(rejection).toEqual({ from: 'peer', reason: 'connection ended inside a frame' });
  });

  it('S76 good messages before a bad frame arrive, none after it', async () => {
    const rounds: number[] = [];
    a.messages.subscribe(({ from, message }) => { if (from === 'peer' && message.type === 'heartbeat') rounds.push(message.round); });
    await provoke(await greetRaw(a.address), Buffer.concat([messageFrame(heartbeat(1)), frame(pack([99])), messageFrame(heartbeat(2))]));
    expect(rounds).toEqual([1]);
  });

  it('S76 an attacker on the other end of an own connection is refused the same way', async () => {
    const socket = await greetRaw(a.address, { from: 'first' });
    expect((await provoke(socket, frame(pack('x')))).from).toBe('first');
  });

  it('S76 a reason is short, whatever was sent', async () => {
    const configuration = Buffer.from(JSON.stringify({ v: 'x'.repeat(10_000) }));
    const message = [WIRE_KIND.installSnapshot, 1, 1, 1, 1, 1, 1, configuration, 0, 0, true, new Uint8Array(1)];
    expect((await provoke(await greetRaw(a.address), frame(pack(message)))).reason.length).toBeLessThanOrEqual(200);
  });

  it('S76 a hundred announcements of a mebibyte each take next to no memory', async () => {
    const before = process.memoryUsage().arrayBuffers;
    const sockets = await Promise.all(Array.from({ length: 100 }, (_, number) => greetRaw(a.address, { from: `n${number}` })));
    for (const socket of sockets) socket.write(Buffer.concat([messageFrame(heartbeat(1)), frame(new Uint8Array(10), MAX_FRAME_BYTES)]));
    await first(a.messages, ({ from }) => from === 'n99');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 << 20);
    for (const socket of sockets) socket.destroy();
  });

  it.each([
    ['the payload of an entry', (bytes: Buffer) => bytes.length - 5, /^damaged on the way: the checksum of a frame of \d+ bytes does not match$/],
    ['the length of a frame', () => LENGTH_AT + 2, /^damaged on the way: the checksum of a frame header does not match$/],
    ['the type of a frame', () => TYPE_AT, /^damaged on the way: the checksum of a frame of \d+ bytes does not match$/],
    ['the checksum of a frame', () => 0, /^damaged on the way: the checksum of a frame of \d+ bytes does not match$/],
  ])('S76 a bit that is flipped in %s closes the connection, and the message is not delivered', async (_name, place, reason) => {
    for (const payloadBytes of [16, 200_000]) { // in one chunk, and in several
      const messages: PeerMessage[] = [];
      const subscription = a.messages.subscribe(({ from, message }) => { if (from === 'peer') messages.push(message); });
      const bytes = messageFrame(appendOf(sampleEntries(1, 1, payloadBytes)));
      const at = place(bytes);
      bytes[at] = (bytes[at] ?? 0) ^ 0x10;
      const rejection = await provoke(await greetRaw(a.address), Buffer.concat([messageFrame(heartbeat(1)), bytes, messageFrame(heartbeat(2))]));
      expect(rejection.from).toBe('peer');
      expect(rejection.reason).toMatch(reason);
      expect(messages).toEqual([heartbeat(1)]);
      subscription.unsubscribe();
    }
  });

  it('S76 of messages whose frames are damaged none arrives as another one, and nothing throws', async () => {
    const samples = sampleMessages().map(messageFrame).filter((bytes) => bytes.length < 2000);
    const sent = new Set(samples.map((bytes) => bytes.toString('base64')));
    const received: PeerMessage[] = [];
    a.messages.subscribe(({ from, message }) => { if (from === 'peer') received.push(message); });
    const damage = fc.record({ sample: fc.nat(samples.length - 1), at: fc.nat(), byte: fc.nat(255) });
    const cases = fc.sample(fc.array(damage, { minLength: 1, maxLength: 4 }), { numRuns: 150, seed: 76 });
    for (const damages of cases) {
      const bytes = Buffer.concat(damages.map(({ sample, at, byte }) => {
        const copy = Buffer.from(samples[sample] ?? []);
        copy[at % copy.length] = byte;
        return copy;
      }));
      const socket = await greetRaw(a.address);
      const closed = once(socket.resume(), 'close');
      socket.end(bytes);
      await closed;
    }
    for (const message of received) expect(sent).toContain(messageFrame(message).toString('base64')); // a byte may have been "damaged" to what it was
  });

  it('S76 nonsense with the right checksum never throws: each is a message or a rejection', async () => {
    const samples = sampleMessages().map((message) => messageFrame(message).subarray(FRAME_HEADER_BYTES)).filter((bytes) => bytes.length < 2000);
    const damage = fc.record({ sample: fc.nat(samples.length - 1), at: fc.nat(), byte: fc.nat(255) });
    const cases = fc.sample(fc.array(damage, { minLength: 1, maxLength: 4 }), { numRuns: 150, seed: 76 });
    for (const damages of cases) {
      const bytes = Buffer.concat(damages.map(({ sample, at, byte }) => {
        const copy = Buffer.from(samples[sample] ?? []);
        copy[at % copy.length] = byte;
        return frame(copy);
      }));
      const socket = await greetRaw(a.address);
      const closed = once(socket.resume(), 'close');
      socket.end(bytes);
      await closed;
    }
  });
});

describe('guests, who are no peers', () => {
  it('S79 together keep no more than one frame of the largest size; one of them may, and peers always', async () => {
    const part = frame(new Uint8Array(400 << 10), MAX_FRAME_BYTES);
    const arrive = async (socket: net.Socket, from: string, bytes: Uint8Array): Promise<void> => {
      const arrival = first(a.messages, (inbound) => inbound.from === from);
      socket.write(Buffer.concat([messageFrame(heartbeat(1)), bytes]));
      await arrival;
    };
    const [one, two, three] = [await greetRaw(a.address, { from: 'one' }), await greetRaw(a.address, { from: 'two' }), await greetRaw(a.address, { from: 'three' })];
    const rejection = first(a.rejections);
    const closed = Promise.race([one, two, three].map((socket) => new Promise((resolve) => socket.resume().once('close', resolve))));
    await arrive(one, 'one', part);
    await arrive(two, 'two', part);
    await arrive(three, 'three', part);
    await closed;
    expect((await rejection).reason).toBe('too much of unfinished frames from nodes that are no peers');

    const c = await greetRaw(a.address, { from: 'c' });
    a.setPeers(new Map([['b', b.address ?? ''], ['c', '127.0.0.1:1']]));
    const large = appendOf(sampleEntries(1, 1, 900 << 10));
    const arrival = first(a.messages, ({ from, message }) => from === 'c' && message.type === 'append');
    c.write(messageFrame(large));
    expect((await arrival).message).toEqual(large);
    for (const socket of [one, two, three, c]) socket.destroy();
  });
});
