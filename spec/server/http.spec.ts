import { NotLeaderError, OverloadedError, ProposalIndeterminateError, ProposalRejectedError, StoppedError, TimeoutError } from '../../lib/ports/errors.js';
import { HttpService } from '../../lib/server/http.js';
import { FakeKvNode } from '../support/fake-kv-node.js';
import { eventually, HttpFixture, refusal } from '../support/http-fixture.js';

describe('the HTTP service', () => {
  let http: HttpFixture;
  beforeEach(async () => (http = await HttpFixture.open()));
  afterEach(() => http.close());

  describe('/kv/<key>', () => {
    it('a client that asks first is told to go on', async () => {
      const client = http.raw('PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n');
      await client.saw('HTTP/1.1 100 Continue');
      client.socket.write('v');
      await client.saw('HTTP/1.1 201 Created');
    });

    it('puts, gets, replaces and deletes bytes, with the revision as ETag', async () => {
      const created = await http.send('PUT', '/kv/greeting', { body: 'hello' });
      expect([created.status, created.headers.etag, created.headers['x-raft-index'], created.headers['x-raft-term']]).toEqual([201, '"1"', '1', '1']);
      expect(JSON.parse(created.body.toString())).toEqual({ key: 'greeting', revision: 1 });

      const value = Buffer.from([0, 255, 10, 13]);
      expect((await http.send('PUT', '/kv/greeting', { body: value })).status).toBe(200);
      const got = await http.send('GET', '/kv/greeting');
      expect([got.status, got.headers.etag, got.headers['content-type'], got.headers['x-raft-index']]).toEqual([200, '"2"', 'application/octet-stream', '2']);
      expect(got.body).toEqual(value);

      expect((await http.send('DELETE', '/kv/greeting')).status).toBe(204);
      expect(refusal(await http.send('GET', '/kv/greeting'))).toMatchObject({ status: 404, code: 'not_found' });
      const missing = await http.send('DELETE', '/kv/greeting');
      expect(refusal(missing)).toMatchObject({ status: 404, code: 'not_found' });
      expect([missing.headers['x-raft-index'], missing.headers['x-raft-term']]).toEqual(['4', '1']); // it stands in the log all the same
    });

    it('takes an empty value, and a value of the largest size', async () => {
      await http.send('PUT', '/kv/empty', { body: '' });
      expect((await http.send('GET', '/kv/empty')).body.length).toBe(0);
      await http.send('PUT', '/kv/large', { body: Buffer.alloc(1024 * 1024, 7) });
      expect((await http.send('GET', '/kv/large')).body.equals(Buffer.alloc(1024 * 1024, 7))).toBe(true);
    });

    it.each(['a/b/c', 'with space', 'ünï/cødé', 'per%cent', 'question?mark', 'hash#', 'a+b', '__proto__', '😀'])('takes the key %j, percent-encoded', async (key) => {
      const path = `/kv/${encodeURIComponent(key)}`;
      expect((await http.send('PUT', path, { body: key })).status).toBe(201);
      expect(http.node.proposals.at(-1)?.key).toBe(key);
      expect((await http.send('GET', path)).body.toString()).toBe(key);
    });

    it('takes slashes in a key as they are', async () => {
      await http.send('PUT', '/kv/users/7/name', { body: 'Ada' });
      expect((await http.send('GET', '/kv/users%2F7%2Fname')).body.toString()).toBe('Ada');
    });

    it('HEAD answers like GET, without the value', async () => {
      await http.send('PUT', '/kv/a', { body: 'one' });
      const head = await http.send('HEAD', '/kv/a');
      expect([head.status, head.headers.etag, head.body.length]).toEqual([200, '"1"', 0]);
    });

    it('a chunked body without a length is taken', async () => {
      const client = http.raw('PUT /kv/chunked HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n');
      expect(await client.closed()).toContain('201 Created');
      expect((await http.send('GET', '/kv/chunked')).body.toString()).toBe('abcde');
    });

    it.each([
      ['', 'linearizable'],
      ['?consistency=linearizable', 'linearizable'],
      ['?consistency=lease', 'lease'],
      ['?consistency=stale', 'stale'],
    ])('GET%s reads with consistency %s', async (query, consistency) => {
      await http.send('GET', `/kv/a${query}`);
      expect(http.node.reads.at(-1)).toMatchObject({ consistency, timeoutMs: 10_000 });
    });

    it('GET with If-None-Match of the present revision sends no bytes', async () => {
      await http.send('PUT', '/kv/a', { body: 'one' });
      expect((await http.send('GET', '/kv/a', { headers: { 'If-None-Match': '"1"' } })).status).toBe(304);
      expect((await http.send('GET', '/kv/a', { headers: { 'If-None-Match': '"2"' } })).body.toString()).toBe('one');
    });

    it.each<[string, string, Record<string, string>, number]>([
      ['If-None-Match: * creates', '/kv/new', { 'If-None-Match': '*' }, 201],
      ['If-None-Match: * replaces nothing', '/kv/a', { 'If-None-Match': '*' }, 412],
      ['If-Match of the revision replaces', '/kv/a', { 'If-Match': '"1"' }, 200],
      ['If-Match takes a list', '/kv/a', { 'If-Match': '"7", "1"' }, 200],
      ['If-Match of another revision does not', '/kv/a', { 'If-Match': '"7"' }, 412],
      ['If-Match: * replaces', '/kv/a', { 'If-Match': '*' }, 200],
      ['If-Match: * creates nothing', '/kv/new', { 'If-Match': '*' }, 412],
      ['a weak tag never matches', '/kv/a', { 'If-Match': 'W/"1"' }, 412],
      ['a foreign tag never matches', '/kv/a', { 'If-Match': '"abc"' }, 412],
      ['an unquoted tag is wrong', '/kv/a', { 'If-Match': '1' }, 400],
      ['both headers are wrong', '/kv/a', { 'If-Match': '"1"', 'If-None-Match': '*' }, 400],
      ['If-None-Match of a revision is wrong for a write', '/kv/a', { 'If-None-Match': '"1"' }, 400],
    ])('compare-and-set: %s', async (_, path, headers, status) => {
      await http.send('PUT', '/kv/a', { body: 'one' });
      const reply = await http.send('PUT', path, { body: 'two', headers });
      expect(reply.status).toBe(status);
      const changed = (await http.send('GET', path)).body.toString() === 'two';
      expect(changed).toBe(status < 300);
    });

    it('a failed precondition tells the present revision', async () => {
      await http.send('PUT', '/kv/a', { body: 'one' });
      const reply = await http.send('DELETE', '/kv/a', { headers: { 'If-Match': '"9"' } });
      expect(refusal(reply)).toMatchObject({ status: 412, code: 'precondition_failed', message: 'the key is at revision 1; nothing was changed' });
      expect(reply.headers.etag).toBe('"1"');
    });
  });

  it('/kv lists by prefix, page by page, with values on demand', async () => {
    for (const key of ['b', 'a/1', 'a/2', 'a/3']) await http.send('PUT', `/kv/${key}`, { body: key });
    expect(await http.json('/kv?prefix=a/&limit=2')).toEqual({
      entries: [
        { key: 'a/1', revision: 2, bytes: 3 },
        { key: 'a/2', revision: 3, bytes: 3 },
      ],
      next: 'a/2',
    });
    expect(await http.json('/kv?prefix=a%2F&after=a%2F2&values=base64')).toEqual({ entries: [{ key: 'a/3', revision: 4, bytes: 3, value: 'YS8z' }], next: null });
  });

  it.each<[string, Error, number, string, boolean]>([
    ['ProposalIndeterminateError', new ProposalIndeterminateError('leadershipLost'), 504, 'indeterminate', false],
    ['ProposalRejectedError', new ProposalRejectedError('superseded'), 503, 'rejected', true],
    ['OverloadedError', new OverloadedError('uncommitted bytes', 1), 503, 'overloaded', true],
    ['NotLeaderError', new NotLeaderError(null, null), 503, 'no_leader', true],
    ['TimeoutError', new TimeoutError('propose', 5), 504, 'timeout', true],
    ['StoppedError', new StoppedError('stopping'), 503, 'not_running', true],
    ['any other error', new Error('secret detail'), 500, 'internal', false],
  ])('%s has its own status and code', async (_, failure, status, code, isRetryable) => {
    http.node.failure = failure;
    const reply = await http.send('PUT', '/kv/a', { body: 'x' });
    expect(refusal(reply)).toMatchObject({ status, code });
    expect(reply.headers['retry-after'] !== undefined).toBe(isRetryable);
    expect(reply.body.toString()).not.toContain('secret');
    expect(http.errors).toEqual(status === 500 ? [failure] : []);
  });

  it('/metrics.json is the node’s metrics', async () => {
    expect(await http.json('/metrics.json')).toEqual(JSON.parse(JSON.stringify(http.node.metrics.value)));
  });

  it('/state.json gives counts and checksum of this node’s store', async () => {
    await http.send('PUT', '/kv/a', { body: 'one' });
    expect(await http.json('/state.json')).toEqual({ type: 'stats', index: 1, keys: 1, bytes: 4, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(http.node.reads.at(-1)).toMatchObject({ consistency: 'stale' });
  });

  it('/healthz fails with the node, and says why', async () => {
    expect((await http.send('GET', '/healthz')).status).toBe(200);
    http.node.set({ runningState: 'failed', fatalError: 'fsync: EIO' });
    const reply = await http.send('GET', '/healthz');
    expect([reply.status, JSON.parse(reply.body.toString())]).toEqual([503, { status: 'failing', runningState: 'failed', fatalError: 'fsync: EIO' }]);
  });

  it('/ lists the resources, and an unknown one is answered with 404', async () => {
    expect(await http.json('/')).toMatchObject({ node: 'a', resources: { '/kv': expect.any(String) } });
    expect(refusal(await http.send('GET', '/nothing'))).toMatchObject({ status: 404, code: 'no_such_resource' });
  });

  it('drain answers what is in progress, and takes no new connection', async () => {
    const called = new Promise<void>((resolve) => (http.node.onCall = resolve));
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const read = http.node.read.bind(http.node);
    http.node.read = async (query, options) => {
      const answer = read(query, options);
      await gate;
      return answer;
    };
    const reply = http.send('GET', '/kv/a');
    await called;
    const drained = http.service.drain(60_000);
    await expect(http.send('GET', '/healthz')).rejects.toThrow('ECONNREFUSED');
    release();
    expect((await reply).headers.connection).toBe('close');
    await drained;
  });

  it('close does not wait for a request beyond its deadline', async () => {
    http.node.hangs = true;
    const reply = http.send('GET', '/kv/a');
    await eventually(() => http.node.pending === 1);
    await Promise.all([expect(reply).rejects.toThrow(), http.service.close(1)]);
    await eventually(() => http.node.pending === 0);
  });

  it('a call ends when its client goes away', async () => {
    http.node.hangs = true;
    const client = http.raw('PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx');
    await eventually(() => http.node.pending === 1);
    client.socket.destroy();
    await eventually(() => http.node.pending === 0 && http.service.load.bodyBytes === 0);
  });
});

describe('readiness', () => {
  it('comes with a leader and a log applied as far as it was at the start, and goes with the leader', async () => {
    const http = await HttpFixture.open();
    const reason = async (): Promise<unknown> => ((await http.json('/readyz')) as { reason: unknown }).reason;
    const id = (index: number): { index: number; term: number } => ({ index, term: 1 });
    // A second service, made before its node runs, as `serve` does it.
    const node = new FakeKvNode();
    const service = new HttpService(node);
    const { port } = await service.listen('127.0.0.1', 0);
    const obstacle = async (): Promise<unknown> => (JSON.parse((await http.client.send('GET', `http://127.0.0.1:${port}/readyz`)).body.toString()) as { reason: unknown }).reason;
    expect(await obstacle()).toBe('the node is initial');
    node.set({ runningState: 'running', lastLog: id(9) });
    expect(await obstacle()).toBe('no leader is known');
    node.set({ leaderId: 'b', committed: id(5), applied: id(5) });
    expect(await obstacle()).toBe('the node is catching up with the log');
    node.set({ committed: id(9), applied: id(9), lastLog: id(20) });
    expect(await obstacle()).toBeNull();
    node.set({ leaderId: null });
    expect(await obstacle()).toBe('no leader is known');
    expect(await reason()).toBeNull();
    await service.close(1000);
    await http.close();
  });

  it('a log whose end was truncated by a new leader is caught up when what is left of it is applied', () => {
    const node = new FakeKvNode();
    const service = new HttpService(node);
    node.set({ runningState: 'running', lastLog: { index: 9, term: 1 } });
    node.set({ leaderId: 'b', lastLog: { index: 6, term: 2 }, committed: { index: 6, term: 2 }, applied: { index: 6, term: 2 } });
    expect(service.obstacle).toBeNull();
    return service.close(1);
  });
});

describe('limits', () => {
  it('that are out of range are refused together, each with its name', () => {
    expect(() => new HttpService(new FakeKvNode(), { limits: { maxBodyBytes: 2 ** 21, heartbeatMs: 0, maxInFlight: 1.5 } })).toThrow(/maxBodyBytes is 2097152.*\n.*maxInFlight is 1.5.*\n.*heartbeatMs is 0/);
  });
});
