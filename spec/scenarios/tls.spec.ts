import { once } from 'node:events';
import type net from 'node:net';
import tls from 'node:tls';
import type { Rejection } from '../../lib/ports/transport.js';
import { encodeGreeting, readGreeting } from '../../lib/transport/tcp/greeting.js';
import { parseAddress } from '../../lib/transport/tcp/options.js';
import { TcpTransport, type TcpTransportOptions, type TlsOptions, type TlsSource } from '../../lib/transport/tcp.js';
import { Authority, type Issued } from '../support/certificates.js';
import { defined } from '../support/defined.js';
import { dialRaw, first, frame, heartbeat, messageFrame } from '../transport/tcp/raw-peer.js';

const CLUSTER = 'test';
const authority = new Authority('the cluster');
const foreign = new Authority('somebody else');
const twin = new Authority('the cluster'); // the same name, another key

const started: TcpTransport[] = [];
const sockets: net.Socket[] = [];
const servers: net.Server[] = [];

async function start(id: string, source: TlsSource | null, options: Partial<TcpTransportOptions> = {}): Promise<TcpTransport> {
  const transport = new TcpTransport({ listen: '127.0.0.1:0', reconnectMinMs: 5, reconnectMaxMs: 20, ...(source === null ? {} : { tls: source }), ...options });
  await transport.start({ clusterId: CLUSTER, nodeId: id });
  started.push(transport);
  return transport;
}

const startNode = (id: string, options: Partial<TcpTransportOptions> = {}): Promise<TcpTransport> => start(id, authority.node(CLUSTER, id), options);

/** A hand-made client; without options one that shows no certificate. It trusts whatever it finds. */
async function dialTls(address: string | null, options: tls.ConnectionOptions = {}): Promise<tls.TLSSocket> {
  const socket = tls.connect({ ...defined(parseAddress(address ?? '')), ...options, rejectUnauthorized: false });
  sockets.push(socket);
  socket.on('error', () => undefined);
  await once(socket, 'secureConnect');
  return socket;
}

/** Greets as `from`; resolves with the refusal that is answered. */
async function greet(socket: net.Socket, from: string, to = 'a'): Promise<string> {
  socket.write(encodeGreeting({ clusterId: CLUSTER, from, to, refusal: '' }));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return defined(readGreeting(answer)).greeting.refusal;
}

/** What `dialler` says when its connection to a peer at `address` fails for the first time. */
async function failureOf(dialler: TcpTransport, peer: string, address: string | null): Promise<string> {
  const down = first(dialler.connections, (change) => change.peer === peer && !change.up);
  dialler.setPeers(new Map([[peer, address ?? '']]));
  return (await down).error;
}

