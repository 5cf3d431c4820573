import fc from 'fast-check';
import { encodeGreeting, encodeVersion, OtherVersionError, readGreeting, refusalOf } from '../../../lib/transport/tcp/greeting.js';
import { defined } from '../../support/defined.js';
import { resealed } from './raw-peer.js';

const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
const greetings = fc.record({ clusterId: id, from: id, to: id, refusal: fc.constantFrom('', 'another cluster id') });

describe('the greeting', () => {
  it('is read back as it was, and leaves what follows', () => {
    fc.assert(fc.property(greetings, fc.uint8Array({ maxLength: 10 }), (greeting, rest) => {
      const read = readGreeting(Buffer.concat([encodeGreeting(greeting), rest]));
      expect(read?.greeting).toEqual(greeting);
      expect(Buffer.from(rest).equals(read?.rest ?? Buffer.alloc(99))).toBe(true);
    }));
  });

  it('is awaited while it is incomplete', () => {
    const bytes = encodeGreeting({ clusterId: 'test', from: 'a', to: 'b', refusal: '' });
    for (let length = 0; length < bytes.length; length += 1) expect(readGreeting(bytes.subarray(0, length))).toBeNull();
  });

  it('ends in a greeting, a wait or an Error on any bytes', () => {
    fc.assert(fc.property(greetings, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), (greeting, damages) => {
      const bytes = encodeGreeting(greeting);
      for (const [at, byte] of damages) bytes[at % bytes.length] = byte;
      try {
        readGreeting(resealed(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }), { numRuns: 2000 });
  });

  it('in which any one bit was flipped is not read', () => {
    const bytes = encodeGreeting({ clusterId: 'test', from: 'a', to: 'b', refusal: '' });
    for (let bit = 0; bit < 8 * bytes.length; bit += 1) {
      const damaged = Buffer.from(bytes);
      damaged[bit >>> 3] = defined(damaged[bit >>> 3]) ^ (1 << (bit & 7));
      let read: unknown = null;
      try {
        read = readGreeting(damaged); // waits, where the length has grown
      } catch (error) {
        expect((error as Error).message).toMatch(bit < 8 * 7 ? /./ : /^damaged on the way: the checksum of the greeting does not match$/);
      }
      expect(read).toBeNull();
    }
  });

  it('in another version names both versions, and so does the answer to it', () => {
    const other = encodeGreeting({ clusterId: 'test', from: 'a', to: 'b', refusal: '' });
    other[4] = 1;
    expect(() => readGreeting(other.subarray(0, 5))).toThrow(new OtherVersionError(1));
    expect(new OtherVersionError(1).message).toBe('protocol version 1; this build speaks 2');
    expect(encodeVersion().toString('latin1')).toBe('RXRF\x02\0\0');
  });

  it('never waits for more than a kilobyte or so', () => {
    const bytes = encodeGreeting({ clusterId: 'test', from: 'a', to: 'b', refusal: '' });
    bytes.writeUInt16BE(0xffff, 5);
    expect(() => readGreeting(bytes)).toThrow('greeting of 65535 bytes; at most 1028');
  });

  it.each([
    [{ clusterId: 'other' }, 'another cluster id'],
    [{ to: 'c' }, 'meant for another node'],
    [{ from: 'a' }, 'the own node id'],
    [{}, ''],
  ])('with %j is answered by "%s"', (change, refusal) => {
    expect(refusalOf({ clusterId: 'test', from: 'b', to: 'a', refusal: '', ...change }, { clusterId: 'test', nodeId: 'a' })).toBe(refusal);
  });
});
