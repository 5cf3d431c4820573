import type { RaftEvent } from '../../lib/core/events.js';
import { createRaftNode } from '../../lib/open.js';
import { nullReporter } from '../../lib/ports/reporter.js';
import { MemoryStorage } from '../../lib/storage/memory.js';
import { MemoryCluster, outcomeOf } from '../support/memory-cluster.js';
import { recorded } from '../support/recorded.js';
import { rejectionsTold } from '../support/unhandled.js';

describe('a node\'s life', () => {
  test('whoever subscribes before start misses nothing: the first event is NodeStarted, number 1', async () => {
    const cluster = new MemoryCluster({ ids: ['a'] });
    const { node, events } = cluster.create('a');
    const metrics = recorded(node.metrics, ({ runningState }) => runningState);
    expect(events).toEqual([]);
    expect(node.metrics.value).toMatchObject({ nodeId: 'a', runId: 'a-1', runningState: 'initial', seq: 0 });
    await node.start();
    expect(events[0]).toMatchObject({ type: 'NodeStarted', seq: 1, nodeId: 'a', runId: 'a-1', at: 1_000, wallTime: 1_700_000_001_000, role: 'follower' });
    expect(metrics.notes.slice(0, 2)).toEqual(['initial', 'running']);
    await cluster.stop();
  });

  test('with the null reporter and no subscriber metrics stay current, and no event is built', async () => {
    const cluster = new MemoryCluster({ ids: ['a'] });
    const wallTime = jest.spyOn(cluster.clock, 'wallTime');
    const node = createRaftNode({
      id: 'a',
      peers: { a: '' },
      storage: new MemoryStorage(cluster.disk('a')),
      transport: cluster.network.transport(),
      stateMachine: { apply: (batch) => batch.map(() => 0), snapshot: () => { throw new Error('not called'); }, restore: () => Promise.resolve(), reset: () => undefined },
      reporter: nullReporter,
      clock: cluster.clock,
      seed: 1,
    });
    await node.start();
    await cluster.advance(500);
    await node.propose('x');
    await cluster.settle();
    expect(node.metrics.value).toMatchObject({ role: 'leader', applied: { index: 3 }, counters: { proposalsCommitted: 1 }, pendingProposals: 0 });
    expect(wallTime).not.toHaveBeenCalled();
    const late: RaftEvent[] = [];
    const { seq } = node.metrics.value;
    node.events.subscribe((event) => late.push(event));
    await node.propose('y');
    await node.stop();
    expect(late.map((event) => event.seq)).toEqual(late.map((_, i) => seq + 1 + i));
    expect(late.at(-1)?.type).toBe('NodeStopped');
  });

  test('the reporter sees every event, each before the subscribers do', async () => {
    const trace: string[] = [];
    const cluster = new MemoryCluster({ ids: ['a'] });
    const { node, events } = cluster.create('a', { reporter: { report: ({ seq }) => trace.push(`reporter ${seq}`) } });
    node.events.subscribe(({ seq }) => trace.push(`subscriber ${seq}`));
    await node.start();
    await cluster.leader();
    await cluster.stop();
    expect(trace).toEqual(events.flatMap(({ seq }) => [`reporter ${seq}`, `subscriber ${seq}`]));
  });

  test('before start and after stop, calls are refused and nothing happens', async () => {
    const cluster = new MemoryCluster({ ids: ['a'] });
    const { node, events } = cluster.create('a');
    await expect(node.propose('x')).rejects.toMatchObject({ name: 'StoppedError', state: 'not started' });
    await expect(node.read('')).rejects.toMatchObject({ name: 'StoppedError', state: 'not started' });
    await node.stop();
    expect(events.map(({ type, seq }) => `${seq} ${type}`)).toEqual(['1 NodeStopped']);
    await expect(node.propose('x')).rejects.toMatchObject({ name: 'StoppedError', state: 'stopped' });
    await expect(node.start()).rejects.toMatchObject({ name: 'StoppedError' });
  });

  test('a node starts once', async () => {
    const cluster = await MemoryCluster.started({ ids: ['a'] });
    await expect(cluster.node('a').start()).rejects.toMatchObject({ name: 'StoppedError' });
    await cluster.stop();
    await expect(cluster.node('a').start()).rejects.toMatchObject({ name: 'StoppedError' });
  });

  test('stop during start waits for it and then stops; start after stop was called never brings the node up', async () => {
    const cluster = new MemoryCluster({ ids: ['a'] });
    const first = cluster.create('a');
    const started = first.node.start();
    await first.node.stop();
    await started;
    expect(first.events.map(({ type }) => type).filter((type) => type === 'NodeStarted' || type === 'NodeStopped')).toEqual(['NodeStarted', 'NodeStopped']);
    const second = cluster.create('a');
    const stopped = second.node.stop();
    await expect(second.node.start()).rejects.toMatchObject({ name: 'StoppedError' });
    await stopped;
    await cluster.advance(2_000);
    expect(second.events.map(({ type }) => type)).toEqual(['NodeStopped']);
    expect(second.ended).toBe('complete');
  });

  test('a start that fails says why, ends the streams with a FatalError, and leaves nothing open', async () => {
    const cluster = new MemoryCluster({ ids: ['a'] });
    const first = await cluster.start('a');
    const second = cluster.create('a');
    await expect(second.node.start()).rejects.toMatchObject({ name: 'StorageError', operation: 'open' });
    expect(second.events.map(({ type }) => type)).toEqual(['FatalErrorRaised', 'NodeStopped']);
    expect(second.ended).toMatchObject({ name: 'FatalError', operation: 'start' });
    expect(second.node.metrics.value).toMatchObject({ runningState: 'failed', fatalError: expect.stringContaining('in use by another storage') });
    await second.node.stop();
    await cluster.until(() => first.node.metrics.value.role === 'leader', 'the first one, unharmed,');
    await first.node.stop();
    await rejectionsTold();
  });

  test('a transport that can\'t start is the reason that start rejects with, and the storage is closed again', async () => {
    const cluster = new MemoryCluster({ ids: ['a'] });
    const run = cluster.create('a');
    run.options.transport.start = () => Promise.reject(new Error('the address is taken'));
    await expect(run.node.start()).rejects.toThrow('the address is taken');
    const again = await cluster.start('a');
    await cluster.leader();
    expect(again.events[0]?.type).toBe('NodeStarted');
    await cluster.stop();
  });

  test('stop after a fault waits until the files are closed', async () => {
    const cluster = await MemoryCluster.started({ ids: ['a'] });
    const { node } = await cluster.leader();
    cluster.disk('a').failNextSync();
    await node.propose('x').catch(() => undefined);
    await node.stop();
    await expect(cluster.start('a')).resolves.toMatchObject({ id: 'a' });
    await cluster.stop();
  });

  test('stop takes no longer than the calls that wait: refused ones and broken connections count as answered', async () => {
    const cluster = await MemoryCluster.started();
    const lonely = cluster.node('a');
    cluster.clock.block(20); // long enough for the next turn to let I/O go first
    const at = cluster.clock.now();
    const refused = outcomeOf(lonely.propose('x')); // no leader yet
    const gone = outcomeOf(lonely.stop());
    await cluster.settle();
    expect(gone.state).toBe('resolved');
    expect(refused).toMatchObject({ state: 'rejected', error: { name: 'NotLeaderError' } });
    expect(cluster.clock.now()).toBe(at);
    const leader = await cluster.leader(['b', 'c']);
    const follower = cluster.run(leader.id === 'b' ? 'c' : 'b');
    cluster.network.intercept((_from, _to, message) => (message.type === 'forwardRequest' ? 'drop' : 'deliver'));
    const forwarded = outcomeOf(follower.node.propose('x'));
    await cluster.settle();
    const stopped = outcomeOf(follower.node.stop());
    await cluster.settle();
    expect(stopped.state).toBe('pending');
    cluster.network.isolate(leader.id);
    await cluster.settle();
    expect(forwarded).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError', reason: 'connectionLost' } });
    expect(stopped.state).toBe('resolved');
    await cluster.stop();
  });

  test('after stop no timer is left', async () => {
    const cluster = await MemoryCluster.started({ ids: ['a'] });
    const { node } = await cluster.leader();
    await node.propose('x');
    await node.stop();
    expect(cluster.clock.pendingTimers).toBe(0);
  });
});

describe('the views of the metrics', () => {
  test('who watches the leader is not woken by log traffic', async () => {
    const cluster = await MemoryCluster.started();
    const leader = await cluster.leader();
    await cluster.advance(300);
    const server = recorded(leader.node.serverMetrics, ({ leaderId }) => leaderId);
    const data = recorded(leader.node.dataMetrics, ({ applied }) => applied.index);
    const replication = recorded(leader.node.replicationMetrics, (metrics) => Object.keys(metrics.replication).length);
    for (let i = 0; i < 5; i += 1) await leader.node.propose(`x${i}`);
    await cluster.advance(500);
    expect(server.notes).toEqual([leader.id]);
    expect(data.notes.at(-1)).toBe(leader.node.metrics.value.applied.index);
    expect(new Set(replication.notes)).toEqual(new Set([2]));
    await cluster.stop();
    expect([server, data, replication].map(({ notes }) => notes.at(-1))).toEqual(['complete', 'complete', 'complete']);
  });
});
