import fc from 'fast-check';
import { msgpackCodec, wirePacker } from '../../lib/codec/msgpack.js';

const codec = msgpackCodec<unknown>();
const wire = wirePacker();
const WIRE_RULES = { maxDepth: 3, maxValues: 100, allowRich: false };

/** What the codec promises to carry. */
const values = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, undefined, true, false),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.double().map((x) => (Object.is(x, -0) ? 0 : x)),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
    fc.string({ unit: 'grapheme', maxLength: 80 }),
    fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') }),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(fc.string({ maxLength: 10 }).filter((key) => key !== '__proto__'), tie('value'), { noNullPrototype: true }),
  ),
})).value;

describe('msgpackCodec', () => {
  it('gives back whatever it carries', () => {
    fc.assert(fc.property(values, (value) => {
      expect(codec.decode(codec.encode(value))).toEqual(value);
    }));
  });

  it('encodes equal values to equal bytes, whatever was encoded before', () => {
    fc.assert(fc.property(values, values, (value, other) => {
      const first = codec.encode(value);
      codec.encode(other);
      expect(codec.encode(value)).toEqual(first);
    }));
  });

  it('gives each value bytes that nothing overwrites, in no more memory than a small Buffer shares', () => {
    const first = codec.encode('first');
    const copy = first.slice();
    for (let i = 0; i < 5000; i += 1) codec.encode('another');
    expect(first).toEqual(copy);
    expect(first.buffer.byteLength).toBeLessThanOrEqual(Buffer.poolSize);
    const large = codec.encode('x'.repeat(10_000));
    expect(large.buffer.byteLength).toBe(large.length);
  });

  it('keeps nothing of the bytes it decodes', () => {
    const bytes = codec.encode({ name: 'x'.repeat(200), data: new Uint8Array([1, 2, 3]) });
    const decoded = codec.decode(bytes);
    bytes.fill(0xff);
    expect(decoded).toEqual({ name: 'x'.repeat(200), data: new Uint8Array([1, 2, 3]) });
    expect((decoded as { data: Uint8Array }).data.constructor).toBe(Uint8Array);
  });

  it('ends in a value or an Error on random bytes, and what it accepts has no foreign prototype', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      let decoded: unknown;
      try {
        decoded = codec.decode(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
        return;
      }
      if (typeof decoded === 'object' && decoded !== null) {
        expect([Object.prototype, Array.prototype, Uint8Array.prototype, Date.prototype]).toContain(Object.getPrototypeOf(decoded));
      }
    }), { numRuns: 2000 });
  });

  it('ends in a value or an Error on damaged encodings', () => {
    fc.assert(fc.property(values, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat(), (value, at, byte, cut) => {
      const bytes = codec.encode(value);
      bytes[at % bytes.length] = byte;
      try {
        codec.decode(bytes.subarray(0, bytes.length - (cut % 3)));
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }), { numRuns: 2000 });
  });

  it('takes every truncation of an encoding for an error', () => {
    const bytes = codec.encode({ a: [1, 2.5, 'text'], b: new Uint8Array(40), c: new Date(1e12), d: 2n ** 40n, e: undefined, f: 'y'.repeat(300) });
    for (let cut = 0; cut < bytes.length; cut += 1) expect(() => codec.decode(bytes.subarray(0, cut))).toThrow(/not a valid MessagePack value/);
  });

  const hostile: [string, Uint8Array, RegExp][] = [
    ['no bytes', Uint8Array.of(), /truncated at byte 0/],
    ['bytes after the value', Uint8Array.of(0x01, 0x02), /trailing bytes at byte 1/],
    ['a __proto__ key', Buffer.concat([Uint8Array.of(0x81, 0xa9), Buffer.from('__proto__'), Uint8Array.of(0x80)]), /key __proto__/],
    ['a __proto__ key with a longer header', Buffer.concat([Uint8Array.of(0x81, 0xd9, 9), Buffer.from('__proto__'), Uint8Array.of(0x80)]), /key __proto__/],
    ['a key that is not a text', Uint8Array.of(0x81, 0x90, 0x01), /key that is not a text/],
    ['an array of four thousand million', Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff), /truncated/],
    ['a map of four thousand million', Uint8Array.of(0xdf, 0xff, 0xff, 0xff, 0xff), /truncated/],
    ['a text of 4 GiB', Uint8Array.of(0xdb, 0xff, 0xff, 0xff, 0xff), /truncated/],
    ['bytes of 4 GiB', Uint8Array.of(0xc6, 0xff, 0xff, 0xff, 0xff), /truncated/],
    ['65 levels', new Uint8Array(66).fill(0x91), /nested deeper than 64/],
    ['a million levels', new Uint8Array(1_000_000).fill(0x91), /nested deeper than 64/],
    ['more than a million values', Buffer.concat([Uint8Array.of(0xdd, 0, 0x0f, 0x42, 0x41), new Uint8Array(1_000_001)]), /more than 1000000 values/],
    ['a record definition', Uint8Array.of(0xd4, 0x72, 0x40, 0x91, 0xa1, 0x61, 0x01), /type 0xd4/],
    ['a regular expression', Uint8Array.of(0xd4, 0x78, 0x00, 0x92, 0xa1, 0x61, 0xa0), /type 0xd4/],
    ['a pointer', Uint8Array.of(0xd6, 0x70, 0, 0, 0, 1), /type 0xd6/],
    ['a typed array', Uint8Array.of(0xc7, 0x02, 0x74, 0x01, 0x05), /type 0xc7/],
    ['bundled strings', Uint8Array.of(0xd6, 0x62, 0xff, 0xff, 0xff, 0xff, 0x01), /type 0xd6/],
    ['the byte that is never used', Uint8Array.of(0xc1), /type 0xc1/],
    ['text that is not UTF-8', Uint8Array.of(0xa2, 0xc3, 0x28), /not UTF-8/],
  ];
  it.each(hostile)('refuses %s', (_name, bytes, message) => {
    expect(() => codec.decode(bytes)).toThrow(message);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('refuses to encode what it would not decode', () => {
    let deep: unknown = 1;
    for (let i = 0; i < 70; i += 1) deep = [deep];
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    for (const value of [deep, cyclic, Symbol('s'), 2n ** 70n, JSON.parse('{"__proto__":1}') as unknown]) expect(() => codec.encode(value)).toThrow(Error);
    expect(codec.decode(codec.encode('still working'))).toBe('still working');
  });
});

describe('wirePacker', () => {
  it('packs and unpacks positional arrays, bytes aliasing the input', () => {
    const bytes = Uint8Array.from(wire.pack([1, 'a', null, true, [2 ** 40, new Uint8Array([7, 8])]]));
    const unpacked = wire.unpack(bytes, WIRE_RULES) as [number, string, null, boolean, [number, Uint8Array]];
    expect(unpacked).toEqual([1, 'a', null, true, [2 ** 40, new Uint8Array([7, 8])]]);
    expect(unpacked[4][1].buffer).toBe(bytes.buffer);
  });

  it.each([
    ['maps', { a: 1 }],
    ['dates', new Date(0)],
    ['undefined', undefined],
    ['64-bit integers', 5n],
    ['more levels than the rules allow', [[[[1]]]]],
    ['more values than the rules allow', new Array(101).fill(0)],
  ])('refuses %s', (_name, value) => {
    expect(() => wire.unpack(wire.pack(value), WIRE_RULES)).toThrow(/not a valid MessagePack value/);
  });
});
