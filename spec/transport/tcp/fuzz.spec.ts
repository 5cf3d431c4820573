import fc from 'fast-check';
import { wirePacker } from '../../../lib/codec/msgpack.js';
import type { PeerMessage } from '../../../lib/ports/transport.js';
import { sampleMessages } from '../../../lib/testing/sample-messages.js';
import { emptyFrame, FRAME_HEADER_BYTES, FRAME_TYPE, FrameReader } from '../../../lib/transport/tcp/frame.js';
import { encodeGreeting, readGreeting } from '../../../lib/transport/tcp/greeting.js';
import { decodeMessage, WireEncoder } from '../../../lib/transport/wire.js';
import { messageFrame } from './raw-peer.js';

/** Streams of frames of every kind, damaged and cut at random, read as a link reads them. fast-check prints the seed of a failure. */
const MAX_FRAME_BYTES = 1 << 20;
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
    if (head + 4 <= stream.length) stream.writeUInt32BE(length, head);
    return stream;
  }),
);

interface Outcome {
  /** Null for a ping or a pong. */
  readonly frames: (PeerMessage | null)[];
  readonly failure: unknown;
}

/** Reads the chunks until something is refused; checks what is held after each. */
function read(chunks: readonly Uint8Array[]): Outcome {
  const reader = new FrameReader(MAX_FRAME_BYTES);
  const frames: (PeerMessage | null)[] = [];
  let arrived = 0;
  let consumed = 0;
  for (const chunk of chunks) {
    arrived += chunk.length;
    try {
      reader.push(chunk);
      while (reader.next()) {
        consumed += FRAME_HEADER_BYTES + reader.body.length;
        frames.push(reader.type === FRAME_TYPE.message ? decodeMessage(packer, reader.body, reader.isOwned) : null);
        if (consumed > arrived) throw new RangeError('more was read than has arrived'); // caught below, and found out there
      }
    } catch (failure) {
      return { frames, failure };
    }
    expect(reader.heldBytes).toBeLessThanOrEqual(Math.min(MAX_FRAME_BYTES, Math.max(64 << 10, 2 * (arrived - consumed))));
    expect(reader.isMidFrame).toBe(arrived > consumed);
  }
  return { frames, failure: null };
}

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
  expect(['Error', 'SyntaxError']).toContain((failure as Error).name); // a configuration is JSON; no RangeError, no TypeError
}

/** Whatever was let through has one form in bytes. */
function expectCanonical(message: PeerMessage): void {
  const bytes = encode(message);
  expect(encode(decodeMessage(packer, bytes, false)).equals(bytes)).toBe(true);
}

/** Frames as the bytes of their messages, which are quick to compare. */
const texts = (frames: readonly (PeerMessage | null)[]): string[] => frames.map((message) => (message === null ? '' : encode(message).toString('base64')));

const piece = fc.nat(pieces.length - 1).map((place) => pieces[place] ?? pieces[0]).filter((each) => each !== undefined);
const places = fc.array(fc.nat(), { maxLength: 10 });

describe('frames of every kind of message', () => {
  it('arrive whole however they are cut, and encode to the bytes that they came from', () => {
    for (const { message, bytes } of samples) expect(encode(decodeMessage(packer, encode(message), false)).equals(bytes.subarray(FRAME_HEADER_BYTES))).toBe(true);
    fc.assert(fc.property(fc.array(piece, { maxLength: 8 }), places, (stream, cuts) => {
      const { frames, failure } = read(cut(join(...stream.map(({ bytes }) => bytes)), cuts));
      expect(failure).toBeNull();
      expect(texts(frames)).toEqual(texts(stream.map(({ message }) => message)));
    }), { numRuns: 200 });
  });

  it('arrive up to the first damage; what follows is refused with an Error or is well-formed', () => {
    fc.assert(fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), fc.array(fc.tuple(damage, fc.nat()), { minLength: 1, maxLength: 4 }), places, (stream, damages, cuts) => {
      const whole = join(...stream.map(({ bytes }) => bytes));
      let damaged: Buffer = Buffer.from(whole);
      for (const [inflict, at] of damages) if (damaged.length > 0) damaged = inflict(damaged, at % damaged.length, headsOf(stream));
      let same = 0;
      while (same < whole.length && whole[same] === damaged[same]) same += 1;

      const { frames, failure } = read(cut(damaged, cuts));
      expectRefusal(failure);
      const intact = stream.filter(({ bytes }, place) => (headsOf(stream)[place] ?? 0) + bytes.length <= same).map(({ message }) => message);
      expect(texts(frames.slice(0, intact.length))).toEqual(texts(intact));
      for (const message of frames.slice(intact.length)) if (message !== null) expectCanonical(message);
    }), { numRuns: 1500 });
  });

  it('cost bounded memory and end in an Error or in nothing when they are random bytes', () => {
    const chunk = fc.uint8Array({ maxLength: 300 });
    const plausible = fc.tuple(fc.nat(2 * MAX_FRAME_BYTES), fc.nat(3), chunk).map(([length, type, body]) => join(Uint8Array.of(length >>> 24, length >>> 16, length >>> 8, length, type), body));
    fc.assert(fc.property(fc.array(fc.oneof(chunk, plausible), { maxLength: 20 }), (chunks) => {
      const { frames, failure } = read(chunks);
      expectRefusal(failure);
      for (const message of frames) if (message !== null) expectCanonical(message);
    }), { numRuns: 1500 });
  });
});

describe('greetings', () => {
  it('that are damaged or random are read, refused or waited for, and never more than a kilobyte of them', () => {
    const good = encodeGreeting({ clusterId: 'test', from: 'b', to: 'a', refusal: '' });
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 1500 }),
      fc.tuple(fc.array(fc.tuple(damage, fc.nat()), { maxLength: 4 }), fc.uint8Array({ maxLength: 1500 })).map(([damages, rest]) => {
        let damaged: Buffer = Buffer.from(good);
        for (const [inflict, at] of damages) if (damaged.length > 0) damaged = inflict(damaged, at % damaged.length, [0]);
        return join(damaged, rest);
      }),
    );
    fc.assert(fc.property(bytes, (each) => {
      const stream = Buffer.from(each);
      let result: ReturnType<typeof readGreeting> = null;
      let failure: unknown = null;
      try {
        result = readGreeting(stream);
      } catch (error) {
        failure = error;
      }
      expectRefusal(failure);
      if (failure === null && result === null) expect(stream.length).toBeLessThan(7 + 1024);
      if (result !== null) expect(readGreeting(encodeGreeting(result.greeting))?.greeting).toEqual(result.greeting);
    }), { numRuns: 1500 });
  });
});
