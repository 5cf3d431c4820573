import { config } from 'rxjs';
import type { RaftEvent } from '../../lib/core/events.js';
import { MemoryCluster, type NodeRun } from '../support/memory-cluster.js';

const S72 = 'S72 a subscriber changes nothing for others, nor their order, when it';
const S73 = 'S73 a subscriber that blocks the thread for 10 times the election timeout: EventLoopStalled is reported';

/** The events of some turns as a word each. */
const words = (events: readonly RaftEvent[]): string[] => events.map(({ seq, type }) => `${seq} ${type}`);

describe('subscribers that misbehave', () => {
  const unhandled: unknown[] = [];
  beforeEach(() => {
    unhandled.length = 0;
    config.onUnhandledError = (error) => unhandled.push(error);
  });
  afterEach(() => {
    config.onUnhandledError = null;
  });

  /** The same short life of one node, with one more subscriber among others. */
  async function lifeWith(misbehave: (run: NodeRun, event: RaftEvent) => void): Promise<{ readonly run: NodeRun; readonly before: string[]; readonly after: string[] }> {
    const cluster = new MemoryCluster({ ids: ['a'] });
    const run = cluster.create('a');
    const before: string[] = [];
    const after: string[] = [];
    run.node.events.subscribe((event) => before.push(...words([event])));
    run.node.events.subscribe((event) => misbehave(run, event));
    run.node.events.subscribe((event) => after.push(...words([event])));
    await run.node.start();
    await cluster.leader();
    await run.node.propose('x');
    await cluster.settle();
    await run.node.stop();
    return { run, before, after };
  }
  const lifeOf = async (): Promise<string[]> => words((await lifeWith(() => undefined)).run.events);

  test(`${S72} throws`, async () => {
    const { run, before, after } = await lifeWith((_run, { seq }) => {
      throw new Error(`boom ${seq}`);
    });
    expect(words(run.events)).toEqual(await lifeOf());
    expect(before).toEqual(words(run.events));
    expect(after).toEqual(words(run.events));
    await new Promise((resolve) => setTimeout(resolve, 0)); // where RxJS tells of it
    expect(unhandled).toHaveLength(run.events.length);
    expect(run.machine.words).toEqual(['x']);
  });

  test(`${S72} unsubscribes itself`, async () => {
    let seen = 0;
    const cluster = new MemoryCluster({ ids: ['a'] });
    const run = cluster.create('a');
    const subscription = run.node.events.subscribe(() => {
      seen += 1;
      if (seen === 3) subscription.unsubscribe();
    });
    const after: string[] = [];
    run.node.events.subscribe((event) => after.push(...words([event])));
    await run.node.start();
    await cluster.leader();
    await run.node.propose('x');
    await cluster.settle();
    await run.node.stop();
    expect(seen).toBe(3);
    expect(after).toEqual(await lifeOf());
  });

  test(`${S72} subscribes anew: the new one gets the next event first, then every one`, async () => {
    const late: string[] = [];
    const { run, after } = await lifeWith(({ node }, { seq }) => {
      if (seq === 4) node.events.subscribe((event) => late.push(...words([event])));
    });
    const life = await lifeOf();
    expect(words(run.events)).toEqual(life);
    expect(after).toEqual(life);
    expect(late).toEqual(life.slice(4));
  });

  test(`${S72} proposes: the events in hand come first, to everybody, and what it caused comes in later turns`, async () => {
    let isDone = false;
    const { run, before, after } = await lifeWith(({ node }, { type }) => {
      if (type !== 'EntriesApplied' || isDone) return;
      isDone = true;
      void node.propose('from a handler');
    });
    expect(before).toEqual(words(run.events));
    expect(after).toEqual(words(run.events));
    expect(run.machine.words).toEqual(['from a handler', 'x']);
    expect(run.events.map(({ seq }) => seq)).toEqual(run.events.map((_, i) => i + 1));
  });

  test(`${S72} stops the node`, async () => {
    const { run, before, after } = await lifeWith(({ node }, { type }) => {
      if (type === 'ProposalsCommitted') void node.stop();
    });
    expect(words(run.events)).toEqual(await lifeOf());
    expect(before).toEqual(after);
    expect(run.ended).toBe('complete');
  });

  test('S72 a reporter that throws is told of once, counted, and goes on receiving every event', async () => {
    const failures: unknown[] = [];
    let reported = 0;
    const cluster = new MemoryCluster({ ids: ['a'] });
    const run = cluster.create('a', {
      reporter: {
        report: ({ type }) => {
          reported += 1;
          if (type === 'EntriesApplied') throw new Error('boom');
        },
      },
      onUnhandledError: (error) => failures.push(error),
    });
    await run.node.start();
    await cluster.leader();
    await run.node.propose('x');
    await cluster.settle();
    expect(failures).toEqual([new Error('boom')]);
    expect(cluster.eventsOf('a', 'SubscriberFailed')).toMatchObject([
      { error: 'boom', count: 1 },
      { error: 'boom', count: 1 },
    ]);
    expect(run.node.metrics.value.counters.subscriberErrors).toBe(2);
    await cluster.stop();
    expect(reported).toBe(run.events.length);
  });

  test(`${S73}, and the node, alone as it is, leads on`, async () => {
    const cluster = await MemoryCluster.started({ ids: ['a'] });
    const { node } = await cluster.leader();
    let hasBlocked = false;
    node.events.subscribe(({ type }) => {
      if (type !== 'ProposalsCommitted' || hasBlocked) return;
      hasBlocked = true;
      cluster.clock.block(5_000);
    });
    await node.propose('x');
    await cluster.advance(200);
    const stalls = cluster.eventsOf('a', 'EventLoopStalled');
    expect(stalls).toHaveLength(1);
    expect(stalls[0]?.stalledMs).toBeGreaterThan(4_800);
    expect(stalls[0]?.stalledMs).toBeLessThanOrEqual(5_000);
    expect(node.metrics.value).toMatchObject({ role: 'leader', eventLoopStallMaxMs: stalls[0]?.stalledMs });
    await expect(node.propose('y')).resolves.toMatchObject({ value: 2 });
    await cluster.stop();
  });

  test(`${S73}; a leader that comes back serves nothing from its lease, and nothing acknowledged is lost`, async () => {
    // Each node of this cluster has a thread of its own; only the leader's is blocked, and what reaches it meanwhile is lost.
    const cluster = await MemoryCluster.started();
    const leader = await cluster.leader();
    await leader.node.propose('before');
    const goOn = leader.clock.pause();
    cluster.network.intercept((_from, to) => (to === leader.id ? 'drop' : 'deliver'));
    await cluster.advance(10_000);
    const next = await cluster.leader(cluster.others(leader).map(({ id }) => id));
    await next.node.propose('after');
    expect(leader.node.metrics.value.role).toBe('leader'); // it can't know
    goOn();
    const refused = expect(leader.node.read('', { consistency: 'lease' })).rejects.toMatchObject({ name: 'NotLeaderError' });
    await cluster.advance(1_000); // nothing reaches it still: it steps down
    await refused;
    cluster.network.intercept(null);
    await cluster.advance(1_000);
    expect(cluster.eventsOf(leader.id, 'EventLoopStalled').length).toBeGreaterThanOrEqual(1);
    expect(cluster.eventsOf(leader.id, 'LeadershipLost')).toHaveLength(1);
    for (const id of cluster.ids) expect(cluster.run(id).machine.words).toEqual(['before', 'after']);
    await cluster.stop();
  });
});