afterEach(async () => {
  for (const transport of started.splice(0)) await transport.stop();
  for (const socket of sockets.splice(0)) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

describe('S77 who calls is refused', () => {
  let a: TcpTransport;
  let b: TcpTransport;
  beforeEach(async () => {
    [a, b] = [await startNode('a', { maxFrameBytes: 1 << 20 }), await startNode('b')];
    const up = first(b.connections, (change) => change.up);
    b.setPeers(new Map([['a', a.address ?? '']]));
    await up;
  });
  afterEach(async () => {
    const arrival = first(a.messages, ({ from }) => from === 'b');
    b.send('a', heartbeat(1));
    await arrival; // only the other connection was closed
  });

  const cases: readonly (readonly [string, () => tls.ConnectionOptions, string, string])[] = [
    ['without a certificate', () => ({}), 'b', 'it shows no certificate'],
    ['with a certificate of another authority', () => foreign.node(CLUSTER, 'b'), 'b', 'the certificate is not accepted: self signed cert in chain'],
    ['with a certificate of an authority of the same name', () => twin.node(CLUSTER, 'b'), 'b', 'the certificate is not accepted: cert signature failure'],
    ['with a certificate that has expired', () => authority.issue({ name: 'b', uris: ['rxraft://test/b'], validUntil: new Date(Date.now() - 1000) }), 'b', 'the certificate is not accepted: cert has expired'],
    ['with a certificate that is not valid yet', () => authority.issue({ name: 'b', uris: ['rxraft://test/b'], validFrom: new Date(Date.now() + 600_000) }), 'b', 'the certificate is not accepted: cert not yet valid'],
    ['under the name of another node', () => authority.node(CLUSTER, 'c'), 'b', 'the certificate does not name rxraft://test/b, but URI:rxraft://test/c'],
    ['under a name that its own begins with', () => authority.node(CLUSTER, 'bb'), 'b', 'the certificate does not name rxraft://test/b, but URI:rxraft://test/bb'],
    ['with the certificate of another cluster', () => authority.node('other', 'b'), 'b', 'the certificate does not name rxraft://test/b, but URI:rxraft://other/b'],
    ['with a common name alone', () => authority.issue({ name: 'b' }), 'b', 'the certificate does not name rxraft://test/b, but nothing'],
    ['with the URI as a common name', () => authority.issue({ name: 'rxraft://test/b' }), 'b', 'the certificate does not name rxraft://test/b, but nothing'],
    ['with a host name alone', () => authority.issue({ name: 'b', hosts: ['b', 'localhost'] }), 'b', 'the certificate does not name rxraft://test/b, but DNS:b, DNS:localhost'],
    ['with a host name that looks like several names', () => authority.issue({ name: 'c', hosts: ['x, URI:rxraft://test/b, DNS:y'] }), 'b', 'the certificate does not name rxraft://test/b, but DNS:(quoted)'],
    ['with a URI that looks like several names', () => authority.issue({ name: 'c', uris: ['x:y", URI:rxraft://test/b, URI:z"'] }), 'b', 'the certificate does not name rxraft://test/b, but URI:(quoted)'],
  ];
  it.each(cases)('%s, and told why; the connection closes', async (_name, options, claimed, reason) => {
    const rejection = first(a.rejections);
    const socket = await dialTls(a.address, options());
    const closed = once(socket, 'close');
    expect(await greet(socket, claimed)).toBe(reason);
    expect(await rejection).toEqual({ from: claimed, reason });
    await closed;
  });

  it('before anything after the greeting is read', async () => {
    const heard: string[] = [];
    a.messages.subscribe(({ from }) => heard.push(from));
    const rejection = first(a.rejections);
    const socket = await dialTls(a.address, foreign.node(CLUSTER, 'c'));
    const closed = once(socket.resume(), 'close');
    socket.write(Buffer.concat([encodeGreeting({ clusterId: CLUSTER, from: 'c', to: 'a', refusal: '' }), messageFrame(heartbeat(1))]));
    await Promise.all([rejection, closed]);
    expect(heard).toEqual([]);
  });

  it('and let in with the right one, under any of the names in it; what it then sends is bounded as ever', async () => {
    const socket = await dialTls(a.address, authority.node(CLUSTER, 'c', 'd'));
    expect(await greet(socket, 'd')).toBe('');
    const arrival = first(a.messages, ({ from }) => from === 'd');
    socket.write(messageFrame(heartbeat(1)));
    await arrival;
    const rejection = first(a.rejections);
    const closed = once(socket.resume(), 'close');
    socket.write(frame(new Uint8Array(10), (1 << 20) + 1));
    await closed;
    expect((await rejection).reason).toMatch(/^frame of 1048577 bytes/);
  });

  it('when it speaks no TLS', async () => {
    const rejection = first(a.rejections);
    const plain = await start('c', null);
    expect(await failureOf(plain, 'a', a.address)).toMatch(/^(closed before the greeting; the peer may require TLS|read ECONNRESET)$/);
    expect(await rejection).toEqual({ from: null, reason: 'a connection without TLS; this node requires it' });
  });

  it('when it speaks an old version of TLS', async () => {
    const rejection = first(a.rejections);
    await expect(dialTls(a.address, { ...authority.node(CLUSTER, 'c'), maxVersion: 'TLSv1.2' })).rejects.toThrow(/protocol version/);
    expect(await rejection).toEqual({ from: null, reason: 'the TLS handshake failed: unsupported protocol' });
  });

  it('when it speaks garbage', async () => {
    const rejection = first(a.rejections);
    const socket = await dialRaw(a.address);
    const closed = once(socket.resume(), 'close');
    socket.write(Buffer.from('16030100ff' + 'ee'.repeat(300), 'hex'));
    await closed;
    expect((await rejection).reason).toMatch(/^the TLS handshake failed: /);
  });

  it('when it ends within the handshake; when it has said nothing, that is no news', async () => {
    const rejections: Rejection[] = [];
    a.rejections.subscribe((rejection) => rejections.push(rejection));
    for (const bytes of [new Uint8Array(), Buffer.from('1603010100', 'hex')]) {
      const socket = await dialRaw(a.address);
      const closed = once(socket.resume(), 'close');
      socket.end(bytes);
      await closed;
    }
    if (rejections.length === 0) await first(a.rejections);
    expect(rejections).toEqual([{ from: null, reason: 'closed during the TLS handshake' }]);
  });

  it('and gets no session to come back with: every connection proves itself anew', async () => {
    const options = authority.node(CLUSTER, 'c');
    const socket = await dialTls(a.address, options);
    const session = new Promise<Buffer>((resolve) => socket.once('session', resolve));
    expect(await greet(socket, 'c')).toBe('');
    const again = await dialTls(a.address, { ...options, session: await session });
    expect(again.isSessionReused()).toBe(false);
  });
});

describe('S77 who is called is refused', () => {
  const cases: readonly (readonly [string, () => tls.TlsOptions, string])[] = [
    ['by a certificate of another authority', () => foreign.node(CLUSTER, 'b'), 'self-signed certificate in certificate chain'],
    ['by the certificate of another node', () => authority.node(CLUSTER, 'c'), 'the certificate does not name rxraft://test/b, but URI:rxraft://test/c'],
    ['by a host name alone', () => authority.issue({ name: 'b', hosts: ['localhost'] }), 'the certificate does not name rxraft://test/b, but DNS:localhost'],
    ['by a certificate that has expired', () => authority.issue({ name: 'b', uris: ['rxraft://test/b'], validUntil: new Date(Date.now() - 1000) }), 'certificate has expired'],
  ];
  it.each(cases)('%s; it learns nothing', async (_name, options, reason) => {
    let heardBytes = 0;
    const server = tls.createServer(options(), (socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined).on('data', (chunk: Buffer) => { heardBytes += chunk.length; });
    });
    servers.push(server.on('connection', (socket: net.Socket) => sockets.push(socket)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const a = await startNode('a');
    expect(await failureOf(a, 'b', `127.0.0.1:${(server.address() as net.AddressInfo).port}`)).toBe(reason);
    expect(heardBytes).toBe(0);
  });

  it('by silence when it speaks no TLS, and says why itself', async () => {
    const plain = await start('b', null);
    const rejection = first(plain.rejections);
    const a = await startNode('a');
    expect(await failureOf(a, 'b', plain.address)).toMatch(/before secure TLS connection was established|ECONNRESET/);
    expect(await rejection).toEqual({ from: null, reason: 'a TLS connection; this node does not use TLS' });
  });

  it('by another node of the cluster that sits at its address', async () => {
    const c = await startNode('c');
    const a = await startNode('a');
    expect(await failureOf(a, 'b', c.address)).toBe('the certificate does not name rxraft://test/b, but URI:rxraft://test/c');
  });

  it('and its own refusal is heard', async () => {
    const b = await startNode('b');
    const stranger = await start('a', { ...foreign.node(CLUSTER, 'a'), ca: [authority.pem, foreign.pem] });
    expect(await failureOf(stranger, 'b', b.address)).toBe('refused by the peer: the certificate is not accepted: self signed cert in chain');
  });
});

describe('S79 a flood of TLS handshakes', () => {
  it('is bounded with the other connections, is reported once, and keeps no peer out', async () => {
    const a = await startNode('a', { maxConnections: 8, handshakeTimeoutMs: 60_000 });
    const rejections: Rejection[] = [];
    a.rejections.subscribe((rejection) => rejections.push(rejection));
    const b = await startNode('b');
    a.setPeers(new Map([['b', b.address ?? '']]));
    b.setPeers(new Map([['a', a.address ?? '']]));
    await first(b.connections, (change) => change.up);
    const flood = await Promise.all(Array.from({ length: 50 }, () => dialRaw(a.address)));
    const closed = flood.map((socket) => once(socket.resume(), 'close'));
    await Promise.all(closed.slice(0, 43)); // seven places are left beside b's
    expect(rejections).toEqual([{ from: null, reason: 'more than 8 connections' }]);
    const arrival = first(a.messages, ({ from }) => from === 'b');
    b.send('a', heartbeat(1));
    await arrival;
    for (const socket of flood) socket.destroy();
    await Promise.all(closed);
  });

  it('ends by itself: nobody may take all day for a handshake', async () => {
    const a = await startNode('a', { handshakeTimeoutMs: 300 });
    const rejection = first(a.rejections);
    const half = await dialRaw(a.address);
    half.write(Buffer.from('1603010100', 'hex'));
    expect(await rejection).toEqual({ from: null, reason: 'no TLS handshake within 300 ms' });
    await once(half.resume(), 'close');
  });
});

describe('certificates', () => {
  it('are taken over without a restart, for connections from then on', async () => {
    let current: TlsOptions = authority.node(CLUSTER, 'a');
    const next = new Authority('the next');
    const a = await start('a', () => current);
    const newcomer = next.node(CLUSTER, 'b');
    expect(await greet(await dialTls(a.address, newcomer), 'b')).toMatch(/^the certificate is not accepted/);
    current = { ...next.node(CLUSTER, 'a'), ca: [authority.pem, next.pem] };
    const b = await start('b', newcomer);
    const up = first(b.connections, (change) => change.up);
    b.setPeers(new Map([['a', a.address ?? '']])); // b trusts the next authority alone
    await up;
  });

  it('that are bad when they are taken over fail connections until they are mended', async () => {
    const good = authority.node(CLUSTER, 'a');
    let current = good;
    const a = await start('a', () => current);
    current = { ...good, key: 'none' };
    const rejection = first(a.rejections);
    await expect(dialTls(a.address, authority.node(CLUSTER, 'b'))).rejects.toThrow();
    expect((await rejection).reason).toMatch(/^key does not fit cert: /);
    const b = await startNode('b');
    expect(await failureOf(a, 'b', b.address)).toMatch(/^key does not fit cert: /);
    current = good;
    const up = first(a.connections, (change) => change.up);
    await up;
  });

  it('of another node fail the start, which may be tried again', async () => {
    let current = authority.node(CLUSTER, 'b');
    const transport = new TcpTransport({ listen: '127.0.0.1:0', tls: () => current });
    started.push(transport);
    await expect(transport.start({ clusterId: CLUSTER, nodeId: 'a' })).rejects.toThrow('the TLS options are not those of this node: the certificate does not name rxraft://test/a, but URI:rxraft://test/b');
    current = authority.node(CLUSTER, 'a');
    await transport.start({ clusterId: CLUSTER, nodeId: 'a' });
  });

  const bad: readonly (readonly [string, (good: Issued) => Partial<TlsOptions>, string])[] = [
    ['whose authority is missing, rather than trust those of the system', () => ({ ca: [] }), 'ca is missing'],
    ['whose authority is no PEM', () => ({ ca: './ca.pem' }), 'ca is no certificate in PEM'],
    ['one of whose authorities is no PEM', ({ ca }) => ({ ca: [ca, 'x'] }), 'ca is no certificate in PEM'],
    ['that are none', () => ({ cert: '' }), 'cert is no certificate in PEM'],
    ['with the key of another', () => ({ key: authority.node(CLUSTER, 'b').key }), 'key does not fit cert: '],
    ['that could sign others', () => ({ cert: authority.pem }), 'cert is that of an authority (CA:TRUE)'],
  ];
  it.each(bad)('%s are refused at construction, without showing the key', (_name, change, reason) => {
    const options = { ...authority.node(CLUSTER, 'a'), ...change(authority.node(CLUSTER, 'a')) };
    const construct = (): TcpTransport => new TcpTransport({ listen: '127.0.0.1:0', tls: options });
    expect(construct).toThrow(`tls is "${reason}`);
    expect(construct).not.toThrow('PRIVATE');
  });
});
