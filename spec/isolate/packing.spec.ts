import fc from 'fast-check';
import { FrameReader, FrameWriter } from '../../lib/isolate/frame.js';
import type { Message } from '../../lib/isolate/messages.js';
import { pack, unpack } from '../../lib/isolate/packing.js';

const number = fc.oneof(fc.maxSafeNat(), fc.double({ noNaN: true }), fc.constant(Infinity));
const bytes = fc.uint8Array({ maxLength: 300 });
const of = <T extends Message['type']>(type: T): fc.Arbitrary<T> => fc.constant(type);
const message: fc.Arbitrary<Message> = fc.oneof(
  fc.record({ type: of('propose'), id: number, timeoutMs: number, isAbortable: fc.boolean(), payload: bytes }),
  fc.record({ type: of('read'), id: number, timeoutMs: number, isAbortable: fc.boolean(), consistency: fc.constantFrom('linearizable', 'lease', 'stale'), maxStalenessMs: number }),
  fc.record({ type: of('applied'), count: fc.nat(), values: fc.option(fc.array(fc.oneof(bytes, fc.string()))) }),
  fc.record({ type: of('chunk'), stream: number, data: bytes }),
  fc.record({ type: of('events'), at: number, wallTime: number, events: fc.array(fc.record({ type: fc.constant('EventLoopStalled' as const), term: fc.nat(), stalledMs: fc.nat() })) }),
  fc.record({ type: of('proposed'), id: number, count: number, index: number, term: number }),
  fc.record({ type: of('forwarded'), id: number, index: number, term: number, value: bytes }),
  fc.record({ type: of('readable'), id: number, freshAt: number }),
  fc.record({ type: of('apply'), runs: fc.array(fc.oneof(fc.record({ index: number, term: number, command: bytes }), fc.record({ index: number, term: number, id: number, count: number }))), wantsValues: fc.boolean() }),
  fc.record({ type: of('check'), request: number, payload: bytes }),
  fc.record({ type: of('checked'), request: number, error: fc.option(fc.string({ unit: 'grapheme' })) }),
  fc.record({ type: of('entry'), id: number, index: number, term: number, payload: bytes }),
  fc.record({ type: of('answered'), id: number, value: fc.oneof(fc.string(), fc.constant(undefined), fc.record({ deep: bytes })) }),
  fc.record({ type: of('stop') }),
);

describe('frames', () => {
  it('carry messages of every kind, in order, and the writer serves again and again', () => {
    const writer = new FrameWriter();
    fc.assert(
      fc.property(fc.array(message), (messages) => {
        for (const each of messages) pack(writer, each);
        const reader = new FrameReader(writer.takeFrame());
        const arrived: Message[] = [];
        while (reader.hasMore) arrived.push(unpack(reader));
        expect(arrived).toEqual(messages);
      }),
    );
  });

  it('grow with what they carry, and don\'t keep the room', () => {
    const writer = new FrameWriter();
    const payload = new Uint8Array(20 << 20).fill(7);
    pack(writer, { type: 'check', request: 1, payload });
    pack(writer, { type: 'check', request: 2, payload: new Uint8Array(1) });
    const reader = new FrameReader(writer.takeFrame());
    expect(Buffer.compare((unpack(reader) as { readonly payload: Uint8Array }).payload, payload)).toBe(0);
    expect(unpack(reader)).toMatchObject({ request: 2 });
    pack(writer, { type: 'stop' });
    expect(writer.takeFrame().byteLength).toBeLessThan(100);
  });

  it('hold nothing of a message that can\'t be cloned', () => {
    const writer = new FrameWriter();
    expect(() => pack(writer, { type: 'call', id: 1, method: 'changeMembership', args: [() => 1], isAbortable: false })).toThrow();
    expect(writer.bytes).toBe(0);
  });

  it('of a kind that nobody knows are refused', () => {
    expect(() => unpack(new FrameReader(Uint8Array.of(99).buffer))).toThrow('unknown kind 99');
  });
});
