import fc from 'fast-check';
import { wirePacker } from '../../../lib/codec/msgpack.js';
import type { PeerMessage } from '../../../lib/ports/transport.js';
import { sampleMessages } from '../../../lib/testing/sample-messages.js';
import { emptyFrame, FRAME_HEADER_BYTES, FRAME_TYPE, LENGTH_AT, TYPE_AT } from '../../../lib/transport/tcp/frame.js';
import { FrameReader } from '../../../lib/transport/tcp/frame-reader.js';
import { encodeGreeting, readGreeting, type Greeting } from '../../../lib/transport/tcp/greeting.js';
import { decodeMessage, WireEncoder } from '../../../lib/transport/wire.js';
import { frame, messageFrame, resealed } from './raw-peer.js';

/** Streams of frames of every kind, damaged and cut at random, read as a link reads them. fast-check prints the seed of a failure. */
const MAX_FRAME_BYTES = 1 << 20;
const MAX_GREETING_BYTES = 7 + 4 + 1024;
const packer = wirePacker();
const encode = (message: PeerMessage): Buffer => Buffer.concat(new WireEncoder(packer, 0).encode(message));

const samples = sampleMessages().map((message) => ({ message, bytes: messageFrame(message) }));
const pieces = [...samples, { message: null, bytes: Buffer.from(emptyFrame(FRAME_TYPE.ping)) }, { message: null, bytes: Buffer.from(emptyFrame(FRAME_TYPE.pong)) }];
type Piece = (typeof pieces)[number];

type Damage = (stream: Buffer, at: number, heads: readonly number[]) => Buffer;
const join = (...parts: readonly Uint8Array[]): Buffer => Buffer.concat(parts);

const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.nat(7).map((bit): Damage => (stream, at) => {
    stream[at] = (stream[at] ?? 0) ^ (1 << bit);
    return stream;
  }),
  fc.nat(255).map((byte): Damage => (stream, at) => {
    stream[at] = byte;
    return stream;
  }),
  fc.nat(40).map((length): Damage => (stream, at) => join(stream.subarray(0, at), stream.subarray(at + length))),
  fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes): Damage => (stream, at) => join(stream.subarray(0, at), bytes, stream.subarray(at))),
  fc.tuple(fc.nat(), fc.nat(60)).map(([from, length]): Damage => (stream, at) => {
    const start = from % stream.length;
    return join(stream.subarray(0, at), stream.subarray(start, start + length), stream.subarray(at));
  }),
  fc.constant<Damage>((stream, at) => stream.subarray(0, at)),
  fc.oneof(fc.nat(2000), fc.constantFrom(MAX_FRAME_BYTES, MAX_FRAME_BYTES + 1, 0x7fffffff, 0x80000000, 0xffffffff)).map((length): Damage => (stream, at, heads) => {
    const head = heads[at % heads.length] ?? 0;
    if (head + LENGTH_AT + 4 <= stream.length) stream.writeUInt32BE(length, head + LENGTH_AT);
    return stream;
  }),
);

interface Outcome {
  /** Type and body. */
  readonly found: string[];
  /** Null for a ping or a pong. */
  readonly frames: (PeerMessage | null)[];
  readonly failure: unknown;
}

/** Reads the chunks until something is refused; checks what is held after each. */
function read(chunks: readonly Uint8Array[]): Outcome {
  const reader = new FrameReader(MAX_FRAME_BYTES);
  const found: string[] = [];
  const frames: (PeerMessage | null)[] = [];
  let arrived = 0;
  let consumed = 0;
  for (const chunk of chunks) {
    arrived += chunk.length;
    try {
      reader.push(chunk);
      while (reader.next()) {
        consumed += FRAME_HEADER_BYTES + reader.body.length;
        found.push(textOf(reader.type, reader.body));
        frames.push(reader.type === FRAME_TYPE.message ? decodeMessage(packer, reader.body, reader.isOwned) : null);
        if (consumed > arrived) throw new RangeError('more was read than has arrived'); // caught below, and found out there
      }
    } catch (failure) {
      return { found, frames, failure };
    }
    expect(reader.heldBytes).toBeLessThanOrEqual(Math.min(MAX_FRAME_BYTES, Math.max(64 << 10, 2 * (arrived - consumed))));
    expect(reader.isMidFrame).toBe(arrived > consumed);
  }
  return { found, frames, failure: null };
}

/** A frame in a form that is quick to compare. */
const textOf = (type: number, body: Uint8Array): string => `${type} ${Buffer.from(body.buffer, body.byteOffset, body.length).toString('base64')}`;

/** Cuts bytes at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => Buffer.from(bytes.subarray(ends[index - 1] ?? 0, end)));
}

function headsOf(stream: readonly Piece[]): number[] {
  let at = 0;
  return stream.map(({ bytes }) => (at += bytes.length) - bytes.length);
}

function expectRefusal(failure: unknown): void {
  if (failure === null) return;
  expect(failure).toBeInstanceOf(Error);
  expect(['Error', 'SyntaxError', 'OtherVersionError']).toContain((failure as Error).name); // a configuration is JSON; no RangeError, no TypeError
}

function inflict(damages: readonly (readonly [Damage, number])[], bytes: Uint8Array, heads: readonly number[]): Buffer {
  let damaged: Buffer = Buffer.from(bytes);
  for (const [change, at] of damages) if (damaged.length > 0) damaged = change(damaged, at % damaged.length, heads);
  return damaged;
}

/** Whatever was let through has one form in bytes. */
function expectCanonical(message: PeerMessage): void {
  const bytes = encode(message);
  expect(encode(decodeMessage(packer, bytes, false)).equals(bytes)).toBe(true);
}

