import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { crc32 } from '../../../lib/node/snapshots/crc32.js';

describe('crc32', () => {
  it('is the one that everybody else computes', () => {
    expect(crc32(new TextEncoder().encode('123456789'))).toBe(0xcbf43926);
    expect(crc32(new Uint8Array(0))).toBe(0);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 2_000, size: 'max' }), (bytes) => expect(crc32(bytes)).toBe(zlibCrc32(bytes))));
  });
});
