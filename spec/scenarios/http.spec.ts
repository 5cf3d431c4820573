import { eventually, HttpFixture, refusal } from '../support/http-fixture.js';

/** Scenario 78: whatever a client sends or withholds, it gets a clear 4xx and nothing is left of it. */
describe('S78 hostile and clumsy HTTP clients', () => {
  let http: HttpFixture;
  const open = async (...limits: Parameters<typeof HttpFixture.open>): Promise<void> => {
    http = await HttpFixture.open(...limits);
  };

  afterEach(async () => {
    expect(http.node.proposals).toEqual([]);
    expect(http.errors).toEqual([]);
    await http.close();
    await eventually(() => http.service.load.connections === 0);
    expect(http.service.load).toEqual({ connections: 0, requests: 0, bodyBytes: 0, eventStreams: 0 });
    expect(http.node.pending).toBe(0);
  });

  it('S78 a body that is declared too large is refused before it is sent', async () => {
    await open();
    const client = http.raw('PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 4294967296\r\n\r\n');
    await client.saw('"too_large"');
    expect(client.received).toMatch(/^HTTP\/1.1 413 /);
  });

  it('S78 a body that turns out too large is refused as soon as it does, and no more than the bound is kept', async () => {
    await open({ maxBodyBytes: 1000 });
    const client = http.raw('PUT /kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    for (let i = 0; i < 3; i += 1) client.socket.write(`190\r\n${'x'.repeat(400)}\r\n`);
    await client.saw('"too_large"');
    expect(client.received).toMatch(/^HTTP\/1.1 413 /);
    await eventually(() => http.service.load.bodyBytes === 0);
  });

  it.each([
    ['http://x/healthz', 200],
    ['http://x', 200],
    ['http://x?a=/healthz', 200],
    ['http://x/nothing', 404],
  ])('S78 the target %s, which names its host, is taken for its path', async (target, status) => {
    await open();
    await http.raw(`GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`).saw(`HTTP/1.1 ${status} `);
  });

  it('S78 a client that sends all before it reads gets to see why its body was refused', async () => {
    await open({ maxBodyBytes: 1000 });
    const client = http.raw('PUT /kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    client.socket.pause();
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    await new Promise<void>((resolve, reject) => client.socket.write(`${chunk.repeat(128)}0\r\n\r\n`, (error) => (error ? reject(error) : resolve())));
    client.socket.resume();
    await client.saw('"too_large"');
  });

  it('S78 a connection on which a body was refused goes on once the body has ended', async () => {
    await open({ maxBodyBytes: 1000 });
    const client = http.raw(`PUT /kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n${'x'.repeat(2000)}\r\n`);
    await client.saw('"too_large"');
    client.socket.write(`3e8\r\n${'x'.repeat(1000)}\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n`);
    await client.saw('"status":"ok"');
  });

  it('S78 a client that goes on sending after the refusal is cut off', async () => {
    await open({ maxBodyBytes: 1000 });
    const client = http.raw(`PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: ${2 ** 40}\r\n\r\n`);
    const flood = (): void => {
      while (!client.isClosed && client.socket.write('x'.repeat(65_536)));
    };
    client.socket.on('drain', flood);
    flood();
    expect(await client.closed()).toContain('"too_large"');
  });

  it.each([
    ['POST', '/kv/a', 'GET, HEAD, PUT, DELETE'],
    ['PATCH', '/kv/a/b', 'GET, HEAD, PUT, DELETE'],
    ['OPTIONS', '/kv/a', 'GET, HEAD, PUT, DELETE'],
    ['DELETE', '/kv', 'GET, HEAD'],
    ['PUT', '/', 'GET, HEAD'],
    ['POST', '/metrics.json', 'GET, HEAD'],
    ['PUT', '/healthz', 'GET, HEAD'],
    ['DELETE', '/readyz', 'GET, HEAD'],
    ['PUT', '/state.json', 'GET, HEAD'],
    ['POST', '/events', 'GET'],
    ['PUT', '/members', 'GET, HEAD, POST'],
    ['DELETE', '/members', 'GET, HEAD, POST'],
    ['GET', '/transfer', 'POST'],
    ['PUT', '/step-down', 'POST'],
    ['GET', '/campaign', 'POST'],
    ['DELETE', '/elections', 'POST'],
    ['GET', '/snapshot', 'POST'],
    ['OPTIONS', '/members', 'GET, HEAD, POST'],
  ])('S78 %s %s is answered with 405 and the methods there are', async (method, path, allow) => {
    await open();
    const reply = await http.send(method, path, { body: '{}' });
    expect(refusal(reply)).toMatchObject({ status: 405, code: 'method_not_allowed' });
    expect(reply.headers.allow).toBe(allow);
  });

  it.each([
    ['an empty key', 'GET', '/kv/', 404, 'no_such_resource'],
    ['a key of 1025 bytes', 'PUT', `/kv/${'k'.repeat(1025)}`, 400, 'bad_key'],
    ['a key with a control character', 'PUT', '/kv/a%00b', 400, 'bad_key'],
    ['a key that is not UTF-8', 'PUT', '/kv/%ff', 400, 'bad_key'],
    ['a broken percent sign', 'PUT', '/kv/100%', 400, 'bad_key'],
    ['an unknown consistency', 'GET', '/kv/a?consistency=strong', 400, 'bad_parameter'],
    ['a misspelt parameter', 'GET', '/kv/a?consistancy=stale', 400, 'bad_parameter'],
    ['a parameter given twice', 'GET', '/kv/a?consistency=stale&consistency=lease', 400, 'bad_parameter'],
    ['a parameter on a write', 'PUT', '/kv/a?ttl=5', 400, 'bad_parameter'],
    ['a limit of 0', 'GET', '/kv?limit=0', 400, 'bad_parameter'],
    ['a limit over the bound', 'GET', '/kv?limit=1001', 400, 'bad_parameter'],
    ['a limit that is no number', 'GET', '/kv?limit=1e2', 400, 'bad_parameter'],
    ['a prefix that is not UTF-8', 'GET', '/kv?prefix=%c3%28', 400, 'bad_parameter'],
    ['a prefix with a control character', 'GET', '/kv?prefix=%0a', 400, 'refused'],
    ['an after that can be no key', 'GET', '/kv?after=', 400, 'refused'],
    ['an unknown kind of event', 'GET', '/events?type=NewLeader,Gossip', 400, 'bad_parameter'],
    ['a bound on what is never stale', 'GET', '/kv/a?maxStalenessMs=5', 400, 'bad_parameter'],
    ['a bound of no time', 'GET', '/kv/a?consistency=stale&maxStalenessMs=0', 400, 'bad_parameter'],
    ['a bound beyond a day', 'GET', '/kv?consistency=stale&maxStalenessMs=86400001', 400, 'bad_parameter'],
    ['a parameter of the member list', 'GET', '/members?role=voter', 400, 'bad_parameter'],
    ['a parameter of an order', 'POST', '/step-down?force=1', 400, 'bad_parameter'],
    ['a path that is too long', 'GET', `/kv/a?x=${'y'.repeat(9000)}`, 414, 'uri_too_long'],
  ])('S78 %s is refused', async (_, method, path, status, code) => {
    await open();
    expect(refusal(await http.send(method, path))).toMatchObject({ status, code, message: expect.stringMatching(/./) });
  });

  it('S78 a body that says it is JSON and is not is refused', async () => {
    await open();
    for (const type of ['application/json', 'application/json; charset=utf-8', 'application/problem+json']) {
      const reply = await http.send('PUT', '/kv/a', { body: '{"a":', headers: { 'Content-Type': type } });
      expect(refusal(reply)).toMatchObject({ status: 400, code: 'invalid_json' });
    }
  });

  it.each<[string, string, string, string[]]>([
    ['/members', '', 'bad_request', ['nothing is to be changed: give add, promote, demote, remove or setAddress, or voters (and learners, nodes) for the whole']],
    ['/members', '{"expected":3}', 'bad_request', ['nothing is to be changed: give add, promote, demote, remove or setAddress, or voters (and learners, nodes) for the whole']],
    ['/members', '{"add":', 'invalid_json', []],
    ['/members', '["a"]', 'bad_request', []],
    ['/members', 'null', 'bad_request', []],
    ['/members', '\xff', 'invalid_json', []],
    ['/members', '{"add":{"d":"nowhere"}}', 'bad_request', ['add.d is "nowhere"; allowed: host:port']],
    ['/members', '{"add":{"d":{}}}', 'bad_request', ['add.d.address is missing']],
    [
      '/members',
      '{"add":{"-":{"address":"h:0","metadata":{"zone":1},"autoPromote":1,"priority":"high","vote":true}},"promote":"b","remove":[1],"setAddress":[],"expected":-1,"learner":[]}',
      'bad_request',
      [
        'the name "-" in add is "-"; allowed: a node id',
        'add.-.address is "h:0"; allowed: host:port',
        'add.-.metadata is {"zone":1}; allowed: an object of texts',
        'add.-.autoPromote is 1; allowed: true or false',
        'add.-.priority is "high"; allowed: a number',
        'add.-.vote is unknown; known here: address, metadata, autoPromote, priority',
        'promote is "b"; allowed: a list of node ids',
        'remove[0] is 1; allowed: a node id',
        'setAddress is []; allowed: an object by node id',
        'expected is -1; allowed: the index of a configuration',
        '"learner" is unknown; known here: add, promote, demote, remove, setAddress, expected',
      ],
    ],
    ['/members', '{"voters":["a"],"add":{"d":"h:1"}}', 'bad_request', ['"add" is unknown; known here: voters, learners, nodes, expected']],
    ['/members', '{"__proto__":{"add":{}}}', 'bad_request', ['"__proto__" is unknown; known here: add, promote, demote, remove, setAddress, expected']],
    ['/transfer', '{"to":7,"force":true}', 'bad_request', ['to is 7; allowed: a node id', '"force" is unknown; known here: to']],
    ['/step-down', '{"now":true}', 'bad_request', ['"now" is unknown; known here: none']],
    ['/campaign', '[]', 'bad_request', []],
    ['/elections', '', 'bad_request', ['paused is missing: true keeps this node from starting elections, false lets it again']],
    ['/elections', '{"paused":"yes"}', 'bad_request', ['paused is "yes"; allowed: true or false']],
    ['/snapshot', '{"compact":1}', 'bad_request', ['compact is 1; allowed: true or false']],
  ])('S78 POST %s of %s is refused, with everything that is wrong', async (path, body, code, problems) => {
    await open();
    const reply = await http.send('POST', path, { body: Buffer.from(body, 'latin1') });
    expect(refusal(reply)).toMatchObject({ status: 400, code, ...(problems.length === 0 ? {} : { problems, message: problems.join('; ') }) });
    expect([http.node.changes, http.node.transfers, http.node.orders]).toEqual([[], [], []]);
  });

  it.each(['/members', '/transfer', '/step-down', '/campaign', '/elections', '/snapshot'])('S78 a body of POST %s that is too large is refused', async (path) => {
    await open({ maxAdminBodyBytes: 1000 });
    expect(refusal(await http.send('POST', path, { body: `{"x":"${'y'.repeat(1000)}"}` }))).toMatchObject({ status: 413, code: 'too_large' });
    const client = http.raw(`POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
    for (let i = 0; i < 3; i += 1) client.socket.write(`190\r\n${'x'.repeat(400)}\r\n`);
    await client.saw('"too_large"');
    expect([http.node.changes, http.node.transfers, http.node.orders]).toEqual([[], [], []]);
  });

  it('S78 an order from a page of another site is refused', async () => {
    await open();
    const reply = await http.send('POST', '/step-down', { headers: { Origin: 'http://evil.example' } });
    expect(refusal(reply)).toMatchObject({ status: 403, code: 'cross_origin' });
    expect(http.node.orders).toEqual([]);
  });

  it('S78 a client that goes away ends its wait for a change', async () => {
    await open();
    http.node.hangs = true;
    const client = http.raw('POST /members HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n{"remove":["b"]}');
    await eventually(() => http.node.pending === 1);
    client.socket.destroy();
    await eventually(() => http.node.pending === 0);
  });

  it('S78 an encoded body is refused', async () => {
    await open();
    const reply = await http.send('PUT', '/kv/a', { body: 'x', headers: { 'Content-Encoding': 'gzip' } });
    expect(refusal(reply)).toMatchObject({ status: 415, code: 'unsupported_encoding' });
  });

  it('S78 a Last-Event-ID that was never given is refused', async () => {
    await open();
    expect(refusal(await http.send('GET', '/events', { headers: { 'Last-Event-ID': 'x' } }))).toMatchObject({ status: 400, code: 'bad_last_event_id' });
  });

  it('S78 a body that is announced and too large is refused before it is asked for', async () => {
    await open();
    const answer = await http.raw('PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\nExpect: 100-continue\r\n\r\n').closed();
    expect(answer).toMatch(/^HTTP\/1.1 413 [^]*"too_large"/);
  });

  it('S78 an expectation that nobody knows is refused', async () => {
    await open();
    await http.raw('PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nExpect: tea\r\n\r\n').saw('HTTP/1.1 417 ');
  });

  it.each([
    ['garbage', 'garbage\r\n\r\n', 400, 'bad_request'],
    ['a header without end', `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
    ['a length and chunks', 'PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400, 'bad_request'],
    ['a negative length', 'PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n', 400, 'bad_request'],
    ['a broken chunk', 'PUT /kv/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400, 'bad_request'],
    ['no host', 'GET /kv/a HTTP/1.1\r\n\r\n', 400, ''],
    ['a target that is none', 'GET kv/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 400, ''],
    ['a host that is none', 'GET /kv/a HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400, ''],
  ])('S78 %s instead of a request is answered with 4xx and the connection closes', async (_, text, status, code) => {
    await open();
    const answer = await http.raw(text).closed();
    expect(answer).toContain(`HTTP/1.1 ${status} `);
    expect(answer).toContain(code);
  });

  it('S78 more requests than the bound are refused, and taken again afterwards', async () => {
    await open({ maxInFlight: 1 });
    http.node.hangs = true;
    const first = http.raw('GET /kv/a HTTP/1.1\r\nHost: x\r\n\r\n');
    await eventually(() => http.node.pending === 1);
    const reply = await http.send('GET', '/kv/b');
    expect(refusal(reply)).toMatchObject({ status: 503, code: 'overloaded' });
    expect(reply.headers['retry-after']).toBe('1');
    expect((await http.send('GET', '/healthz')).status).toBe(200);
    first.socket.destroy();
    await eventually(() => http.node.pending === 0);
    http.node.hangs = false;
    expect((await http.send('GET', '/kv/b')).status).toBe(404);
  });

  it('S78 bodies beyond the bytes that may be held at once are refused', async () => {
    await open({ maxBufferedBytes: 1000 });
    http.raw('PUT /kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n');
    await eventually(() => http.service.load.bodyBytes === 900);
    expect(refusal(await http.send('PUT', '/kv/b', { body: 'x'.repeat(101) }))).toMatchObject({ status: 503, code: 'overloaded' });
  });

  it('S78 checksums of the whole store are few at once', async () => {
    await open({ maxChecksums: 1 });
    http.node.hangs = true;
    const first = http.raw('GET /state.json HTTP/1.1\r\nHost: x\r\n\r\n');
    await eventually(() => http.node.pending === 1);
    expect(refusal(await http.send('GET', '/state.json'))).toMatchObject({ status: 503, code: 'overloaded' });
    first.socket.destroy();
    await eventually(() => http.node.pending === 0);
    http.node.hangs = false;
    expect((await http.send('GET', '/state.json')).status).toBe(200);
  });
});
