import { configurationOf, type Configuration } from '../../../lib/core/configuration.js';
import { MembershipChangeError, NotLeaderError } from '../../../lib/ports/errors.js';
import { ClientFixture, type Ended } from '../../support/client-fixture.js';
import { eventually, HttpFixture } from '../../support/http-fixture.js';

/** Two nodes: `a` follows, `b` leads; `c` is a member that nobody reaches, `d` one whose HTTP address nobody knows. */
describe('the commands for a running cluster', () => {
  let command: ClientFixture;
  let a: HttpFixture;
  let b: HttpFixture;
  let endpoints: { a: string; b: string };
  const run = (name: string, args: string[] = [], flags = {}, at = [endpoints.a]): Promise<Ended> => command.run(name, args, at, flags);

  beforeEach(async () => {
    command = new ClientFixture();
    [a, b] = await Promise.all([HttpFixture.open(), HttpFixture.open({}, 'b')]);
    endpoints = { a: new URL(a.url('/')).host, b: new URL(b.url('/')).host };
    const configuration: Configuration = {
      ...configurationOf({ a: 'h:1', b: 'h:2', c: 'h:3' }),
      learners: ['d'],
      nodes: { a: at('h:1', endpoints.a), b: at('h:2', endpoints.b), c: at('h:3', '127.0.0.1:1'), d: { address: 'h:4', autoPromote: true } },
    };
    const membership = { effective: configuration, effectiveIndex: 3, committed: configuration, committedIndex: 3 };
    const progress = { state: 'replicate', matched: 7, next: 8, inFlight: 0, lastContactAt: 1, rttMs: 1 } as const;
    a.node.set({ nodeId: 'a', role: 'follower', leaderId: 'b', membership, term: 2, committed: { index: 8, term: 2 }, applied: { index: 6, term: 2 } });
    b.node.set({ nodeId: 'b', role: 'leader', leaderId: 'b', membership, term: 2, committed: { index: 9, term: 2 }, applied: { index: 9, term: 2 }, lastLog: { index: 9, term: 2 }, replication: { a: progress }, snapshot: { index: 5, term: 1 } });
  });
  afterEach(async () => {
    command.close();
    await Promise.all([a.close(), b.close()]);
  });

  it('status finds all nodes from one, in a table', async () => {
    const { code, out } = await run('status');
    const pad = Math.max(endpoints.a.length, 'http'.length);
    expect([code, out]).toEqual([
      0,
      [
        `id  role      term  leader  commit  applied  lag  snapshot  address  ${'http'.padEnd(pad)}  reachable`,
        `a   follower  2     b       8       6        3    0         h:1      ${endpoints.a.padEnd(pad)}  yes`,
        `b   leader    2     b       9       9        0    5         h:2      ${endpoints.b.padEnd(pad)}  yes`,
        `c   voter     -     -       -       -        -    -         h:3      ${'127.0.0.1:1'.padEnd(pad)}  no: ECONNREFUSED`,
        `d   learner   -     -       -       -        -    -         h:4      ${'-'.padEnd(pad)}  no: its HTTP address is unknown`,
        '',
      ].join('\n'),
    ]);
    expect(JSON.parse((await run('status', [], { json: true })).out)).toMatchObject([{ id: 'a', lag: 3, reachable: true }, { id: 'b', role: 'leader' }, { id: 'c', reachable: false, error: 'ECONNREFUSED' }, { id: 'd' }]);
  });

  it('status ends with 3 when nobody leads, and when nobody answers', async () => {
    b.node.set({ role: 'follower', leaderId: null });
    expect((await run('status')).code).toBe(3);
    const nobody = await run('status', [], {}, ['127.0.0.1:1']);
    expect([nobody.code, nobody.out]).toEqual([3, expect.stringContaining('no: ECONNREFUSED')]);
  });

  it('status --watch shows it again until it is interrupted', async () => {
    command.onOutput = (out) => {
      if (out.match(/leader {4}2/g)?.length === 2) command.interrupt.abort();
    };
    const { code, out } = await run('status', [], { watch: true, interval: 250 });
    expect([code, out.match(/^id /gm)?.length, command.pauses]).toEqual([130, 2, [250, 250]]);
    expect(await run('status', [], { interval: 250 })).toMatchObject({ code: 2, error: '--interval goes with --watch' });
  });

  it('status --watch looks once a second unless told otherwise, and ends at once when it is interrupted', async () => {
    let looks = 0;
    command.onOutput = () => {
      looks += 1;
      if (looks > 1) return;
      void eventually(() => command.pauses.length === 1).then(() => command.interrupt.abort('SIGINT'));
    };
    expect((await run('status', [], { watch: true })).code).toBe(130);
    expect(command.pauses[0]).toBe(1000);
    expect((await run('status', [], { watch: true }, ['127.0.0.1:1'])).out).toBe('');
  });

  it('status goes on with the nodes that it has found when the one it was told of is gone', async () => {
    command.onOutput = (out) => {
      const looks = out.match(/^id /gm)?.length ?? 0;
      if (looks === 1 && !isClosing) {
        isClosing = true;
        void a.close();
      }
      if (/^a +voter .* no: ECONNREFUSED$/m.test(out)) command.interrupt.abort('SIGINT');
    };
    let isClosing = false;
    expect((await run('status', [], { watch: true })).out).toMatch(/^a +follower .* yes$[^]*^a +voter .* no: ECONNREFUSED\nb +leader /m);
  });

  it.each<[string, string[]]>([['get', ['k']], ['put', ['k', 'v']], ['del', ['k']], ['list', []], ['transfer', []], ['member remove', ['c']]])('%s goes to the other members when the node that it was told of can not answer', async (name, args) => {
    await run('put', ['k', 'v'], {}, [endpoints.b]);
    a.node.failure = new NotLeaderError(null, null);
    a.node.set({ leaderId: null });
    expect(await run(name, args)).toMatchObject({ code: 0, error: null });
  });

  it('put, get, list and del go through any node that answers', async () => {
    const at = ['127.0.0.1:1', endpoints.a];
    expect(await run('put', ['k/1', 'v'], {}, at)).toMatchObject({ code: 0, out: 'revision 1\n' });
    command.input = Buffer.from([0, 255]);
    expect(await run('put', ['k/2', '-'], { json: true }, at)).toMatchObject({ out: '{"key":"k/2","revision":2,"created":true}\n' });
    expect(await run('get', ['k/1'], {}, at)).toMatchObject({ code: 0, out: 'v' });
    a.node.stalenessMs = Infinity;
    expect(await run('get', ['k/2'], { json: true, consistency: 'stale' }, at)).toMatchObject({ out: '{"key":"k/2","revision":2,"value":"AP8=","stalenessMs":null}\n' });
    await run('get', ['k/2'], { consistency: 'stale', maxStalenessMs: 70 }, at);
    expect(a.node.reads.at(-1)).toMatchObject({ consistency: 'stale', maxStalenessMs: 70 });
    expect(await run('list', ['k/'], { limit: 1 }, at)).toMatchObject({ out: 'revision  bytes  key\n1         1      k/1\nthere are more after k/1; see --limit\n' });
    expect(await run('del', ['k/1'], {}, at)).toMatchObject({ code: 0, out: 'deleted\n' });
    expect(await run('del', ['k/1'], {}, at)).toMatchObject({ code: 1, error: 'there is no such key' });
    expect(await run('get', ['k/1'], {}, at)).toMatchObject({ code: 1, error: 'there is no such key' });
    expect(await run('put', ['k/2', 'w'], { ifAbsent: true }, at)).toMatchObject({ code: 1, error: 'the key is at revision 2; nothing was changed' });
    expect(await run('put', ['k/2', 'w'], { ifRevision: 2 }, at)).toMatchObject({ code: 0 });
    expect(await run('put', ['k/2', 'w'], { ifRevision: 2, ifAbsent: true }, at)).toMatchObject({ code: 2 });
    expect(await run('put', ['', 'w'])).toMatchObject({ code: 2, error: 'the key is empty' });
  });

  it('member list is the leader\'s, whichever node is asked', async () => {
    const { out } = await run('member list');
    expect(out.replace(/127\.0\.0\.1:\d+/g, 'H').replace(/ +/g, ' ')).toBe(
      ['id role address http priority replication behind', 'a voter h:1 H 0 replicate 2', 'b voter h:2 H 0 leads -', 'c voter h:3 H 0 - -', 'd learner h:4 - 0 - -', 'configuration 3, committed', ''].join('\n'),
    );
  });

  it.each<[string, string[], object, unknown, string]>([
    ['member add', ['e', 'h:5'], { http: 'h:85', priority: 2 }, { add: { e: { address: 'h:5', autoPromote: true, metadata: { http: 'h:85' }, priority: 2 } } }, 'added e, a learner until it has caught up'],
    ['member add', ['e', 'h:5'], { learner: true }, { add: { e: { address: 'h:5', autoPromote: false } } }, 'added e, a learner\n'],
    ['member remove', ['a', 'c'], {}, { remove: ['a', 'c'] }, 'removed a, c; stop it now'],
    ['member promote', ['d'], {}, { promote: ['d'] }, 'promoted d\n'],
    ['member demote', ['c'], {}, { demote: ['c'] }, 'demoted c\nvoters a b c, learners d (configuration 0)\n'],
    ['member set-address', ['c', 'h:33'], {}, { setAddress: { c: 'h:33' } }, 'c is at h:33\n'],
  ])('%s %j %j asks the leader', async (name, args, flags, change, text) => {
    const { code, out } = await run(name, args, flags);
    expect([code, out]).toEqual([0, expect.stringContaining(text)]);
    expect([a.node.changes, b.node.changes]).toEqual([[], [change]]);
  });

  it('member set-address --http changes the label too, and nothing else', async () => {
    await run('member set-address', ['d', 'h:44'], { http: 'h:84' });
    expect(b.node.changes).toEqual([{ voters: ['a', 'b', 'c'], learners: ['d'], nodes: { d: { address: 'h:44', metadata: { http: 'h:84' }, autoPromote: true, priority: 0 } } }]);
    expect(await run('member set-address', ['x', 'h:44'], { http: 'h:84' })).toMatchObject({ code: 1, error: 'x is not a member' });
  });

  it('a change that is refused says why; what can not be meant is wrong usage', async () => {
    b.node.failure = new MembershipChangeError('no voters would be left', configurationOf({}));
    expect(await run('member remove', ['a'])).toMatchObject({ code: 1, error: 'membership change refused: no voters would be left' });
    expect(await run('member add', ['-', 'h:1'])).toMatchObject({ code: 2, error: expect.stringContaining('"-" is no id') });
    expect(await run('member add', ['e', 'h'])).toMatchObject({ code: 2, error: expect.stringContaining('"h" is no address') });
  });

  it('a change whose end is not known is told from one that was refused', async () => {
    b.node.failure = new MembershipChangeError('it did not commit in time', configurationOf({}), 'indeterminate');
    expect(await run('member remove', ['a'])).toMatchObject({ code: 4, error: expect.stringMatching(/may or may not take effect: it did not commit in time; look before you repeat it$/) });
  });

  it('member add --wait ends at once when it is interrupted, and says that the node goes on', async () => {
    command.onNote = () => command.interrupt.abort('SIGINT');
    expect(await run('member add', ['d', 'h:4'], { wait: true })).toMatchObject({ code: 130, error: 'interrupted; d goes on catching up, see `rxraft member list`', notes: [expect.stringContaining('d  ['), ''] });
  });

  it('member add --wait shows the progress until the node votes', async () => {
    const { metrics } = b.node;
    const { membership, replication } = metrics.value;
    const e = { ...membership.effective, learners: ['d', 'e'], nodes: { ...membership.effective.nodes, e: { address: 'h:5' } } };
    b.node.set({ membership: { ...membership, effective: e, committed: e }, replication: { ...replication, e: { state: 'snapshot', matched: 3, next: 4, inFlight: 0, lastContactAt: 1, rttMs: 1 } } });
    command.onNote = (text) => {
      if (text === '') return;
      const done = { ...e, voters: [...e.voters, 'e'], learners: ['d'] };
      b.node.set({ membership: { ...membership, effective: done, committed: done } });
    };
    expect(await run('member add', ['e', 'h:5'], { wait: true })).toMatchObject({ code: 0, out: 'e has caught up and is a voter\nvoters a b c e, learners d (configuration 3)\n', notes: [expect.stringMatching(/^e {2}\[█{8}·{16}\] {2}33 % {2}log, 3 of 9 entries$/), ''] });
  });

  it('transfer and step-down go to the leader', async () => {
    expect(await run('transfer', [], { to: 'a' })).toMatchObject({ code: 0, out: expect.stringMatching(/^leadership moved from b to a in \d+ ms\n$/) });
    expect(await run('step-down')).toMatchObject({ code: 0, out: 'b, leader of term 2, was told to step down\n' });
    expect([a.node.transfers, b.node.transfers, a.node.orders, b.node.orders]).toEqual([[], ['a'], [], ['stepDown']]);
  });

  it('pause, resume and campaign go to the node that is named', async () => {
    expect(await run('pause', ['b'])).toMatchObject({ code: 0, out: 'b starts no elections until `rxraft resume`\n' });
    expect(await run('resume', ['b'], { json: true })).toMatchObject({ code: 0, out: '{"node":"b","paused":false}\n' });
    expect(await run('campaign', ['a'], {}, [endpoints.b])).toMatchObject({ code: 0, out: 'a was told to campaign\n' });
    expect(await run('campaign', ['b'])).toMatchObject({ code: 1, error: 'node b is the leader already' });
    expect(await run('pause', ['d'])).toMatchObject({ code: 1, error: expect.stringContaining('where node d serves HTTP is not known; ask it by its own address, --endpoint') });
    expect([a.node.orders, b.node.orders]).toEqual([['campaign'], ['pauseElections', 'resumeElections']]);
  });

  it('snapshot is taken on every node that answers, or on some', async () => {
    expect(await run('snapshot')).toMatchObject({ code: 0, out: 'a  through 6@2, 100 bytes\nb  through 9@2, 100 bytes\n' });
    expect(await run('snapshot', [], { node: ['b'], compact: true, json: true })).toMatchObject({ out: '[{"node":"b","last":{"index":9,"term":2},"bytes":100}]\n' });
    expect([a.node.orders, b.node.orders]).toEqual([[], ['compactLog 9']]);
    expect((await run('snapshot', [], { node: ['d'] })).code).toBe(1);
  });

  it('events follows all nodes and ends after so many', async () => {
    a.node.emit('NewLeader', { leaderId: 'b', previousLeaderId: null });
    b.node.emit('NewLeader', { leaderId: 'b', previousLeaderId: null });
    b.node.emit('LeaseChanged', { valid: true });
    const { code, out } = await run('events', [], { since: 'start', count: 2 });
    expect([code, out.match(/NewLeader +term 1 {2}b leads$/gm)?.length]).toEqual([0, 2]);
    const leases = await run('events', [], { since: 'start', count: 1, type: ['LeaseChanged'], node: ['b'], json: true });
    expect(JSON.parse(leases.out)).toMatchObject({ type: 'LeaseChanged', valid: true });
    expect(await run('events', [], {}, ['127.0.0.1:1'])).toMatchObject({ code: 3, error: expect.stringContaining('no node answers at 127.0.0.1:1; give ') });
    expect(await run('events', [], { node: ['d'] })).toMatchObject({ code: 1 });
  });

  it('a cluster without a leader is asked again, and answers once it has one', async () => {
    for (const { node } of [a, b]) node.set({ role: 'follower', leaderId: null });
    let rounds = 0;
    command.now = () => {
      rounds += 1;
      if (rounds === 3) b.node.set({ role: 'leader', leaderId: 'b' });
      return 0;
    };
    expect((await run('transfer')).code).toBe(0);
    expect(rounds).toBe(3);
  });

  it('without a leader in time the exit code is 3 and every node has its say', async () => {
    for (const { node } of [a, b]) node.set({ role: 'follower', leaderId: null });
    let time = 0;
    command.now = () => (time += 600);
    expect(await run('transfer', [], { timeoutS: 1 }, ['127.0.0.1:1', endpoints.a])).toMatchObject({
      code: 3,
      error: expect.stringMatching(/^no answer within 1 s:\n {2}127\.0\.0\.1:1: .*ECONNREFUSED.*\n {2}127\.0\.0\.1:\d+: (no leader is known at the moment; retry shortly)\n {2}127\.0\.0\.1:\d+: \1$/),
    });
    expect(await run('transfer', [], { timeoutS: 1 }, ['127.0.0.1:1'])).toMatchObject({ code: 3, error: expect.stringMatching(/\nIs a node running there\? Give .* --endpoint\.$/) });
    b.node.failure = new NotLeaderError(null, null);
    expect((await run('transfer', [], { timeoutS: 1 }, [endpoints.b])).code).toBe(3);
  });
});

function at(address: string, http: string): { address: string; metadata: { http: string } } {
  return { address, metadata: { http } };
}
