import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { progressLine } from '../../../lib/cli/client/join-progress.js';
import { table } from '../../../lib/cli/client/table.js';
import { colourStyle, plainStyle } from '../../../lib/cli/style.js';
import { ClientFixture } from '../../support/client-fixture.js';

describe('ClusterClient', () => {
  const fixture = new ClientFixture();
  const servers: Server[] = [];
  const asked: string[] = [];

  /** A server that answers every request in turn: with a status and a body, or by breaking the connection off. */
  const serve = async (...answers: readonly ([number, unknown] | 'broken')[]): Promise<string> => {
    let next = 0;
    const server = createServer((incoming, outgoing) => {
      const answer = answers[Math.min(next++, answers.length - 1)] ?? 'broken';
      asked.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`);
      if (answer === 'broken') return void incoming.socket.destroy();
      outgoing.writeHead(answer[0]);
      outgoing.end(answer[1] === 'x' ? 'x' : JSON.stringify(answer[1]));
    });
    servers.push(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const refused = (code: string, more = {}): unknown => ({ error: { code, message: `it is ${code}`, ...more } });

  beforeEach(() => asked.splice(0));
  afterAll(() => {
    fixture.close();
    for (const server of servers) server.close();
  });

  it('does not send an order again when it may have been heard', async () => {
    const endpoint = await serve('broken', [200, {}]);
    await expect(fixture.client([endpoint]).leader('POST', '/transfer', {})).rejects.toMatchObject({ exitCode: 4, message: expect.stringContaining('may or may not have happened: look before you repeat it') });
    expect(asked).toEqual(['POST /transfer']);
  });

  it('asks again what only reads, and what was certainly not done', async () => {
    const broken = await serve('broken', [200, { fine: true }]);
    expect((await fixture.client([broken]).any('GET', '/kv/a')).status).toBe(200);
    const later = await serve([503, refused('no_leader', { leader: null })], [200, {}]);
    expect((await fixture.client(['127.0.0.1:1', later]).leader('POST', '/transfer', {})).status).toBe(200);
    const unknown = await serve([504, refused('indeterminate')]);
    expect((await fixture.client([unknown]).any('PUT', '/kv/a', {}, false)).status).toBe(504);
    expect(asked).toEqual(['GET /kv/a', 'GET /kv/a', 'POST /transfer', 'GET /members', 'POST /transfer', 'PUT /kv/a']);
  });

  it('learns of the other members from a node that can not answer, and asks those, and whom they know', async () => {
    const later = [503, refused('no_leader')] as const;
    const knows = (http: string | null): [number, unknown] => [200, { node: 'x', effective: { members: [{ id: 'x', http: null }, { id: 'y', http }] } }];
    const third = await serve([200, { fine: true }]);
    const second = await serve([...later], knows(third));
    const first = await serve([...later], knows(second));
    const client = fixture.client(['127.0.0.1:1', first]);
    expect((await client.any('DELETE', '/kv/a', {}, false)).status).toBe(200);
    expect(asked).toEqual(['DELETE /kv/a', 'GET /members', 'DELETE /kv/a', 'GET /members', 'DELETE /kv/a']);
    expect(client.endpoints).toEqual(['127.0.0.1:1', first, second, third]);
  });

  it.each([['no JSON', 'x'], ['other JSON', null], ['members of another kind', { effective: { members: 5 } }]])('learns nothing from %s', async (_, body) => {
    const first = await serve([503, refused('no_leader')], [200, body], [200, {}]);
    const client = fixture.client([first]);
    expect((await client.any('GET', '/kv/a')).status).toBe(200);
    expect(client.endpoints).toEqual([first]);
  });

  it('tells a write that may have happened from one that did not, when its time is over', async () => {
    const lost = await serve('broken');
    const refusing = await serve([503, refused('no_leader')]);
    let time = 0;
    fixture.now = () => (time += 600);
    await expect(fixture.client([lost], 1000).any('PUT', '/kv/a', {}, true)).rejects.toMatchObject({ exitCode: 4 });
    await expect(fixture.client([lost], 1000).any('GET', '/kv/a')).rejects.toMatchObject({ exitCode: 3 });
    await expect(fixture.client([refusing], 1000).any('PUT', '/kv/a', {}, true)).rejects.toMatchObject({ exitCode: 3 });
    fixture.now = () => performance.now();
    const unknown = await serve([504, refused('indeterminate')]);
    await expect(fixture.client([unknown]).json(fixture.client([unknown]).leader('POST', '/members', {}))).rejects.toMatchObject({ exitCode: 4, message: 'it is indeterminate; look before you repeat it' });
  });

  it('finds a leader that the configuration gives no HTTP address of, by asking the nodes that it knows', async () => {
    const leader = await serve([200, { node: 'b', effective: { members: [] } }], [200, { done: true }]);
    const follower = await serve([421, refused('not_leader', { leader: { id: 'b', address: 'h:2', http: null } })], [200, { node: 'a', effective: { members: [{ id: 'b', http: null }] } }]);
    const reply = await fixture.client([follower, leader]).leader('POST', '/step-down', {});
    expect(JSON.parse(reply.body.toString())).toEqual({ done: true });
    expect(asked).toEqual(['POST /step-down', 'GET /members', 'GET /members', 'POST /step-down']);
  });

  it('says so when an answer is none of rxraft', async () => {
    const other = await serve([404, 'nginx']);
    await expect(fixture.client([other]).json(fixture.client([other]).any('GET', '/members'))).rejects.toMatchObject({ exitCode: 1, message: 'the answer was 404, and not one of rxraft' });
  });
});

describe('the progress of a new node', () => {
  it.each([
    [{ snapshot: null, matched: 0, last: 0 }, 'd  [························]  0 %  log, 0 of 0 entries'],
    [{ snapshot: { receivedBytes: 2 ** 20, bytes: 2 ** 21 }, matched: 0, last: 9 }, 'd  [████████████············]  50 %  snapshot, 1.0 of 2.0 MiB'],
    [{ snapshot: { receivedBytes: 2 ** 21, bytes: 2 ** 21 }, matched: 0, last: 9 }, 'd  [████████████████████████]  100 %  snapshot of 2.0 MiB, being restored'],
    [{ snapshot: null, matched: 3, last: 9 }, 'd  [████████················]  33 %  log, 3 of 9 entries'],
  ])('%j is one line', (state, line) => {
    expect(progressLine('d', state)).toBe(line);
  });
});

describe('table', () => {
  it('aligns columns by their text, whatever the colours', () => {
    const rows = [[{ text: 'a', tone: 'bold' as const }, 'leader'], ['node-2', { text: 'no', tone: 'bad' as const }]];
    expect(table(['id', 'role'], rows, plainStyle)).toBe('id      role\na       leader\nnode-2  no');
    // eslint-disable-next-line no-control-regex -- colours are control characters
    expect(table(['id', 'role'], rows, colourStyle).replace(/\u001b\[\d+m/g, '')).toBe('id      role\na       leader\nnode-2  no');
  });
});
