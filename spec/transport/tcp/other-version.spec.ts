import { once } from 'node:events';
import { TcpTransport } from '../../../lib/transport/tcp.js';
import { encodeGreeting } from '../../../lib/transport/tcp/greeting.js';
import { dialRaw, first, RawServer } from './raw-peer.js';

/** A build that speaks version 7 of the protocol. */
function newer(greeting: Buffer): Buffer {
  greeting[4] = 7;
  return greeting;
}

describe('a peer that speaks another version of the protocol', () => {
  let a: TcpTransport;

  beforeEach(async () => {
    a = new TcpTransport({ listen: '127.0.0.1:0' });
    await a.start({ clusterId: 'test', nodeId: 'a' });
  });

  afterEach(() => a.stop());

  it('and is dialled is reported with both versions', async () => {
    const server = new RawServer('b', () => undefined, newer);
    const down = first(a.connections, ({ up }) => !up);
    a.setPeers(new Map([['b', await server.listen()]]));
    expect(await down).toEqual({ peer: 'b', up: false, error: 'protocol version 7; this build speaks 2' });
    await server.close();
  });

  it('and dials is told which version this one speaks, and let go', async () => {
    const rejection = first(a.rejections);
    const socket = await dialRaw(a.address);
    const answer = once(socket, 'data');
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.write(newer(encodeGreeting({ clusterId: 'test', from: 'b', to: 'a', refusal: '' })));
    expect(((await answer) as Buffer[])[0]?.toString('latin1')).toBe('RXRF\x02\0\0');
    expect(await rejection).toEqual({ from: null, reason: 'protocol version 7; this build speaks 2' });
    await closed;
  });
});
