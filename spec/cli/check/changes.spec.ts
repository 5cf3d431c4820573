import { Changes, type ChangesParts } from '../../../lib/cli/check/changes.js';
import type { Member } from '../../../lib/cli/cluster/plan.js';
import { HttpClient } from '../../../lib/cli/http-client.js';
import { configurationOf } from '../../../lib/core/configuration.js';
import type { MembershipChange } from '../../../lib/core/membership-plan.js';
import { MembershipChangeError, TransferError } from '../../../lib/ports/errors.js';
import { HttpFixture } from '../../support/http-fixture.js';

type Id = 'a' | 'b' | 'd';

/** Node a leads b; d is there to join. Who is a member is what was asked of a. */
describe('Changes', () => {
  let nodes: Record<Id, HttpFixture>;
  let log: string[];
  let stopped: { code: number | null; signal: NodeJS.Signals | null; wasKilled: boolean };
  const client = new HttpClient(4, 5000);
  const stop = new AbortController();
  afterAll(() => client.close());

  beforeEach(async () => {
    log = [];
    stopped = { code: 0, signal: null, wasKilled: false };
    const [a, b, d] = await Promise.all([HttpFixture.open({}, 'a'), HttpFixture.open({}, 'b'), HttpFixture.open({}, 'd')]);
    nodes = { a, b, d };
    vote(['a', 'b']);
    const leadership = { term: 1, sinceAt: 1, noopIndex: 1, established: true, leaseValid: true };
    a.node.set({ role: 'leader', leaderId: 'a', leadership, compacted: { index: 40, term: 1 } });
    b.node.set({ nodeId: 'b', role: 'follower', leaderId: 'a' });
    const { counters } = d.node.metrics.value;
    d.node.set({ nodeId: 'd', role: 'follower', leaderId: null, counters: { ...counters, snapshotsReceived: 1 } });
    whenAsked(obey);
  });
  afterEach(() => Promise.all(Object.values(nodes).map((node) => node.close())));

  /** Everyone sees these voters, committed. */
  const vote = (voters: readonly Id[]): void => {
    const effective = configurationOf(Object.fromEntries(voters.map((id) => [id, `h:${id}`])));
    const index = nodes.a.node.metrics.value.membership.effectiveIndex + 1;
    const membership = { effective, effectiveIndex: index, committed: effective, committedIndex: index };
    for (const { node } of Object.values(nodes)) node.set({ membership });
  };
  const obey = (change: MembershipChange): void => {
    const { add = {}, remove = [] } = 'voters' in change ? {} : change;
    const voters = Object.keys(nodes.a.node.metrics.value.membership.effective.nodes);
    vote([...voters, ...Object.keys(add)].filter((id) => !remove.includes(id)) as Id[]);
  };
  /** What happens as a change reaches the leader. */
  const whenAsked = (act: (change: MembershipChange) => void): void => {
    let seen = 0;
    nodes.a.node.onCall = () => {
      for (const change of nodes.a.node.changes.slice(seen)) act(change);
      seen = nodes.a.node.changes.length;
    };
  };
  const member = (id: Id): Member => ({ id, url: new URL(nodes[id].url('/')).origin, raftPort: 7000, httpPort: 0, args: [], dataDir: '', logFile: '' });
  const changes = (): Changes => {
    const parts: ChangesParts = {
      cluster: {
        startMember: async ({ id }) => void log.push(`start ${id}`),
        processOf: (id) => ({
          stop: async () => {
            log.push(`stop ${id}`);
            return stopped;
          },
        }),
      },
      client,
      signal: stop.signal,
      now: () => log.length * 10,
      onJoined: ({ id }) => log.push(`joined ${id}`),
      onRemoved: ({ id }) => log.push(`removed ${id}`),
    };
    return new Changes(parts);
  };
  const replace = (): ReturnType<Changes['replace']> => changes().replace([member('a'), member('b')], member('d'));

  it('moves leadership by asking any node', async () => {
    expect(await changes().transfer([member('b'), member('a')])).toMatchObject({ from: 'a', to: 'b', attempts: 1 });
    expect(nodes.b.node.transfers).toEqual([]);
  });

  it('asks again for a transfer that did not come about, and counts', async () => {
    nodes.a.node.onCall = () => (nodes.a.node.failure = nodes.a.node.transfers.length < 3 ? new TransferError('timedOut', '') : null);
    expect(await changes().transfer([member('a')])).toMatchObject({ attempts: 3 });
  });

  it('gives up on a transfer after five times, with the reason', async () => {
    nodes.a.node.failure = new TransferError('timedOut', 'b lags');
    await expect(changes().transfer([member('a')])).rejects.toThrow('leadership was not transferred (b lags)');
    expect(nodes.a.node.transfers).toHaveLength(5);
  });

  it('replaces a follower: starts, adds, waits for the vote, removes, stops, in this order', async () => {
    const done = await replace();
    expect(log).toEqual(['start d', 'joined d', 'removed b', 'stop b']);
    const http = member('d').url.replace('http://', '');
    expect(nodes.a.node.changes).toEqual([{ add: { d: { address: '127.0.0.1:7000', metadata: { http } } } }, { remove: ['b'] }]);
    expect(done).toMatchObject({ joined: { id: 'd' }, removed: { id: 'b' }, compactedThrough: 40, voters: ['a', 'd'], promotedMs: 0, removedMs: 0 });
  });

  it('begins only when the log is compacted, so that the new node needs a snapshot', async () => {
    nodes.a.node.set({ compacted: { index: 0, term: 0 } });
    const replacing = replace();
    await client.send('GET', `${member('a').url}/metrics.json`);
    expect(log).toEqual([]);
    nodes.a.node.set({ compacted: { index: 7, term: 1 } });
    expect((await replacing).compactedThrough).toBe(7);
  });

  it('does not ask again for a change that was made although its answer says otherwise', async () => {
    whenAsked((change) => {
      obey(change);
      nodes.a.node.failure = new MembershipChangeError('it did not commit in time', configurationOf({}), 'indeterminate');
    });
    const done = await replace();
    expect([done.voters, nodes.a.node.changes.length]).toEqual([['a', 'd'], 2]);
  });

  it('asks again for a change that was not made', async () => {
    let refusals = 2;
    whenAsked((change) => {
      nodes.a.node.failure = refusals > 0 ? new MembershipChangeError('a change is under way', configurationOf({})) : null;
      if (refusals === 0) obey(change);
      refusals = Math.max(0, refusals - 1);
    });
    await replace();
    expect(nodes.a.node.changes).toHaveLength(4);
  });

  it('fails when the new node did without a snapshot', async () => {
    const { counters } = nodes.d.node.metrics.value;
    nodes.d.node.set({ counters: { ...counters, snapshotsReceived: 0 } });
    await expect(replace()).rejects.toThrow('node d joined behind a compacted log and received no snapshot');
    expect(log).not.toContain('stop b');
  });

  it.each([
    [{ code: 1, signal: null, wasKilled: false }, 'node b, removed, ended with code 1 instead of stopping in order'],
    [{ code: null, signal: 'SIGKILL' as const, wasKilled: true }, 'node b, removed, was ended by SIGKILL instead of stopping in order'],
  ])('fails when the removed node ends with %j', async (exit, message) => {
    stopped = exit;
    await expect(replace()).rejects.toThrow(message);
  });

  it('fails when there is nobody to remove but the leader', async () => {
    await expect(changes().replace([member('a')], member('d'))).rejects.toThrow('there is no follower to remove');
  });

  it('ends when it is told to', async () => {
    nodes.a.node.set({ leadership: null });
    const replacing = replace();
    stop.abort(new Error('time is up'));
    await expect(replacing).rejects.toThrow('gave up waiting for a leader');
  });
});
