import { once } from 'node:events';
import { get, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { SseParser, type SseMessage } from '../../../lib/cli/sse-parser.js';
import { EventFeed } from '../../../lib/server/http/event-feed.js';
import { EventStream } from '../../../lib/server/http/event-stream.js';
import { FakeKvNode } from '../../support/fake-kv-node.js';
import { eventually, HttpFixture, type RawClient } from '../../support/http-fixture.js';

describe('/events', () => {
  let http: HttpFixture;
  afterEach(() => http.close());
  const subscribe = (path = '/events', headers = ''): RawClient => http.raw(`GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
  const resume = (id: string, path?: string): RawClient => subscribe(path, `Last-Event-ID: ${id}\r\n`);
  const commit = (): void => http.node.emit('CommitAdvanced', { from: 0, to: { index: 1, term: 1 } });
  const lead = (leaderId: string): void => http.node.emit('NewLeader', { leaderId, previousLeaderId: null });

  it('sends each event with its id, its kind and its JSON, from now on', async () => {
    http = await HttpFixture.open();
    commit();
    const client = subscribe();
    await client.saw('retry: 500');
    expect(client.received).toContain('Content-Type: text/event-stream');
    lead('a');
    await client.saw('run-1:2');
    expect(eventsIn(client)).toEqual([{ id: 'run-1:2', event: 'NewLeader', data: expect.objectContaining({ type: 'NewLeader', seq: 2, leaderId: 'a', nodeId: 'a' }) }]);
  });

  it('?since=start sends what is kept first', async () => {
    http = await HttpFixture.open();
    for (let i = 0; i < 3; i += 1) commit();
    const client = subscribe('/events?since=start');
    await client.saw('run-1:3');
    commit();
    await client.saw('run-1:4');
    expect(idsIn(client)).toEqual(['run-1:1', 'run-1:2', 'run-1:3', 'run-1:4']);
  });

  it('Last-Event-ID resumes without a gap or a double', async () => {
    http = await HttpFixture.open();
    for (let i = 0; i < 5; i += 1) commit();
    const client = resume('run-1:2');
    await client.saw('run-1:5');
    commit();
    await client.saw('run-1:6');
    expect(idsIn(client)).toEqual(['run-1:3', 'run-1:4', 'run-1:5', 'run-1:6']);
  });

  it('Last-Event-ID of another run resumes at the beginning of this one', async () => {
    http = await HttpFixture.open();
    for (let i = 0; i < 2; i += 1) commit();
    const client = resume('run-0:700');
    await client.saw('run-1:2');
    expect(idsIn(client)).toEqual(['run-1:1', 'run-1:2']);
  });

  it('Last-Event-ID from the future resumes with what comes next', async () => {
    http = await HttpFixture.open();
    commit();
    const client = resume('run-1:99');
    await client.saw('retry');
    commit();
    await client.saw('run-1:2');
    expect(idsIn(client)).toEqual(['run-1:2']);
  });

  it('what is no longer kept is reported as missed, with its range', async () => {
    http = await HttpFixture.open({ maxBufferedEvents: 4 });
    for (let i = 0; i < 10; i += 1) commit();
    const client = resume('run-1:3');
    await client.saw('run-1:10');
    expect(eventsIn(client)[0]).toEqual({ id: 'run-1:6', event: 'EventsMissed', data: { type: 'EventsMissed', runId: 'run-1', nodeId: 'a', from: 4, to: 6 } });
    expect(idsIn(client).slice(1)).toEqual(['run-1:7', 'run-1:8', 'run-1:9', 'run-1:10']);
  });

  it('?type= leaves out other kinds', async () => {
    http = await HttpFixture.open();
    const client = subscribe('/events?type=NewLeader,LeaderLost&since=start');
    commit();
    lead('b');
    commit();
    http.node.emit('LeaderLost', { previousLeaderId: 'b' });
    await client.saw('LeaderLost');
    expect(idsIn(client)).toEqual(['run-1:2', 'run-1:4']);
  });

  it('a heartbeat keeps the stream open and moves Last-Event-ID past what the filter left out', async () => {
    http = await HttpFixture.open({ heartbeatMs: 5 });
    const client = subscribe('/events?type=NewLeader&since=start');
    commit();
    await client.saw(': heartbeat\nid: run-1:1\n\n');
    expect(eventsIn(client)).toEqual([]);
  });

  it('a client that reads nothing holds no events, is told what it missed, and hinders no one', async () => {
    http = await HttpFixture.open({ maxBufferedEvents: 20 });
    const slow = await follow(http.url('/events'));
    const quick = await follow(http.url('/events'));
    slow.response.pause();
    const padding = 'x'.repeat(100_000);
    for (let i = 1; i <= 400; i += 1) {
      http.node.emit('MessageRejected', { from: null, reason: padding });
      if (i % 10 === 0) await quick.reached(i);
    }
    expect(quick.messages.map(({ id }) => Number(id.slice(6)))).toEqual(range(1, 400));
    slow.response.resume();
    await slow.reached(400);
    expect(slow.messages.length).toBeLessThan(400);
    // Together, what came and what was missed leave no gap.
    const covered = slow.messages.flatMap(({ event, id, data }) => {
      const { from, to } = JSON.parse(data) as { from: number; to: number };
      return event === 'EventsMissed' ? range(from, to) : [Number(id.slice(6))];
    });
    expect(covered).toEqual(range(1, 400));
    slow.response.destroy();
    quick.response.destroy();
  });

  it('a client that takes nothing for too long is dropped', async () => {
    http = await HttpFixture.open({ streamStallMs: 20 });
    const client = subscribe();
    await client.saw('retry');
    client.socket.pause();
    const padding = 'x'.repeat(100_000);
    for (let i = 0; i < 400; i += 1) http.node.emit('MessageRejected', { from: null, reason: padding });
    await eventually(() => http.service.load.eventStreams === 0);
  });

  it('no more streams are opened than the bound', async () => {
    http = await HttpFixture.open({ maxEventStreams: 1 });
    await subscribe().saw('retry');
    expect((await http.send('GET', '/events')).status).toBe(503);
  });

  it('a stream that its client left is forgotten', async () => {
    http = await HttpFixture.open();
    const client = subscribe();
    await client.saw('retry');
    expect(http.service.load.eventStreams).toBe(1);
    client.socket.destroy();
    await eventually(() => http.service.load.eventStreams === 0);
    commit();
  });

  it('the node’s last event is sent before the stream ends', async () => {
    http = await HttpFixture.open();
    const client = subscribe();
    await client.saw('retry');
    http.node.emit('NodeStopped', { reason: 'requested' });
    await http.node.stop();
    expect(await client.closed()).toContain('event: NodeStopped');
  });

  it('close sends what there is, then ends the streams', async () => {
    http = await HttpFixture.open();
    const client = subscribe();
    await client.saw('retry');
    commit();
    await http.service.close(5000);
    expect(await client.closed()).toContain('run-1:1');
  });

  it('a second run of the node is followed from its first event', async () => {
    http = await HttpFixture.open();
    const client = subscribe();
    await client.saw('retry');
    commit();
    await client.saw('run-1:1');
    http.node.runId = 'run-2';
    http.node.seq = 0;
    commit();
    commit();
    await client.saw('run-2:2');
    expect(idsIn(client)).toEqual(['run-1:1', 'run-2:1', 'run-2:2']);
  });
});

describe('EventStream', () => {
  it('sends no heartbeat to a client that takes nothing, and drops it', async () => {
    const socket = Object.assign(new Duplex({ read: () => undefined, write: () => undefined, writableHighWaterMark: 200 }), { setTimeout: () => undefined });
    const outgoing = new ServerResponse(new IncomingMessage(socket as unknown as Socket));
    outgoing.assignSocket(socket as unknown as Socket);
    const feed = new EventFeed(new FakeKvNode().events, 10);
    const options = { types: null, from: { runId: null, next: 1 }, heartbeatMs: 1, stallMs: 20 };
    new EventStream(outgoing, feed, options);
    await eventually(() => outgoing.destroyed);
    expect(socket.writableLength).toBeLessThan(400);
    outgoing.emit('close');
    expect(feed.listenerCount).toBe(0);
    feed.close();
  });
});

describe('EventFeed', () => {
  it('made late, begins with the first event that it sees', () => {
    const node = new FakeKvNode();
    node.seq = 41;
    const feed = new EventFeed(node.events, 10);
    expect([feed.first, feed.last]).toEqual([1, 0]);
    node.emit('LeaseChanged', { valid: true });
    expect([feed.first, feed.last, feed.typeAt(42)]).toEqual([42, 42, 'LeaseChanged']);
    expect(() => feed.frameAt(41)).toThrow('not within 42–42');
    feed.close();
  });
});

interface Follower {
  readonly response: IncomingMessage;
  readonly messages: SseMessage[];
  reached(seq: number): Promise<void>;
}

async function follow(url: string): Promise<Follower> {
  const [response] = (await once(get(url, { agent: false }), 'response')) as [IncomingMessage];
  const parser = new SseParser();
  const messages: SseMessage[] = [];
  response.setEncoding('utf8').on('error', () => undefined);
  response.on('data', (text: string) => messages.push(...parser.push(text)));
  return { response, messages, reached: (seq) => eventually(() => messages.at(-1)?.id === `run-1:${seq}`) };
}

interface Received {
  id: string;
  event: string;
  data: { from?: number; to?: number };
}

function eventsIn(client: RawClient): Received[] {
  // The chunk headers of HTTP stand on lines of their own: what is sought are whole blocks.
  const text = client.received.replace(/\r\n[0-9a-f]+\r\n/g, '');
  return [...text.matchAll(/id: (.*)\nevent: (.*)\ndata: (.*)\n\n/g)].map(([, id, event, data]) => ({ id: id ?? '', event: event ?? '', data: JSON.parse(data ?? '') as Received['data'] }));
}

function idsIn(client: RawClient): string[] {
  return eventsIn(client).map(({ id }) => id);
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
