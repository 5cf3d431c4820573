import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Network } from '../../lib/cli/chaos/network.js';
import { findFree } from '../../lib/cli/cluster/ports.js';
import { FRAME_HEADER_BYTES, FRAME_TYPE, sealFrame } from '../../lib/transport/tcp/frame.js';
import { FrameReader } from '../../lib/transport/tcp/frame-reader.js';
import { encodeGreeting } from '../../lib/transport/tcp/greeting.js';
import { defined } from '../support/defined.js';

const GREETING = encodeGreeting({ clusterId: 'c', from: 'a', to: 'b', refusal: '' });

function frame(text: string): Buffer {
  const bytes = Buffer.alloc(FRAME_HEADER_BYTES + text.length);
  bytes.write(text, FRAME_HEADER_BYTES);
  sealFrame([bytes], bytes.length, FRAME_TYPE.message);
  return bytes;
}

/** One end of a connection, with all that came. */
class End {
  received: Buffer = Buffer.alloc(0);
  isClosed = false;
  errorCode: string | null = null;
  firstAtMs: number | null = null;
  lastAtMs = 0;

  constructor(readonly socket: Socket) {
    socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.lastAtMs = performance.now();
      this.firstAtMs ??= this.lastAtMs;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => (this.errorCode = error.code ?? ''));
    socket.on('close', () => (this.isClosed = true));
  }
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A round trip through the system's sockets that has nothing to do with the proxy, a few times: what could come has come. */
async function settled(): Promise<void> {
  for (let i = 0; i < 20; i += 1) {
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await new Promise((resolve) => connect((server.address() as AddressInfo).port, '127.0.0.1').resume().on('close', resolve));
    await new Promise((resolve) => server.close(resolve));
  }
}

