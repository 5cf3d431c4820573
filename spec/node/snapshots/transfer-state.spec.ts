import { configurationOf } from '../../../lib/core/configuration.js';
import type { InstallSnapshotReply } from '../../../lib/core/messages.js';
import { Transfer, WINDOW_BYTES } from '../../../lib/node/snapshots/transfer.js';

describe('where a transfer stands', () => {
  const last = { index: 9, term: 2 };
  let attempts: number;
  let transfer: Transfer;
  beforeEach(() => {
    attempts = 0;
    transfer = new Transfer('d', 3, 0, () => (attempts += 1));
    transfer.meta = { last, configuration: configurationOf({ a: '' }), configurationIndex: 1, bytes: 1000 };
  });

  const hear = (fields: Partial<InstallSnapshotReply>): boolean =>
    transfer.hear({ type: 'installSnapshotReply', term: 3, round: 1, last, attempt: transfer.attempt, received: 0, gap: false, installed: false, matched: 0, ...fields });
  const place = (): number[] => [transfer.acknowledged, transfer.sent, transfer.attempt];

  it('late and doubled acknowledgements move nothing back', () => {
    transfer.sent = 400;
    hear({ received: 300 });
    hear({ received: 100 });
    hear({ received: 300 });
    expect(place()).toEqual([300, 400, 1]);
  });

  it('the first complaint of an attempt sends it back, all others of that attempt do nothing', () => {
    transfer.sent = 400;
    hear({ received: 200, gap: true });
    expect(place()).toEqual([200, 200, 2]);
    transfer.sent = 400;
    hear({ received: 200, gap: true, attempt: 1 });
    hear({ received: 300, attempt: 1 });
    expect(place()).toEqual([200, 400, 2]);
    hear({ received: 200, gap: true });
    expect(place()).toEqual([200, 200, 3]);
  });

  it('a peer that lost what it had is followed back below what it had acknowledged', () => {
    transfer.sent = 400;
    hear({ received: 300 });
    hear({ received: 0, gap: true });
    expect(place()).toEqual([0, 0, 2]);
  });

  it('a peer that has more than was sent is followed ahead', () => {
    transfer.sent = 100;
    hear({ received: 700 });
    transfer.skipAhead();
    expect(place()).toEqual([700, 700, 1]);
  });

  it('every word shows that the peer lives, but not one of another term or snapshot, or of more than there is', () => {
    transfer.unanswered = 3;
    for (const foreign of [{ term: 2 }, { term: 4 }, { last: { index: 9, term: 1 } }, { last: { index: 8, term: 2 } }, { received: 1001 }]) expect(hear({ ...foreign, installed: true })).toBe(false);
    expect([transfer.unanswered, transfer.isInstalled]).toEqual([3, false]);
    expect(hear({ attempt: 77 })).toBe(true);
    expect(transfer.unanswered).toBe(0);
    hear({ attempt: 0, received: 1000, installed: true });
    expect([transfer.isInstalled, transfer.isOver]).toEqual([true, true]);
  });

  it('the first chunk goes alone; then as many as the window holds, and one that is larger goes alone', () => {
    expect(transfer.hasRoom(2 * WINDOW_BYTES)).toBe(true);
    transfer.sent = 1;
    expect(transfer.hasRoom(1)).toBe(false);
    hear({});
    expect([transfer.hasRoom(WINDOW_BYTES - 1), transfer.hasRoom(WINDOW_BYTES)]).toEqual([true, false]);
  });
});
