import { once } from 'node:events';
import net from 'node:net';
import type { ConnectionChange, Inbound, Rejection } from '../../../lib/ports/transport.js';
import { appendOf, sampleEntries } from '../../../lib/testing/sample-messages.js';
import { TcpTransport, type TcpTransportOptions } from '../../../lib/transport/tcp.js';
import { dialRaw, first, greetRaw, heartbeat, messageFrame, RawServer } from './raw-peer.js';

const started: TcpTransport[] = [];
const servers: RawServer[] = [];

async function start(id: string, options: Partial<TcpTransportOptions> = {}): Promise<TcpTransport> {
  const transport = new TcpTransport({ listen: '127.0.0.1:0', reconnectMinMs: 5, reconnectMaxMs: 20, ...options });
  await transport.start({ clusterId: 'test', nodeId: id });
  started.push(transport);
  return transport;
}

async function serve(...[id, greeted]: ConstructorParameters<typeof RawServer>): Promise<{ server: RawServer; address: string }> {
  const server = new RawServer(id, greeted);
  servers.push(server);
  return { server, address: await server.listen() };
}

afterEach(async () => {
  for (const transport of started.splice(0)) await transport.stop();
  for (const server of servers.splice(0)) await server.close();
});

const isUp = ({ up }: ConnectionChange): boolean => up;
const isDown = ({ up }: ConnectionChange): boolean => !up;

