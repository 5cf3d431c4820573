import { Subject } from 'rxjs';
import { HeldTransport } from '../../lib/isolate/held-transport.js';
import type { ToApplication } from '../../lib/isolate/messages.js';
import type { Inbound, PeerMessage, Transport } from '../../lib/ports/transport.js';

class FakeTransport implements Transport {
  readonly messages = new Subject<Inbound>();
  readonly connections = new Subject<never>();
  readonly rejections = new Subject<never>();
  readonly drops = new Subject<number>();
  readonly sent: [string, PeerMessage][] = [];
  start = (): Promise<void> => Promise.resolve();
  setPeers = (): void => undefined;
  flush = (): void => undefined;
  stop = (): Promise<void> => Promise.resolve();
  send(to: string, message: PeerMessage): void {
    this.sent.push([to, message]);
  }
}

const append = (count: number): PeerMessage => ({
  type: 'append', term: 1, round: 1, previous: { index: 0, term: 0 }, commit: 0,
  entries: Array.from({ length: count }, (_, at) => ({ index: at + 1, term: 1, kind: 'command' as const, payload: new Uint8Array(1) })),
});
const command = (id: number): PeerMessage => ({ type: 'forwardRequest', id, operation: 'propose', payload: new Uint8Array(2), timeoutMs: 100 });

describe('the transport of an isolated node', () => {
  let inner: FakeTransport;
  let posted: ToApplication[];
  let taken: PeerMessage[];
  let isHeld: boolean;
  let now: number;
  let transport: HeldTransport;
  beforeEach(() => {
    inner = new FakeTransport();
    posted = [];
    taken = [];
    isHeld = false;
    now = 0;
    transport = new HeldTransport({ inner, post: (message) => posted.push(message), isHeld: () => isHeld, maxChecks: 2, now: () => now });
    transport.messages.subscribe(({ message }) => taken.push(message));
  });
  const arrive = (message: PeerMessage): void => inner.messages.next({ from: 'b', message });

  it('hands another node\'s command on once the application has read it', () => {
    arrive(command(7));
    expect([taken.length, posted]).toEqual([0, [{ type: 'check', request: 1, payload: new Uint8Array(2) }]]);
    transport.handleChecked(1, null);
    expect(taken).toEqual([command(7)]);
    arrive(command(8));
    transport.handleChecked(2, 'gibberish');
    expect(inner.sent).toEqual([['b', { type: 'forwardReply', id: 8, outcome: { ok: false, code: 'rejected', message: 'gibberish', leaderId: null } }]]);
    transport.handleChecked(99, null);
    expect(taken).toHaveLength(1);
  });

  it('knows whether a result is waited for: until it is sent, or nobody can wait for it any more', () => {
    arrive(command(1));
    transport.handleChecked(1, null);
    expect(transport.hasUnanswered).toBe(true);
    transport.send('b', { type: 'forwardReply', id: 1, outcome: { ok: true, index: 1, term: 1, value: new Uint8Array(0) } });
    expect(transport.hasUnanswered).toBe(false);
    arrive(command(2));
    transport.handleChecked(2, null);
    now = 201;
    expect(transport.hasUnanswered).toBe(false);
  });

  it('refuses commands beyond its bound', () => {
    for (const id of [1, 2, 3]) arrive(command(id));
    expect(posted).toHaveLength(2);
    expect(inner.sent).toMatchObject([['b', { id: 3, outcome: { code: 'overloaded' } }]]);
  });

  it('takes no entries and no commands while the application is too far behind, hears its leader all the same, and says afterwards what was dropped', () => {
    isHeld = true;
    arrive(append(2));
    arrive(append(0));
    arrive(command(1));
    expect(taken).toEqual([append(0)]);
    expect(inner.sent).toMatchObject([['b', { id: 1, outcome: { code: 'overloaded' } }]]);
    arrive(append(1));
    expect(posted).toEqual([]);
    isHeld = false;
    arrive(append(1));
    expect(posted).toEqual([{ type: 'dropped', count: 2 }]);
    expect(taken).toEqual([append(0), append(1)]);
  });
});
