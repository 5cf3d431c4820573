import { configurationOf, type Configuration } from '../../../lib/core/configuration.js';
import { MembershipChangeError, NotLeaderError, StoppedError, TimeoutError, TransferError } from '../../../lib/ports/errors.js';
import { HttpFixture, refusal } from '../../support/http-fixture.js';

const CONFIGURATION: Configuration = {
  ...configurationOf({ a: 'h:1', b: 'h:2' }),
  votersOutgoing: ['a', 'c'],
  learners: ['d'],
  nodes: { a: { address: 'h:1' }, b: { address: 'h:2', metadata: { http: 'h:82', zone: 'x' }, priority: 1 }, c: { address: 'h:3' }, d: { address: 'h:4', autoPromote: true } },
};
const PROGRESS = { state: 'replicate', matched: 7, next: 9, inFlight: 1, lastContactAt: 5, rttMs: 0.5 } as const;

describe('the administration over HTTP', () => {
  let http: HttpFixture;
  const post = (path: string, body?: unknown): ReturnType<HttpFixture['send']> => http.send('POST', path, body === undefined ? {} : { body: JSON.stringify(body) });

  beforeEach(async () => {
    http = await HttpFixture.open();
    http.node.set({ membership: { effective: CONFIGURATION, effectiveIndex: 8, committed: configurationOf({ a: 'h:1' }), committedIndex: 1 }, replication: { b: PROGRESS }, lastLog: { index: 9, term: 1 } });
  });
  afterEach(() => http.close());

  it('GET /members tells who is in the cluster, where, in which role, and how they follow', async () => {
    expect(await http.json('/members')).toEqual({
      node: 'a',
      role: 'leader',
      term: 1,
      leader: { id: 'a', address: 'h:1', http: null },
      lastLog: { index: 9, term: 1 },
      commitIndex: 1,
      effective: {
        index: 8,
        isJoint: true,
        members: [
          { id: 'a', role: 'voter', address: 'h:1', http: null, progress: null },
          { id: 'b', role: 'voter', address: 'h:2', metadata: { http: 'h:82', zone: 'x' }, priority: 1, http: 'h:82', progress: PROGRESS },
          { id: 'c', role: 'leaving', address: 'h:3', http: null, progress: null },
          { id: 'd', role: 'learner', address: 'h:4', autoPromote: true, http: null, progress: null },
        ],
      },
      committed: { index: 1, isJoint: false, members: [{ id: 'a', role: 'voter', address: 'h:1', http: null, progress: null }] },
    });
  });

  it.each([
    [{ add: { e: 'h:5', f: { address: '[::1]:6', metadata: { http: 'h:86' }, autoPromote: false, priority: 2 } }, promote: ['d'], demote: ['b'], remove: ['c'], setAddress: { a: 'h:11' } }],
    [{ voters: ['a', 'b'], learners: [], nodes: { b: 'h:22' } }],
  ])('POST /members hands the change to the node: %j', async (change) => {
    const reply = await post('/members', { ...change, expected: 8 });
    expect(reply.status).toBe(200);
    expect(http.node.changes).toEqual([change]);
    expect(JSON.parse(reply.body.toString())).toMatchObject({ isJoint: true, members: [{ id: 'a' }, { id: 'b' }, { id: 'c' }, { id: 'd' }] });
  });

  it('a change that is refused is answered with 409 and the configuration in force', async () => {
    http.node.failure = new MembershipChangeError('no voters would be left', CONFIGURATION);
    const answer = refusal(await post('/members', { remove: ['a'] }));
    expect(answer).toMatchObject({ status: 409, code: 'membership_change_refused', reason: 'no voters would be left', current: { index: 8, members: [{ id: 'a' }, { id: 'b' }, { id: 'c' }, { id: 'd' }] } });
  });

  it('a change whose end is not known is answered with 504: it may still take effect', async () => {
    http.node.failure = new MembershipChangeError('it did not commit in time', CONFIGURATION, 'indeterminate');
    const answer = refusal(await post('/members', { remove: ['a'] }));
    expect(answer).toMatchObject({ status: 504, code: 'indeterminate', outcome: 'indeterminate', reason: 'it did not commit in time', current: { index: 8 } });
  });

  it('POST /transfer hands leadership over, to whom it is told or to the best', async () => {
    expect(JSON.parse((await post('/transfer', { to: 'c' })).body.toString())).toMatchObject({ from: 'a', to: 'c', ms: expect.any(Number) });
    expect(JSON.parse((await post('/transfer')).body.toString())).toMatchObject({ from: 'a', to: 'b' });
    expect(http.node.transfers).toEqual(['c', null]);
    http.node.failure = new TransferError('timedOut', 'c did not catch up');
    expect(refusal(await post('/transfer'))).toMatchObject({ status: 409, code: 'transfer_failed', outcome: 'timedOut', reason: 'c did not catch up' });
  });

  it.each([
    ['/members', { remove: ['b'] }],
    ['/transfer', {}],
    ['/step-down', {}],
  ])('POST %s on a node that does not lead is answered with 421 and where the leader is', async (path, body) => {
    http.node.set({ role: 'follower', leaderId: 'b' });
    http.node.failure = new NotLeaderError('b', 'h:2');
    expect(refusal(await post(path, body))).toMatchObject({ status: 421, code: 'not_leader', leader: { id: 'b', address: 'h:2', http: 'h:82' }, message: 'node a does not lead; ask b at http://h:82' });
    http.node.set({ leaderId: null });
    http.node.failure = new NotLeaderError(null, null);
    expect(refusal(await post(path, body))).toMatchObject({ status: 503, code: 'no_leader', leader: null });
    expect(http.node.orders).toEqual([]);
  });

  it('orders to this node are given to it', async () => {
    expect((await post('/step-down')).status).toBe(202);
    expect(JSON.parse((await post('/elections', { paused: true })).body.toString())).toEqual({ node: 'a', paused: true });
    await post('/elections', { paused: false });
    expect(refusal(await post('/campaign'))).toMatchObject({ status: 409, code: 'cannot_campaign', message: 'node a is the leader already' });
    http.node.set({ role: 'learner' });
    expect(refusal(await post('/campaign'))).toMatchObject({ status: 409, message: 'node a is a learner, which is never elected' });
    http.node.set({ role: 'follower' });
    expect((await post('/campaign', {})).status).toBe(202);
    expect(http.node.orders).toEqual(['stepDown', 'pauseElections', 'resumeElections', 'campaign']);
  });

  it('POST /snapshot takes one, and compacts the log when asked to', async () => {
    expect(JSON.parse((await post('/snapshot')).body.toString())).toEqual({ node: 'a', last: { index: 1, term: 1 }, bytes: 100 });
    expect(http.node.orders).toEqual([]);
    await post('/snapshot', { compact: true });
    expect(http.node.orders).toEqual(['compactLog 1']);
  });

  it.each([
    [new StoppedError('stopping'), 503, 'not_running'],
    [new TimeoutError('transferLeadership', 10), 504, 'timeout'],
  ])('what else the node says is passed on: %s', async (failure, status, code) => {
    http.node.failure = failure;
    expect(refusal(await post('/transfer'))).toMatchObject({ status, code });
  });

  it('a page of its own may order', async () => {
    const host = new URL(http.url('/')).host;
    expect((await http.send('POST', '/elections', { body: '{"paused":true}', headers: { Origin: `http://${host}` } })).status).toBe(200);
  });
});

describe('reads that may be stale', () => {
  let http: HttpFixture;
  beforeEach(async () => (http = await HttpFixture.open()));
  afterEach(() => http.close());

  it('say how stale at most, or that it is unknown', async () => {
    http.node.stalenessMs = 1500;
    const staleness = async (path: string): Promise<string | undefined> => (await http.send('GET', path)).headers['x-raft-staleness-ms'] as string | undefined;
    expect(Number(await staleness('/kv?consistency=stale'))).toBeGreaterThan(1499);
    http.node.stalenessMs = Infinity;
    expect(await staleness('/kv?consistency=stale')).toBe('unknown');
    expect(await staleness('/state.json')).toBe('unknown');
    expect(await staleness('/kv')).toBeUndefined();
    expect(await staleness('/kv?consistency=lease')).toBeUndefined();
  });

  it('are refreshed when the bound asks for it, and then as old as the read itself', async () => {
    http.node.stalenessMs = Infinity;
    const reply = await http.send('GET', '/kv?consistency=stale&maxStalenessMs=250');
    expect(http.node.reads.at(-1)).toMatchObject({ consistency: 'stale', maxStalenessMs: 250 });
    expect(reply.headers['x-raft-staleness-ms']).toMatch(/^\d+$/);
  });
});
