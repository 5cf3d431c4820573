import fc from 'fast-check';
import { encodeGreeting, readGreeting, refusalOf } from '../../../lib/transport/tcp/greeting.js';

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
        readGreeting(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(Error);
      }
    }), { numRuns: 2000 });
  });

  it('never waits for more than a kilobyte or so', () => {
    const bytes = encodeGreeting({ clusterId: 'test', from: 'a', to: 'b', refusal: '' });
    bytes.writeUInt16BE(0xffff, 5);
    expect(() => readGreeting(bytes)).toThrow('greeting of 65535 bytes; at most 1024');
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