describe('starting', () => {
  it('says what to do when the address is in use, and may be tried again', async () => {
    const holder = await start('a');
    const transport = new TcpTransport({ listen: holder.address ?? '' });
    await expect(transport.start({ clusterId: 'test', nodeId: 'b' })).rejects.toThrow(/^can't listen on 127\.0\.0\.1:\d+: the address is in use; stop the process that holds it/);
    expect(transport.address).toBeNull();
    await holder.stop();
    await transport.start({ clusterId: 'test', nodeId: 'b' });
    await transport.stop();
  });

  it('says so when this machine has no such address', async () => {
    const transport = new TcpTransport({ listen: '203.0.113.1:0' });
    await expect(transport.start({ clusterId: 'test', nodeId: 'a' })).rejects.toThrow('this machine has no such address');
    await transport.stop();
  });

  it('listens on IPv6 too', async () => {
    const transport = new TcpTransport({ listen: '[::1]:0' });
    const outcome = await transport.start({ clusterId: 'test', nodeId: 'a' }).then(() => transport.address, (error: unknown) => String(error));
    expect(outcome).toMatch(/^\[::1\]:\d+$|no such address/); // some containers have none
    await transport.stop();
  });

  it('refuses ids that are none', async () => {
    await expect(new TcpTransport({ listen: '127.0.0.1:0' }).start({ clusterId: 'a b', nodeId: 'a' })).rejects.toThrow('invalid node id or cluster id');
  });
});

describe('connecting', () => {
  it('tells once that a peer can\'t be reached, and tries on until it can', async () => {
    const b = await start('b');
    const address = b.address ?? '';
    await b.stop();
    const a = await start('a');
    const changes: ConnectionChange[] = [];
    a.connections.subscribe((change) => changes.push(change));
    const up = first(a.connections, isUp);
    const down = first(a.connections, isDown);
    a.setPeers(new Map([['b', address]]));
    await down;
    const again = await start('b', { listen: address });
    await up;
    expect(changes.map(({ up: isConnected }) => isConnected)).toEqual([false, true]);
    expect(changes[0]?.error).toMatch(/ECONNREFUSED/);
    await again.stop();
  });

  it('dials at once when the peer calls, however long the wait would have been', async () => {
    const b = await start('b');
    const address = b.address ?? '';
    await b.stop();
    const a = await start('a', { reconnectMinMs: 3_600_000, reconnectMaxMs: 3_600_000 });
    const down = first(a.connections, isDown);
    a.setPeers(new Map([['b', address]]));
    await down;
    const up = first(a.connections, isUp);
    const again = await start('b', { listen: address });
    again.setPeers(new Map([['a', a.address ?? '']]));
    await up;
  });

  it('comes up again after the connection breaks', async () => {
    const { server, address } = await serve('b', (socket, self) => { self.serve(socket); });
    const a = await start('a');
    a.setPeers(new Map([['b', address]]));
    await first(a.connections, isUp);
    const changes = [first(a.connections, isDown), first(a.connections, isUp)];
    server.sockets[0]?.resetAndDestroy();
    await Promise.all(changes);
  });

  it('notices a peer that has stopped answering', async () => {
    const { address } = await serve('b', (socket) => { socket.resume(); });
    const a = await start('a', { pingIntervalMs: 2, maxSilentIntervals: 2 });
    a.setPeers(new Map([['b', address]]));
    await first(a.connections, isUp);
    expect(await first(a.connections, isDown)).toEqual({ peer: 'b', up: false, error: 'the peer has stopped answering' });
  });

  it('keeps a quiet connection whose peer answers pings', async () => {
    const b = await start('b');
    const a = await start('a', { pingIntervalMs: 2, maxSilentIntervals: 5 });
    const changes: ConnectionChange[] = [];
    a.connections.subscribe((change) => changes.push(change));
    a.setPeers(new Map([['b', b.address ?? '']]));
    await first(a.connections, isUp);
    const { address } = await serve('c', (socket) => { socket.resume(); });
    a.setPeers(new Map([['b', b.address ?? ''], ['c', address]])); // when c is given up, b has been pinged as often
    await first(a.connections, ({ peer, up }) => peer === 'c' && !up);
    expect(changes.filter(({ peer }) => peer === 'b')).toEqual([{ peer: 'b', up: true, error: '' }]);
  });

  it('gives up on a peer that accepts and says nothing', async () => {
    const server = net.createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const a = await start('a', { handshakeTimeoutMs: 20 });
    const down = first(a.connections, isDown);
    a.setPeers(new Map([['b', `127.0.0.1:${(server.address() as net.AddressInfo).port}`]]));
    expect((await down).error).toBe('no greeting within 20 ms');
    await a.stop();
    server.close();
  });

  it('refuses a peer that is somebody else, on either side', async () => {
    const c = await start('c');
    const a = await start('a');
    const rejection = first(c.rejections);
    const down = first(a.connections, isDown);
    a.setPeers(new Map([['b', c.address ?? '']]));
    expect((await down).error).toBe('refused by the peer: meant for another node');
    expect(await rejection).toEqual({ from: 'a', reason: 'meant for another node' });

    const { address } = await serve('impostor', (socket) => { socket.resume(); });
    const second = first(a.connections, ({ peer, up }) => peer === 'd' && !up);
    a.setPeers(new Map([['d', address]]));
    expect((await second).error).toBe(`${address} is impostor`);
  });

  it('reports an address that is none, and goes on', async () => {
    const a = await start('a');
    const down = first(a.connections, isDown);
    a.setPeers(new Map([['b', 'not an address']]));
    expect((await down).error).toBe('"not an address" is not an address; expected host:port');
  });

  it('follows a peer to a new address', async () => {
    const [a, old, moved] = [await start('a'), await start('b'), await start('b')];
    a.setPeers(new Map([['b', old.address ?? '']]));
    await first(a.connections, isUp);
    const up = first(a.connections, isUp);
    a.setPeers(new Map([['b', moved.address ?? '']]));
    await up;
    const arrival = first(moved.messages);
    a.send('b', heartbeat(1));
    expect(await arrival).toEqual({ from: 'a', message: heartbeat(1) });
  });

  it('sends what was handed over while it was connecting', async () => {
    const b = await start('b');
    const a = await start('a');
    const arrival = first(b.messages);
    a.setPeers(new Map([['b', b.address ?? '']]));
    a.send('b', heartbeat(7));
    expect((await arrival).message).toEqual(heartbeat(7));
  });
});

describe('a peer that does not read', () => {
  const bulk = (number: number) => appendOf(sampleEntries(number * 100, 16, 64 << 10), number);

  it('costs a bounded queue; what comes on top is counted; heartbeats overtake what waits, an append that asks whether others arrived does not', async () => {
    let finish: () => void = () => undefined;
    const heard = new Promise<void>((resolve) => { finish = resolve; });
    const { server, address } = await serve('b', (socket) => { socket.pause(); });
    const a = await start('a', { maxQueueBytes: 4 << 20, handshakeTimeoutMs: 60_000 });
    let dropped = 0;
    a.drops.subscribe((count) => { dropped += count; });
    a.setPeers(new Map([['b', address]]));
    await first(a.connections, isUp);
    for (let number = 1; number <= 64; number += 1) {
      a.send('b', bulk(number));
      if (number % 4 === 0) { // let the kernel take what it will
        a.flush();
        await new Promise(setImmediate);
      }
    }
    a.send('b', appendOf([], 65));
    a.send('b', heartbeat(1));
    a.flush();
    expect(dropped).toBeGreaterThan(0);
    const [socket] = server.sockets;
    if (socket === undefined) throw new Error('nobody connected');
    server.serve(socket, () => { if (server.received.length === 66 - dropped) finish(); });
    socket.resume();
    await heard;
    const kinds = server.received.map(({ type }) => type);
    expect(kinds.filter((type) => type === 'heartbeat')).toHaveLength(1);
    expect(kinds.length - 1 - kinds.indexOf('heartbeat')).toBeGreaterThanOrEqual(3); // four mebibytes hold three of these and their envelopes
    const rounds = server.received.flatMap((message) => (message.type === 'append' ? [message.round] : []));
    expect(rounds).toEqual([...rounds].sort((x, y) => x - y));
    expect(rounds.at(-1)).toBe(65);
  });

  it('does not keep stop from ending', async () => {
    const { address } = await serve('b', (socket) => { socket.pause(); });
    const a = await start('a');
    a.setPeers(new Map([['b', address]]));
    await first(a.connections, isUp);
    for (let number = 1; number <= 20; number += 1) a.send('b', bulk(number));
    await a.stop();
  });
});

describe('sending', () => {
  it('drops and counts a message that is over the frame bound', async () => {
    const b = await start('b');
    const a = await start('a', { maxFrameBytes: 2000 });
    a.setPeers(new Map([['b', b.address ?? '']]));
    await first(a.connections, isUp);
    const [drop, arrival] = [first(a.drops), first(b.messages)];
    a.send('b', appendOf(sampleEntries(1, 1, 3000)));
    a.send('b', heartbeat(1));
    expect(await drop).toBe(1);
    expect((await arrival).message).toEqual(heartbeat(1));
  });

  it('leaves no socket, server or timer behind when stopped', async () => {
    const held = (): string[] => process.getActiveResourcesInfo().filter((kind) => /TCP|Timeout/.test(kind)).sort();
    const before = held();
    const [a, b] = [await start('a'), await start('b')];
    const up = first(a.connections, isUp);
    a.setPeers(new Map([['b', b.address ?? ''], ['gone', '127.0.0.1:1']]));
    await up;
    const [guest, stranger] = [await greetRaw(b.address, { to: 'b' }), await dialRaw(b.address)];
    const closed = Promise.all([once(guest.resume(), 'close'), once(stranger.resume(), 'close')]);
    await Promise.all([a.stop(), b.stop(), closed]);
    await new Promise(setImmediate);
    expect(held().length).toBeLessThanOrEqual(before.length);
  });
});

describe('S79 a flood of connections', () => {
  it('is bounded, is reported once, and keeps no peer out', async () => {
    const a = await start('a', { maxConnections: 8, handshakeTimeoutMs: 60_000 });
    const rejections: Rejection[] = [];
    const received: Inbound[] = [];
    a.rejections.subscribe((rejection) => rejections.push(rejection));
    a.messages.subscribe((inbound) => received.push(inbound));
    const b = await start('b');
    a.setPeers(new Map([['b', b.address ?? '']]));
    b.setPeers(new Map([['a', a.address ?? '']]));
    await first(b.connections, isUp);
    const flood = await Promise.all(Array.from({ length: 50 }, () => dialRaw(a.address)));
    const closed = flood.map((socket) => once(socket.resume(), 'close'));
    await Promise.all(closed.slice(0, 43)); // seven places are left beside b's
    expect(rejections).toEqual([{ from: null, reason: 'more than 8 connections' }]);
    const arrival = first(a.messages, ({ from }) => from === 'b');
    b.send('a', heartbeat(1));
    expect((await arrival).message).toEqual(heartbeat(1));
    for (const socket of flood) socket.destroy();
    await Promise.all(closed);
  });

  it('by guests makes room for a newcomer, and never at the cost of a peer', async () => {
    const a = await start('a', { maxConnections: 2 });
    const b = await start('b');
    a.setPeers(new Map([['b', b.address ?? '']]));
    b.setPeers(new Map([['a', a.address ?? '']]));
    await first(b.connections, isUp);
    const one = await greetRaw(a.address, { from: 'one' });
    const gone = once(one.resume(), 'close');
    const two = await greetRaw(a.address, { from: 'two' });
    await gone;
    const arrival = first(a.messages, ({ from }) => from === 'two');
    two.write(messageFrame(heartbeat(1)));
    await arrival;
    two.destroy();
    const fromPeer = first(a.messages, ({ from }) => from === 'b');
    b.send('a', heartbeat(2));
    await fromPeer;
  });
});