describe('the network between the processes', () => {
  let network: Network;
  let random: number;
  let server: Server;
  let proxyPort: number;
  const accepted: End[] = [];
  const dialled: End[] = [];

  beforeEach(async () => {
    random = 0.5;
    network = new Network(() => random);
    server = createServer((socket) => accepted.push(new End(socket)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    proxyPort = defined((await findFree(1))[0]);
    await network.add('b', proxyPort, (server.address() as AddressInfo).port);
  });

  afterEach(async () => {
    await network.close();
    for (const { socket } of [...accepted.splice(0), ...dialled.splice(0)]) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  /** A connection from a to b, greeted, through the proxy. */
  async function join(): Promise<{ readonly a: End; readonly b: End }> {
    const before = accepted.length;
    const a = new End(connect(proxyPort, '127.0.0.1'));
    dialled.push(a);
    a.socket.write(GREETING);
    await until(() => accepted.length > before);
    const b = defined(accepted.at(-1));
    await until(() => b.received.length === GREETING.length);
    b.received = Buffer.alloc(0);
    b.firstAtMs = null;
    return { a, b };
  }

  it('carries bytes both ways and the end of a connection', async () => {
    const { a, b } = await join();
    a.socket.write(frame('there'));
    b.socket.write('back');
    await until(() => b.received.length > 0 && a.received.length > 0);
    expect([b.received, a.received.toString()]).toEqual([frame('there'), 'back']);
    a.socket.end();
    await until(() => b.isClosed);
    expect(b.errorCode).toBeNull();
  });

  it('lets no one through who does not greet', async () => {
    const a = new End(connect(proxyPort, '127.0.0.1'));
    dialled.push(a);
    a.socket.write(Buffer.alloc(4096, 'x'));
    await until(() => a.isClosed);
    expect(accepted).toEqual([]);
  });

  it('swallows what is sent into a cut, and resets the connection afterwards', async () => {
    const { a, b } = await join();
    network.between(['a'], ['b'], { type: 'cut' });
    a.socket.write(frame('lost'));
    b.socket.write('lost');
    await settled();
    expect([a.received.length, b.received.length, a.isClosed, b.isClosed]).toEqual([0, 0, false, false]);
    network.heal();
    await until(() => a.isClosed && b.isClosed);
    expect([a.received.length, b.received.length]).toEqual([0, 0]);
  });

  it('hides the end of a connection behind a cut', async () => {
    const { a, b } = await join();
    network.between(['a'], ['b'], { type: 'cut' });
    a.socket.destroy();
    await settled();
    expect(b.isClosed).toBe(false);
    network.heal();
    await until(() => b.isClosed);
  });

  it('keeps new connections out of a cut', async () => {
    network.between(['a'], ['b'], { type: 'cut' });
    const a = new End(connect(proxyPort, '127.0.0.1'));
    dialled.push(a);
    a.socket.write(GREETING);
    await settled();
    expect([a.isClosed, accepted.every(({ received }) => received.length === 0)]).toEqual([false, true]);
    network.heal();
    await until(() => a.isClosed);
  });

  it('cuts one way alone', async () => {
    const { a, b } = await join();
    network.set('a', 'b', { type: 'cut' });
    a.socket.write(frame('lost'));
    b.socket.write('heard');
    await until(() => a.received.length > 0);
    await settled();
    expect([a.received.toString(), b.received.length]).toEqual(['heard', 0]);
  });

  it('leaves other pairs alone', async () => {
    const { a, b } = await join();
    network.between(['c'], ['b'], { type: 'cut' });
    a.socket.write(frame('heard'));
    await until(() => b.received.length > 0);
    expect(b.received).toEqual(frame('heard'));
  });

  it('holds bytes back and delivers all of them later, in order', async () => {
    const { a, b } = await join();
    network.set('a', 'b', { type: 'hold' });
    a.socket.write(frame('one'));
    a.socket.write(frame('two'));
    await settled();
    expect(b.received.length).toBe(0);
    network.heal();
    await until(() => b.received.length === frame('one').length + frame('two').length);
    expect(b.received).toEqual(Buffer.concat([frame('one'), frame('two')]));
  });

  it('delays bytes by no less than it is told, and keeps their order', async () => {
    const { a, b } = await join();
    network.set('a', 'b', { type: 'delay', delayMs: 60, jitterMs: 40 });
    const sentAtMs = performance.now();
    for (let i = 0; i < 10; i += 1) a.socket.write(frame(`${i}`));
    await until(() => b.received.length === 10 * frame('0').length);
    expect(defined(b.firstAtMs) - sentAtMs).toBeGreaterThan(60);
    expect(b.received).toEqual(Buffer.concat(Array.from({ length: 10 }, (_, i) => frame(`${i}`))));
  });

  it('throttles: so many bytes take no less than their time', async () => {
    const { a, b } = await join();
    network.set('a', 'b', { type: 'throttle', bytesPerSecond: 40_000 });
    const sentAtMs = performance.now();
    a.socket.write(frame('x'.repeat(8000 - FRAME_HEADER_BYTES)));
    await until(() => b.received.length === 8000);
    expect(b.lastAtMs - sentAtMs).toBeGreaterThan(8000 / 40);
  });

  it('resets connections, so that both ends see it', async () => {
    const { a, b } = await join();
    expect(network.reset('a', 'b')).toBe(1);
    await until(() => a.isClosed && b.isClosed);
    expect([a.errorCode, b.errorCode]).toEqual(['ECONNRESET', 'ECONNRESET']);
  });

  it.each([0, 0.25, 0.5, 0.75, 0.9999])('flips one bit of what comes next, at %d of its length, which a reader of frames refuses, and nothing else', async (share) => {
    random = share;
    const { a, b } = await join();
    const [before, hit, after] = ['first', 'second', 'third'].map(frame) as [Buffer, Buffer, Buffer];
    a.socket.write(before);
    await until(() => b.received.length === before.length);
    expect(network.damage('a', 'b', 1)).toBe(true);
    a.socket.write(hit);
    await until(() => b.received.length === before.length + hit.length);
    a.socket.write(after);
    await until(() => b.received.length === before.length + hit.length + after.length);

    const bit = Math.floor(share * 8 * hit.length);
    hit[bit >>> 3] = defined(hit[bit >>> 3]) ^ (1 << (bit & 7));
    expect(b.received).toEqual(Buffer.concat([before, hit, after]));
    const reader = new FrameReader(1000);
    reader.push(b.received);
    expect(reader.next()).toBe(true);
    expect(() => reader.next()).toThrow('the checksum');
  });

  it('damages nothing where no connection stands', async () => {
    await join();
    expect([network.damage('c', 'b', 1), network.damage('a', 'c', 1)]).toEqual([false, false]);
  });

  it('counts the connections that each node has opened', async () => {
    expect(network.opened('a', 'b')).toBe(0);
    const { a } = await join();
    expect([network.opened('a', 'b'), network.opened('c', 'b')]).toEqual([1, 0]);
    a.socket.destroy();
    await join();
    expect(network.opened('a', 'b')).toBe(2);
  });
});
