import { defined } from '../support/defined.js';
import { MemoryCluster, outcomeOf, type NodeRun } from '../support/memory-cluster.js';

describe('S55 Follower read: waits until applied ≥ the index the leader gave. Bounded staleness refuses when the bound can’t be shown', () => {
  let cluster: MemoryCluster;
  let leader: NodeRun;
  let follower: NodeRun;
  beforeEach(async () => {
    cluster = await MemoryCluster.started();
    leader = await cluster.leader();
    follower = defined(cluster.others(leader)[0]);
    await cluster.advance(300);
  });
  afterEach(() => cluster.stop());

  test('a follower answers from its own state machine, which must first be as far as the leader was', async () => {
    cluster.network.intercept((_from, to, message) => (to === follower.id && (message.type === 'append' || message.type === 'heartbeat') ? 'drop' : 'deliver'));
    await leader.node.propose('x');
    const read = outcomeOf(follower.node.read(''));
    await cluster.settle();
    expect([read.state, follower.machine.words]).toEqual(['pending', []]);
    cluster.network.intercept(null);
    await cluster.advance(300);
    expect(read).toMatchObject({ state: 'resolved', value: ['x'] });
    expect(cluster.eventsOf(follower.id, 'ReadServed')).toMatchObject([{ mode: 'linearizable', count: 1 }]);
    expect(cluster.eventsOf(leader.id, 'ReadServed')).toEqual([]); // the leader gave an index, not an answer
  });

  test('a leader that can’t show that it leads gives no index', async () => {
    cluster.network.intercept((from, to) => (from !== follower.id && to === leader.id ? 'drop' : 'deliver'));
    cluster.network.block(leader.id, defined(cluster.others(leader)[1]).id);
    cluster.network.intercept((from, _to, message) => (from === follower.id && message.type === 'heartbeatReply' ? 'drop' : 'deliver'));
    const read = outcomeOf(follower.node.read('', { timeoutMs: 100 }));
    await cluster.advance(100);
    expect(read).toMatchObject({ state: 'rejected', error: { name: 'TimeoutError' } });
    cluster.network.intercept(null);
  });

  test('stalenessMs is unknown at first, grows from a read on, and stale reads say nothing about it', async () => {
    expect(follower.node.stalenessMs).toBe(Infinity);
    await follower.node.read('');
    expect(follower.node.stalenessMs).toBe(0);
    await cluster.advance(70);
    await follower.node.read('', { consistency: 'stale' });
    expect(follower.node.stalenessMs).toBe(70);
    expect(cluster.create('c').node.stalenessMs).toBe(Infinity);
    cluster.runs.pop();
  });

  test('a bound that holds asks nobody; one that doesn’t refreshes', async () => {
    await follower.node.read('');
    await leader.node.propose('x');
    await cluster.advance(50);
    cluster.network.isolate(follower.id);
    await expect(follower.node.read('', { consistency: 'stale', maxStalenessMs: 50 })).resolves.toEqual(['x']);
    cluster.network.heal();
    await cluster.advance(200);
    const served = (): (string | number)[][] => cluster.eventsOf(follower.id, 'ReadServed').map(({ mode, count }) => [mode, count]);
    const before = served().length;
    await expect(follower.node.read('', { consistency: 'stale', maxStalenessMs: 50 })).resolves.toEqual(['x']);
    await cluster.settle();
    expect(served().slice(before)).toEqual([['linearizable', 1]]);
    expect(follower.node.stalenessMs).toBe(0);
  });

  test.each([0, 50, NaN])('a bound of %d that can’t be shown is refused, however fresh the state may be', async (maxStalenessMs) => {
    await follower.node.read('');
    await cluster.advance(60);
    cluster.network.isolate(follower.id);
    const read = outcomeOf(follower.node.read('', { consistency: 'stale', maxStalenessMs, timeoutMs: 5_000 }));
    await cluster.advance(5_000);
    expect(read).toMatchObject({ state: 'rejected', error: { name: expect.stringMatching(/^(NotLeaderError|TimeoutError)$/) } });
    await expect(follower.node.read('', { consistency: 'stale' })).resolves.toEqual([]);
  });

  test('a lease read on the leader needs no message; on a follower it is as good as a linearizable one', async () => {
    await leader.node.propose('x');
    cluster.network.isolate(leader.id);
    await expect(leader.node.read('', { consistency: 'lease' })).resolves.toEqual(['x']);
    await cluster.advance(450);
    const late = outcomeOf(leader.node.read('', { consistency: 'lease' }));
    await cluster.settle();
    expect(late.state).toBe('pending'); // the lease is over: it takes a round
    cluster.network.heal();
    await cluster.advance(500);
    expect(late).toMatchObject({ state: 'resolved', value: ['x'] });
    await expect(follower.node.read('', { consistency: 'lease' })).resolves.toEqual(['x']);
  });
});
