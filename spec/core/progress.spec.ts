import fc from 'fast-check';
import { Inflight, PeerProgress } from '../../lib/core/progress.js';

describe('Inflight', () => {
  it('counts messages and bytes that end after what was acknowledged', () => {
    const step = fc.oneof(
      fc.record({ add: fc.integer({ min: 1, max: 5 }), bytes: fc.nat(100) }),
      fc.record({ release: fc.nat(40) }),
      fc.constant({ clear: true }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const inflight = new Inflight();
        let expected: { last: number; bytes: number }[] = [];
        let last = 0;
        for (const what of steps) {
          if ('add' in what) {
            last += what.add;
            inflight.add(last, what.bytes);
            expected.push({ last, bytes: what.bytes });
          } else if ('release' in what) {
            const matched = last - what.release;
            inflight.release(matched);
            expected = expected.filter((message) => message.last > matched);
          } else {
            inflight.clear();
            expected = [];
          }
          expect([inflight.count, inflight.bytes]).toEqual([expected.length, expected.reduce((sum, { bytes }) => sum + bytes, 0)]);
        }
      }),
    );
  });
});

describe('PeerProgress', () => {
  it('moves match forward only, and keeps next above it', () => {
    const peer = new PeerProgress('b', 5);
    expect([4, 4, 2, 9].map((matched) => [peer.acknowledge(matched), peer.match, peer.next])).toEqual([
      [true, 4, 5],
      [false, 4, 5],
      [false, 4, 5],
      [true, 9, 10],
    ]);
    peer.becomeProbe(3);
    expect(peer.next).toBe(10);
  });

  it('a state begins with nothing in flight', () => {
    const peer = new PeerProgress('b', 1);
    const enter = [() => peer.becomeReplicate(), () => peer.becomeProbe(1), () => peer.becomeSnapshot(7)];
    for (const next of enter) {
      peer.inflight.add(3, 10);
      peer.probeSent = true;
      next();
      expect([peer.inflight.count, peer.probeSent]).toEqual([0, false]);
    }
    expect([peer.state, peer.pendingSnapshot]).toEqual(['snapshot', 7]);
  });

  it('a late acknowledgement frees the window although it is no news', () => {
    const peer = new PeerProgress('b', 1);
    peer.becomeReplicate();
    peer.acknowledge(5);
    peer.inflight.add(5, 10);
    expect(peer.acknowledge(5)).toBe(false);
    expect(peer.inflight.count).toBe(0);
  });
});
