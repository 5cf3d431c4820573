import fc from 'fast-check';
import { msgpackCodec } from '../../../lib/codec/msgpack.js';
import { isSessionCommand, type SessionCommand } from '../../../lib/node/sessions/commands.js';
import { sessionCodec } from '../../../lib/node/sessions/session-codec.js';

const codec = sessionCodec(msgpackCodec<string>());
const count = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const wallTime = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((time) => time + 0);
const command: fc.Arbitrary<SessionCommand<string>> = fc.oneof(
  fc.record({ type: fc.constant('openSession' as const), wallTime }),
  fc.record({ type: fc.constant('command' as const), session: count, sequence: count.map((n) => Math.max(1, n)), ackedThrough: count, wallTime, command: fc.string() }),
  fc.record({ type: fc.constant('keepAlive' as const), session: count, ackedThrough: count, wallTime }),
  fc.record({ type: fc.constant('closeSession' as const), session: count, wallTime }),
  fc.record({ type: fc.constant('plain' as const), command: fc.string() }),
);

describe('the codec of session commands', () => {
  test('gives back what was encoded, from the middle of a larger buffer too', () => {
    fc.assert(
      fc.property(command, (each) => {
        const bytes = codec.encode(each);
        const within = new Uint8Array(bytes.length + 3);
        within.set(bytes, 3);
        expect(codec.decode(within.subarray(3))).toEqual(each);
        expect(isSessionCommand(each)).toBe(true);
      }),
    );
  });

  test('on any bytes ends in a session command or an Error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 0, max: 6 }), (bytes, kind) => {
        if (bytes.length > 0) bytes[0] = kind;
        try {
          expect(isSessionCommand(codec.decode(bytes))).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
      }),
    );
  });
});
