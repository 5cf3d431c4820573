import { once } from 'node:events';
import type { ConnectionChange } from '../../../lib/ports/transport.js';
import { TcpTransport, type TcpTransportOptions } from '../../../lib/transport/tcp.js';
import { first, greetRaw, heartbeat, messageFrame } from './raw-peer.js';

const started: TcpTransport[] = [];

async function start(id: string, options: Partial<TcpTransportOptions> = {}): Promise<TcpTransport> {
  const transport = new TcpTransport({ listen: '127.0.0.1:0', ...options });
  await transport.start({ clusterId: 'test', nodeId: id });
  started.push(transport);
  return transport;
}

afterEach(async () => {
  for (const transport of started.splice(0)) await transport.stop();
});

describe('S79 connections under one name', () => {
  it('leave the newest connection when the older one is silent', async () => {
    const a = await start('a', { pingIntervalMs: 20, maxSilentIntervals: 1000 });
    const one = await greetRaw(a.address);
    const gone = once(one.resume(), 'close');
    const two = await greetRaw(a.address);
    await gone;
    const arrival = first(a.messages);
    two.write(messageFrame(heartbeat(1)));
    expect((await arrival).from).toBe('peer');
    two.destroy();
  });

  it('do not wait when the older one closes', async () => {
    const a = await start('a', { pingIntervalMs: 3_600_000, handshakeTimeoutMs: 3_600_000 });
    const one = await greetRaw(a.address);
    const probed = new Promise((resolve) => one.once('data', resolve));
    const two = greetRaw(a.address);
    await probed;
    one.destroy();
    const arrival = first(a.messages);
    (await two).write(messageFrame(heartbeat(1)));
    await arrival;
    (await two).destroy();
  });

  it('are refused while the peer of that name is alive, however often they come, and it stays', async () => {
    const patient = { pingIntervalMs: 3_600_000, handshakeTimeoutMs: 3_600_000 };
    const [a, b] = [await start('a', patient), await start('b', patient)];
    a.setPeers(new Map([['b', b.address ?? '']]));
    const up = first(b.connections, ({ up: isConnected }) => isConnected);
    b.setPeers(new Map([['a', a.address ?? '']]));
    await up;
    const changes: ConnectionChange[] = [];
    b.connections.subscribe((change) => changes.push(change));
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      const rejection = first(a.rejections);
      const impostor = await greetRaw(a.address, { from: 'b' });
      expect(await rejection).toEqual({ from: 'b', reason: 'another connection under this id is alive' });
      impostor.destroy();
    }
    const arrival = first(a.messages);
    b.send('a', heartbeat(1));
    expect(await arrival).toEqual({ from: 'b', message: heartbeat(1) });
    expect(changes).toEqual([]);
  });

  it('make no queue: a third is refused while the second waits', async () => {
    const a = await start('a', { pingIntervalMs: 3_600_000, handshakeTimeoutMs: 3_600_000 });
    const one = await greetRaw(a.address);
    const probed = new Promise((resolve) => one.once('data', resolve));
    const two = greetRaw(a.address);
    await probed;
    const rejection = first(a.rejections);
    const three = await greetRaw(a.address);
    expect(await rejection).toEqual({ from: 'peer', reason: 'another connection under this id is being examined' });
    one.destroy();
    for (const socket of [await two, three]) socket.destroy();
  });
});
