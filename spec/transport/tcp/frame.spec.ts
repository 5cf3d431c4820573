import fc from 'fast-check';
import { emptyFrame, FRAME_TYPE, FrameReader } from '../../../lib/transport/tcp/frame.js';
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
    reader.push(Buffer.concat([frame(Buffer.from('whole')), frame(Buffer.from('cut')).subarray(0, 6)]));
    expect([reader.next(), reader.isOwned]).toEqual([true, false]);
    expect(reader.next()).toBe(false);
    reader.push(Buffer.from('ut'));
    expect([reader.next(), reader.isOwned]).toEqual([true, true]);
    expect(Buffer.from(reader.body).toString()).toBe('cut');
  });
});
