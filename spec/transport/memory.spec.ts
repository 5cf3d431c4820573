import type { ConnectionChange, Inbound, PeerMessage } from '../../lib/ports/transport.js';
import { MemoryNetwork, type MemoryTransport, type Scheduler } from '../../lib/transport/memory.js';

/** A clock that moves when told. */
class ManualClock implements Scheduler {
  #now = 0;
  #waiting: { at: number; callback: () => void }[] = [];
  schedule(delayMs: number, callback: () => void): () => void {
    const item = { at: this.#now + delayMs, callback };
    this.#waiting.push(item);
    return () => { this.#waiting = this.#waiting.filter((other) => other !== item); };
  }
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#waiting.filter((item) => item.at <= until).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#waiting = this.#waiting.filter((item) => item !== next);
      this.#now = next.at;
      next.callback();
    }
    this.#now = until;
  }
}

interface Peer {
  readonly transport: MemoryTransport;
  readonly received: Inbound[];
  readonly changes: ConnectionChange[];
}

const heartbeat = (round: number): PeerMessage => ({ type: 'heartbeat', term: 1, round, commit: 0 });
const rounds = (peer: Peer): number[] => peer.received.map(({ message }) => (message.type === 'heartbeat' ? message.round : -1));

async function join(network: MemoryNetwork, id: string, peers: readonly string[], clusterId = 'test'): Promise<Peer> {
  const transport = network.transport();
  const received: Inbound[] = [];
  const changes: ConnectionChange[] = [];
  transport.messages.subscribe((inbound) => received.push(inbound));
  transport.connections.subscribe((change) => changes.push(change));
  await transport.start({ clusterId, nodeId: id });
  transport.setPeers(new Map(peers.map((peer) => [peer, `memory:${peer}`])));
  return { transport, received, changes };
}

async function trio(network: MemoryNetwork): Promise<[Peer, Peer, Peer]> {
  const ids = ['a', 'b', 'c'];
  return [await join(network, 'a', ids), await join(network, 'b', ids), await join(network, 'c', ids)];
}

describe('MemoryNetwork without faults', () => {
  it('delivers the very object before send returns', async () => {
    const [a, b, c] = await trio(new MemoryNetwork());
    const message = heartbeat(1);
    a.transport.send('b', message);
    expect(b.received).toEqual([{ from: 'a', message }]);
    expect(b.received[0]?.message).toBe(message);
    expect(c.received).toEqual([]);
  });

  it('connects two nodes once both are started and know each other, and says so', async () => {
    const network = new MemoryNetwork();
    const a = await join(network, 'a', ['b']);
    expect(a.changes).toEqual([]);
    const b = await join(network, 'b', ['a']);
    expect(a.changes).toEqual([{ peer: 'b', up: true, error: '' }]);
    expect(b.changes).toEqual([{ peer: 'a', up: true, error: '' }]);
    await b.transport.stop();
    expect(a.changes.at(-1)).toEqual({ peer: 'b', up: false, error: 'peer stopped' });
  });

  it('keeps clusters apart', async () => {
    const network = new MemoryNetwork();
    const a = await join(network, 'a', ['b'], 'one');
    const b = await join(network, 'b', ['a'], 'two');
    a.transport.send('b', heartbeat(1));
    expect(a.changes).toEqual([]);
    expect(b.received).toEqual([]);
  });

  it('lets a node answer a peer that it does not know yet', async () => {
    const network = new MemoryNetwork();
    const leader = await join(network, 'leader', ['joiner']);
    const joiner = await join(network, 'joiner', []);
    leader.transport.send('joiner', heartbeat(1));
    joiner.transport.send('leader', heartbeat(2));
    expect(rounds(joiner)).toEqual([1]);
    expect(rounds(leader)).toEqual([2]);
    leader.transport.setPeers(new Map());
    joiner.transport.send('leader', heartbeat(3));
    expect(rounds(leader)).toEqual([2]);
  });

  it('refuses a second transport under a live id', async () => {
    const network = new MemoryNetwork();
    await join(network, 'a', []);
    await expect(join(network, 'a', [])).rejects.toThrow('test/a is on this network already; stop or detach it first');
  });
});

