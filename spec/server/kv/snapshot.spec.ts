import fc from 'fast-check';
import { encodeStore, StoreDecoder, type Stored } from '../../../lib/server/kv/snapshot.js';
import { SortedMap } from '../../../lib/server/kv/sorted-map.js';

describe('a snapshot of the store', () => {
  it('is restored from chunks that were cut anywhere', () => {
    const key = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).filter((k) => !/[\p{Cc}\p{Surrogate}]/u.test(k));
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.uint8Array({ maxLength: 200 }))), fc.infiniteStream(fc.integer({ min: 1, max: 300 })), (pairs, sizes) => {
        const entries = mapOf(pairs);
        const content = decode(cut(bytesOf(7, entries), sizes));
        expect(content.index).toBe(7);
        expect([...content.entries.entriesFrom('')]).toEqual([...entries.entriesFrom('')]);
      }),
    );
  });

  it('is restored although chunks without a byte lie between the others', () => {
    const entries = mapOf([['a', new Uint8Array([1])], ['b', new Uint8Array([2])]]);
    const bytes = bytesOf(7, entries);
    const none = new Uint8Array(0);
    const chunks = [none, bytes.subarray(0, 42), none, bytes.subarray(42), none]; // a record ends at 42;
    expect([...decode(chunks).entries.entriesFrom('')]).toEqual([...entries.entriesFrom('')]);
  });

  it('comes in chunks of at most 64 KiB, values larger than that included', () => {
    const entries = mapOf([
      ['large', new Uint8Array(300_000).fill(7)],
      ['small', new Uint8Array(10)],
    ]);
    const chunks = [...encodeStore(1, entries.view())];
    expect(Math.max(...chunks.map((c) => c.length))).toBeLessThanOrEqual(64 * 1024);
    expect(chunks.length).toBeGreaterThan(4);
    expect(decode(chunks).entries.get('large')?.value).toEqual(new Uint8Array(300_000).fill(7));
  });

  it('is refused when any one bit is flipped', () => {
    const bytes = bytesOf(3, mapOf([['a', new Uint8Array([1, 2, 3])], ['b', new Uint8Array(9)]]));
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const damaged = bytes.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(() => decode([damaged])).toThrow();
    }
  });

  it('is refused when it is cut short anywhere, or has bytes after its end', () => {
    const bytes = bytesOf(3, mapOf([['a', new Uint8Array([1, 2, 3])]]));
    for (let length = 0; length < bytes.length; length += 1) expect(() => decode([bytes.subarray(0, length)])).toThrow('cut short');
    expect(() => decode([bytes, new Uint8Array(1)])).toThrow('after its end');
  });

  it('of another format version is refused with both versions named', () => {
    const bytes = bytesOf(0, mapOf([]));
    bytes[7] = 9;
    expect(() => decode([bytes])).toThrow('format version 9; this build reads version 1');
    expect(() => decode([new TextEncoder().encode('something entirely different')])).toThrow('not one of a key-value store');
  });

  it('does not keep the chunks it was restored from', () => {
    const bytes = bytesOf(1, mapOf([['a', new Uint8Array([1])]]));
    const content = decode([bytes]);
    bytes.fill(0xff);
    expect(content.entries.get('a')?.value).toEqual(new Uint8Array([1]));
  });
});

function mapOf(pairs: readonly (readonly [string, Uint8Array])[]): SortedMap<Stored> {
  const entries = new SortedMap<Stored>();
  pairs.forEach(([key, value], i) => entries.set(key, { value, revision: i + 1 }));
  return entries;
}

function bytesOf(index: number, entries: SortedMap<Stored>): Uint8Array {
  return new Uint8Array(Buffer.concat([...encodeStore(index, entries.view())]));
}

function* cut(bytes: Uint8Array, sizes: Iterator<number>): IterableIterator<Uint8Array> {
  for (let at = 0; at < bytes.length; ) {
    const size = sizes.next().value as number;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

function decode(chunks: Iterable<Uint8Array>): ReturnType<StoreDecoder['end']> {
  const decoder = new StoreDecoder();
  for (const chunk of chunks) decoder.push(chunk);
  return decoder.end();
}