/** What `read` finds when pieces arrive as they were sent. */
const textsOf = (stream: readonly Piece[]): string[] => stream.map(({ bytes }) => textOf(bytes[TYPE_AT] ?? 0, bytes.subarray(FRAME_HEADER_BYTES)));

const piece = fc.nat(pieces.length - 1).map((place) => pieces[place] ?? pieces[0]).filter((each) => each !== undefined);
const places = fc.array(fc.nat(), { maxLength: 10 });

describe('frames of every kind of message', () => {
  it('arrive whole however they are cut, and encode to the bytes that they came from', () => {
    for (const { message, bytes } of samples) expect(encode(decodeMessage(packer, encode(message), false)).equals(bytes.subarray(FRAME_HEADER_BYTES))).toBe(true);
    fc.assert(fc.property(fc.array(piece, { maxLength: 8 }), places, (stream, cuts) => {
      const { found, failure } = read(cut(join(...stream.map(({ bytes }) => bytes)), cuts));
      expect(failure).toBeNull();
      expect(found).toEqual(textsOf(stream));
    }), { numRuns: 200 });
  });

  it('that were damaged on the way are never delivered, by the checksum, or by a length that no frame may have', () => {
    fc.assert(fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), fc.array(fc.tuple(damage, fc.nat()), { minLength: 1, maxLength: 4 }), places, (stream, damages, cuts) => {
      const whole = join(...stream.map(({ bytes }) => bytes));
      const damaged = inflict(damages, whole, headsOf(stream));
      let same = 0;
      while (same < whole.length && whole[same] === damaged[same]) same += 1;

      const { found, failure } = read(cut(damaged, cuts));
      // A length beyond the bound that was shifted into place is refused at once: its frame is not waited for.
      if (failure !== null) expect((failure as Error).message).toMatch(/^damaged on the way: the checksum of a frame .*does not match$|^frame of \d+ bytes; at most \d+$/);
      const sent = textsOf(stream);
      const intact = stream.filter(({ bytes }, place) => (headsOf(stream)[place] ?? 0) + bytes.length <= same).length;
      expect(found.slice(0, intact)).toEqual(sent.slice(0, intact));
      for (const text of found) expect(sent).toContain(text); // whole frames may have been left out or repeated, none is another one
    }), { numRuns: 1500 });
  });

  it('are refused with an Error or are well-formed when somebody sends nonsense with the right checksum', () => {
    const body = fc.tuple(piece, fc.array(fc.tuple(damage, fc.nat()), { maxLength: 4 })).map(([{ bytes }, damages]) => inflict(damages, bytes.subarray(FRAME_HEADER_BYTES), [0]));
    const type = fc.oneof({ weight: 4, arbitrary: fc.constant(FRAME_TYPE.message) }, fc.nat(4));
    const announced = fc.option(fc.oneof(fc.nat(2000), fc.nat(2 * MAX_FRAME_BYTES)), { freq: 6 });
    const nonsense = fc.tuple(body, type, announced).map(([bytes, kind, length]) => frame(bytes, length ?? bytes.length, kind));
    fc.assert(fc.property(fc.array(nonsense, { minLength: 1, maxLength: 4 }), places, (stream, cuts) => {
      const { frames, failure } = read(cut(join(...stream), cuts));
      expectRefusal(failure);
      for (const message of frames) if (message !== null) expectCanonical(message);
    }), { numRuns: 1500 });
  });

  it('are never found in random bytes, which cost bounded memory', () => {
    const chunk = fc.uint8Array({ maxLength: 300 });
    const plausible = fc.tuple(fc.nat(2 * MAX_FRAME_BYTES), fc.nat(3), fc.nat(), chunk).map(([length, type, checksum, body]) => {
      const bytes = frame(body, length, type);
      bytes.writeUInt32BE(checksum);
      return bytes;
    });
    fc.assert(fc.property(fc.array(fc.oneof(chunk, plausible), { maxLength: 20 }), (chunks) => {
      const { found, failure } = read(chunks);
      expectRefusal(failure);
      expect(found).toEqual([]);
    }), { numRuns: 1500 });
  });
});

describe('greetings', () => {
  const good = { clusterId: 'test', from: 'b', to: 'a', refusal: '' };
  const attempt = (stream: Buffer): { readonly greeting: Greeting | null; readonly failure: unknown } => {
    try {
      return { greeting: readGreeting(stream)?.greeting ?? null, failure: null };
    } catch (failure) {
      return { greeting: null, failure };
    }
  };
  const followed = fc.tuple(fc.array(fc.tuple(damage, fc.nat()), { maxLength: 4 }), fc.uint8Array({ maxLength: 1500 }));

  it('that were damaged on the way are refused or waited for, never taken for another, and never more than a kilobyte of them', () => {
    fc.assert(fc.property(followed, ([damages, rest]) => {
      const stream = join(inflict(damages, encodeGreeting(good), [0]), rest);
      const { greeting, failure } = attempt(stream);
      expectRefusal(failure);
      if (failure === null && greeting === null) expect(stream.length).toBeLessThan(MAX_GREETING_BYTES);
      if (greeting !== null) expect(greeting).toEqual(good);
    }), { numRuns: 1500 });
  });

  it('that are random, or nonsense with the right checksum, are read, refused or waited for', () => {
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 1500 }), followed.map(([damages, rest]) => resealed(join(inflict(damages, encodeGreeting(good), [0]), rest))));
    fc.assert(fc.property(bytes, (each) => {
      const stream = Buffer.from(each);
      const { greeting, failure } = attempt(stream);
      expectRefusal(failure);
      if (failure === null && greeting === null) expect(stream.length).toBeLessThan(MAX_GREETING_BYTES);
      if (greeting !== null) expect(readGreeting(encodeGreeting(greeting))?.greeting).toEqual(greeting);
    }), { numRuns: 1500 });
  });
});
