import type { CallSignal } from '../../lib/ports/call-signal.js';
import { eventually, HttpFixture } from '../support/http-fixture.js';

/** Scenario 78: clients that hold connections, or flood them, are bounded in number, time and what they leave behind. */
describe('S78 connections that are held, flooded or left', () => {
  let http: HttpFixture;
  const open = async (...limits: Parameters<typeof HttpFixture.open>): Promise<void> => {
    http = await HttpFixture.open(...limits);
  };

  afterEach(async () => {
    expect(http.errors).toEqual([]);
    await http.close();
    await eventually(() => http.service.load.connections === 0);
    expect(http.service.load).toEqual({ connections: 0, requests: 0, bodyBytes: 0, eventStreams: 0 });
  });

  it('S78 a connection on which nothing is said is closed', async () => {
    await open({ headersTimeoutMs: 30 });
    await http.raw('').closed();
  });

  it('S78 headers that drip without an end are no way to hold a connection', async () => {
    await open({ headersTimeoutMs: 30 });
    const client = http.raw('GET /kv/a HTTP/1.1\r\nHost: x\r\nX-Slow: ');
    const drip = (): void => {
      if (!client.isClosed) client.socket.write('y', () => setImmediate(drip));
    };
    drip();
    await client.closed();
  });

  it('S78 a connection that idles after its request is closed', async () => {
    await open({ keepAliveTimeoutMs: 20 });
    expect(await http.raw('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n').closed()).toMatch(/^HTTP\/1.1 200 /);
  });

  it('S78 a request for nothing but a value, with a body that never ends, is answered and then cut off', async () => {
    await open({ headersTimeoutMs: 30, bodyTimeoutMs: 30 });
    const client = http.raw('GET /kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    const drip = (): void => {
      if (!client.isClosed) client.socket.write('1\r\ny\r\n', () => setImmediate(drip));
    };
    drip();
    expect(await client.closed()).toContain('404 Not Found');
  });

  it('S78 more connections than the bound are closed at once', async () => {
    await open({ maxConnections: 1 });
    const first = http.raw('GET /kv/a HTTP/1.1\r\nHost: x\r\n\r\n');
    await first.saw('404');
    expect(await http.raw('GET /kv/a HTTP/1.1\r\nHost: x\r\n\r\n').closed()).toBe('');
  });

  it('S78 a flood of connections is closed on arrival, hinders none that is open, and leaves room afterwards', async () => {
    await open({ maxConnections: 3 });
    const first = http.raw('GET /kv/a HTTP/1.1\r\nHost: x\r\n\r\n');
    await first.saw('404');
    const flood = Array.from({ length: 200 }, () => http.raw(''));
    await eventually(() => flood.filter(({ isClosed }) => isClosed).length === 198);
    expect(http.service.load.connections).toBe(3);
    first.received = '';
    first.socket.write('GET /kv/a HTTP/1.1\r\nHost: x\r\n\r\n');
    await first.saw('404');
    for (const { socket } of flood) socket.destroy();
    await eventually(() => http.service.load.connections === 1);
    expect((await http.send('GET', '/healthz')).status).toBe(200);
  });

  it('S78 requests sent ahead on one connection are held to the same bound, and the rest of them is not read while nothing is taken', async () => {
    await open({ maxInFlight: 2 });
    http.node.hangs = true;
    const client = http.raw('');
    client.socket.pause();
    const request = 'GET /kv/a HTTP/1.1\r\nHost: x\r\n\r\n';
    const sent = 20_000;
    client.socket.write(request.repeat(sent));
    await eventually(() => http.node.pending === 2 && http.service.load.requests > 2);
    await eventually(() => isSteady(http.service.load.requests));
    expect(http.service.load.requests).toBeLessThan(sent / 2);
    await http.service.close(10); // as its calls never end, nothing would tell it that the client has gone
  });

  it('S78 what was sent ahead is forgotten with its connection: calls end, and event streams make room', async () => {
    await open({ maxEventStreams: 2 });
    http.node.hangs = true;
    const client = http.raw('');
    client.socket.write('GET /kv/a HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3) + 'GET /events HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(2));
    await eventually(() => http.node.pending === 3 && http.service.load.eventStreams === 2);
    client.socket.destroy();
    await eventually(() => http.node.pending === 0 && http.service.load.eventStreams === 0 && http.service.load.requests === 0);
  });

  it('S78 many requests sent ahead on one connection end with it', async () => {
    await open();
    http.node.hangs = true;
    const signals = new Set<CallSignal>();
    const propose = http.node.propose.bind(http.node);
    http.node.propose = (command, options) => {
      if (options?.signal !== undefined) signals.add(options.signal);
      return propose(command, options);
    };
    const client = http.raw('PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx'.repeat(30));
    await eventually(() => http.node.pending === 30);
    client.socket.destroy();
    await eventually(() => http.node.pending === 0 && http.service.load.requests === 0 && http.service.load.bodyBytes === 0);
    expect(signals.size).toBe(1); // the connection's
  });

  it('S78 headers that never end are answered with 408', async () => {
    await open({ headersTimeoutMs: 30 });
    const answer = await http.raw('GET /kv/a HTTP/1.1\r\nHost: x\r\nX-Slow: ').closed();
    expect(answer).toMatch(/^HTTP\/1.1 408 [^]*"slow_client"/);
  });

  it('S78 a body that never ends is answered with 408, and the connection closes', async () => {
    await open({ bodyTimeoutMs: 30 });
    const answer = await http.raw('PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc').closed();
    expect(answer).toMatch(/^HTTP\/1.1 408 [^]*"slow_client"/);
    expect(answer.toLowerCase()).toContain('connection: close');
  });

  it('S78 a client that goes away in the middle of its body leaves nothing', async () => {
    await open();
    const client = http.raw('PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc');
    await eventually(() => http.service.load.bodyBytes === 10);
    client.socket.destroy();
    await eventually(() => http.service.load.bodyBytes === 0 && http.service.load.requests === 0);
  });
});

/** A count that did not change in so many rounds of the event loop. */
function steadiness(): (count: number) => boolean {
  let [last, rounds] = [-1, 0];
  return (count) => {
    rounds = count === last ? rounds + 1 : 0;
    last = count;
    return rounds > 500;
  };
}
const isSteady = steadiness();