describe('cutting links', () => {
  it('an isolated node neither sends nor receives until healed', async () => {
    const network = new MemoryNetwork();
    const [a, b, c] = await trio(network);
    network.isolate('a');
    expect(a.changes.slice(-2)).toEqual([{ peer: 'b', up: false, error: 'link cut' }, { peer: 'c', up: false, error: 'link cut' }]);
    a.transport.send('b', heartbeat(1));
    b.transport.send('a', heartbeat(2));
    b.transport.send('c', heartbeat(3));
    network.heal();
    a.transport.send('b', heartbeat(4));
    expect([rounds(a), rounds(b), rounds(c)]).toEqual([[], [4], [3]]);
    expect(a.changes.slice(-2)).toEqual([{ peer: 'b', up: true, error: '' }, { peer: 'c', up: true, error: '' }]);
  });

  it('a partition cuts both directions between the groups and nothing within them', async () => {
    const network = new MemoryNetwork();
    const [a, b, c] = await trio(network);
    network.partition(['a', 'b'], ['c']);
    a.transport.send('b', heartbeat(1));
    a.transport.send('c', heartbeat(2));
    c.transport.send('b', heartbeat(3));
    expect([rounds(a), rounds(b), rounds(c)]).toEqual([[], [1], []]);
  });

  it('a block cuts one direction only', async () => {
    const network = new MemoryNetwork();
    const [a, b] = await trio(network);
    network.block('a', 'b');
    a.transport.send('b', heartbeat(1));
    b.transport.send('a', heartbeat(2));
    network.unblock('a', 'b');
    a.transport.send('b', heartbeat(3));
    expect([rounds(a), rounds(b)]).toEqual([[2], [3]]);
  });

  it('a subscriber that changes the network sees every change, in order', async () => {
    const network = new MemoryNetwork();
    const [a] = await trio(network);
    a.transport.connections.subscribe((change) => { if (!change.up) network.heal(); });
    network.isolate('a');
    expect(a.changes.slice(-4).map(({ peer, up }) => `${peer} ${up}`)).toEqual(['b false', 'c false', 'b true', 'c true']);
  });

  it('a detached transport is inert, and a new one takes its place', async () => {
    const network = new MemoryNetwork();
    const [a, b] = await trio(network);
    network.detach('b');
    const before = b.changes.length;
    b.transport.send('a', heartbeat(1));
    a.transport.send('b', heartbeat(2));
    const again = await join(network, 'b', ['a', 'c']);
    a.transport.send('b', heartbeat(3));
    await b.transport.stop();
    a.transport.send('b', heartbeat(4));
    expect([rounds(a), rounds(b), rounds(again)]).toEqual([[], [], [3, 4]]);
    expect(b.changes.length).toBe(before);
  });
});

describe('faulty links', () => {
  it('loses and doubles at the given rates, the same for the same seed', async () => {
    const run = async (seed: number): Promise<number[]> => {
      const network = new MemoryNetwork({ seed });
      const [a, b] = await trio(network);
      network.setFaults({ lossRate: 0.3, duplicateRate: 0.2 });
      for (let i = 0; i < 1000; i += 1) a.transport.send('b', heartbeat(i));
      return rounds(b);
    };
    const [first, second, other] = [await run(5), await run(5), await run(6)];
    expect(second).toEqual(first);
    expect(other).not.toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(600);
    expect(new Set(first).size).toBeLessThan(800);
    expect(first.length - new Set(first).size).toBeGreaterThan(80);
  });

  it('delays by the clock, in order while the delay is fixed', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock });
    const [a, b] = await trio(network);
    network.setFaults({ delayMs: [10, 10] });
    for (let i = 0; i < 5; i += 1) a.transport.send('b', heartbeat(i));
    clock.advance(9);
    expect(rounds(b)).toEqual([]);
    clock.advance(1);
    expect(rounds(b)).toEqual([0, 1, 2, 3, 4]);
  });

  it('reorders within a range of delays, and loses none', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock });
    const [a, b] = await trio(network);
    network.setFaults({ delayMs: [1, 50] });
    for (let i = 0; i < 50; i += 1) a.transport.send('b', heartbeat(i));
    clock.advance(50);
    expect(rounds(b)).not.toEqual([...rounds(b)].sort((x, y) => x - y));
    expect(new Set(rounds(b)).size).toBe(50);
  });

  it('applies the faults of one direction of one link there only', async () => {
    const network = new MemoryNetwork();
    const [a, b, c] = await trio(network);
    network.setFaults({ lossRate: 1 }, { from: 'a', to: 'b' });
    a.transport.send('b', heartbeat(1));
    a.transport.send('c', heartbeat(2));
    b.transport.send('a', heartbeat(3));
    expect([rounds(a), rounds(b), rounds(c)]).toEqual([[3], [], [2]]);
  });

  it('loses what is on its way when the link is cut or the receiver dies', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock });
    const [a, b, c] = await trio(network);
    network.setFaults({ delayMs: [10, 10] });
    a.transport.send('b', heartbeat(1));
    a.transport.send('c', heartbeat(2));
    network.block('a', 'b');
    network.detach('c');
    const again = await join(network, 'c', ['a', 'b']);
    clock.advance(10);
    expect([rounds(b), rounds(c), rounds(again)]).toEqual([[], [], []]);
  });

  it('a hook decides about each message', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock });
    const [a, b] = await trio(network);
    network.intercept((from, to, message) => {
      expect([from, to]).toEqual(['a', 'b']);
      if (message.type !== 'heartbeat') return 'deliver';
      return message.round === 1 ? 'drop' : message.round === 2 ? { delayMs: 5 } : 'deliver';
    });
    for (const round of [1, 2, 3]) a.transport.send('b', heartbeat(round));
    expect(rounds(b)).toEqual([3]);
    clock.advance(5);
    expect(rounds(b)).toEqual([3, 2]);
    network.intercept(null);
    a.transport.send('b', heartbeat(1));
    expect(rounds(b)).toEqual([3, 2, 1]);
  });

  it.each([[{ lossRate: 1.5 }, 'lossRate is 1.5'], [{ duplicateRate: -1 }, 'duplicateRate is -1'], [{ delayMs: [5, 1] as const }, 'delayMs is [5, 1]']])('refuses %j', (faults, message) => {
    expect(() => { new MemoryNetwork().setFaults(faults); }).toThrow(message);
  });
});
