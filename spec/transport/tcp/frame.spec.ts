import fc from 'fast-check';
import { emptyFrame, FRAME_HEADER_BYTES, FRAME_TYPE, LENGTH_AT, sealFrame, TYPE_AT } from '../../../lib/transport/tcp/frame.js';
import { FrameReader } from '../../../lib/transport/tcp/frame-reader.js';
import { frame } from './raw-peer.js';

/** The frames that a reader finds in chunks, as type and body. */
function read(chunks: readonly Uint8Array[], maxFrameBytes = 1 << 20): [number, string][] {
  const reader = new FrameReader(maxFrameBytes);
  const found: [number, string][] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    while (reader.next()) found.push([reader.type, Buffer.from(reader.body).toString('hex')]);
  }
  expect(reader.isMidFrame).toBe(false);
  return found;
}

/** Cuts bytes at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

describe('FrameReader', () => {
  it('finds the same frames however the stream is cut', () => {
    const body = fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.nat(200_000).map((length) => new Uint8Array(length).fill(length)));
    fc.assert(fc.property(fc.array(body, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 12 }), (bodies, places) => {
      const stream = Buffer.concat(bodies.map((bytes) => frame(bytes)));
      expect(read(cut(stream, places))).toEqual(bodies.map((bytes) => [FRAME_TYPE.message, Buffer.from(bytes).toString('hex')]));
    }), { numRuns: 300 });
  });

  it('finds frames that arrive byte by byte', () => {
    const stream = Buffer.concat([frame(Buffer.from('one')), emptyFrame(FRAME_TYPE.ping), frame(Buffer.from('two'))]);
    expect(read([...stream].map((byte) => Uint8Array.of(byte)))).toHaveLength(3);
  });

  it('refuses a frame over the bound before any of it arrives', () => {
    const reader = new FrameReader(1000);
    reader.push(frame(new Uint8Array(), 0xffffffff));
    expect(() => reader.next()).toThrow('frame of 4294967295 bytes; at most 1000');
  });

  it('takes memory for what has arrived, not for what is announced', () => {
    const reader = new FrameReader(1 << 30);
    const before = process.memoryUsage().arrayBuffers;
    reader.push(frame(new Uint8Array(10), 1 << 30));
    expect(reader.next()).toBe(false);
    expect(reader.isMidFrame).toBe(true);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
  });

  it('refuses unknown types and pings with a body', () => {
    const reader = new FrameReader(1000);
    reader.push(frame(new Uint8Array(), 0, 3));
    expect(() => reader.next()).toThrow('frame of unknown type 3');
    const other = new FrameReader(1000);
    other.push(frame(Uint8Array.of(1), 1, FRAME_TYPE.ping));
    expect(() => other.next()).toThrow('ping with a body');
  });

  it('says whether a body has memory of its own', () => {
    const reader = new FrameReader(1000);
    reader.push(Buffer.concat([frame(Buffer.from('whole')), frame(Buffer.from('cut')).subarray(0, -2)]));
    expect([reader.next(), reader.isOwned]).toEqual([true, false]);
    expect(reader.next()).toBe(false);
    reader.push(Buffer.from('ut'));
    expect([reader.next(), reader.isOwned]).toEqual([true, true]);
    expect(Buffer.from(reader.body).toString()).toBe('cut');
  });

  it('refuses a frame in which any one bit was flipped, as soon as all of it has arrived, however it is cut', () => {
    const good = frame(Buffer.from('body'));
    for (let bit = 0; bit < 8 * good.length; bit += 1) {
      const bytes = flipped(good, bit);
      for (const size of [1, 5, FRAME_HEADER_BYTES + 1, bytes.length]) {
        expect(() => read(cut(bytes, Array.from({ length: Math.floor(bytes.length / size) }, (_, count) => count * size)))).toThrow(/^damaged on the way: the checksum of a frame .*does not match$/);
      }
    }
  });

  it('refuses a large frame that was damaged anywhere, and hands out nothing of it', () => {
    const good = frame(new Uint8Array(300_000).fill(7));
    fc.assert(fc.property(fc.nat(8 * good.length - 1), fc.array(fc.nat(), { maxLength: 8 }), (bit, places) => {
      expect(() => read(cut(flipped(good, bit), places))).toThrow(/^damaged on the way: /);
    }), { numRuns: 100 });
  });

  it('blames the way and not the sender for a type that was damaged', () => {
    expect(() => read([flipped(frame(new Uint8Array()), 8 * TYPE_AT + 7)])).toThrow('damaged on the way: the checksum of a frame of 0 bytes does not match');
  });

  it('tells of a damaged length before it waits for anything', () => {
    const reader = new FrameReader(1 << 30);
    reader.push(flipped(frame(new Uint8Array(10), 10), 8 * LENGTH_AT + 4)); // 128 MiB more
    expect(() => reader.next()).toThrow('damaged on the way: the checksum of a frame header does not match');
  });
});

describe('sealFrame', () => {
  it('writes the header over parts as it would over one', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 30 }), { maxLength: 5 }), (bodies) => {
      const parts = [new Uint8Array(FRAME_HEADER_BYTES), ...bodies];
      const whole = Buffer.concat(parts);
      sealFrame(parts, whole.length, FRAME_TYPE.message);
      sealFrame([whole], whole.length, FRAME_TYPE.message);
      expect(Buffer.concat(parts)).toEqual(whole);
    }));
  });

  it('takes parts that are empty, whatever lies under them', () => {
    const empty = [new Uint8Array(0), new Uint8Array(new ArrayBuffer(0), 0, 0), Buffer.from('abc').subarray(1, 1)];
    for (const part of empty) {
      const parts = [new Uint8Array(FRAME_HEADER_BYTES), Uint8Array.of(7), part];
      sealFrame(parts, FRAME_HEADER_BYTES + 1, FRAME_TYPE.message);
      expect(read(parts)).toEqual([[FRAME_TYPE.message, '07']]);
      expect(read([...parts.slice(0, 1), part, ...parts.slice(1)])).toEqual([[FRAME_TYPE.message, '07']]);
    }
  });

  it('leaves what it does not own as it was', () => {
    const shared = Uint8Array.of(1, 2, 3);
    const first = new Uint8Array(FRAME_HEADER_BYTES + 1).fill(9);
    sealFrame([first, shared], first.length + shared.length, FRAME_TYPE.message);
    expect([...shared, first.at(-1)]).toEqual([1, 2, 3, 9]);
  });

  it('has this layout', () => {
    // The first eight digits are the CRC-32 (of zlib, gzip and PNG) of all that follows.
    expect(frame(Buffer.from('123')).toString('hex')).toBe('e82c1a2c00000003fffffffc00313233');
  });
});
