import { defined } from '../support/defined.js';
import { MemoryCluster, outcomeOf, type NodeRun } from '../support/memory-cluster.js';
import { rejectionsTold } from '../support/unhandled.js';

const S61 = 'S61 graceful stop drains, resolves or rejects every pending promise, closes files and sockets:';

describe('stopping gracefully', () => {
  let cluster: MemoryCluster;
  let leader: NodeRun;
  const open = async (settings = {}): Promise<void> => {
    cluster = await MemoryCluster.started({ settings });
    leader = await cluster.leader();
    await cluster.advance(300);
  };
  afterEach(async () => {
    await cluster.stop();
    await rejectionsTold();
  });

  test(`${S61} what was accepted before is committed and answered before the node is gone`, async () => {
    await open();
    const outcomes = Array.from({ length: 100 }, (_, i) => outcomeOf(leader.node.propose(`x${i}`)));
    const stopped = leader.node.stop();
    await expect(leader.node.propose('later')).rejects.toMatchObject({ name: 'StoppedError', state: 'stopping' });
    await stopped;
    expect(outcomes.every(({ state }) => state === 'resolved')).toBe(true);
    expect(leader.machine.words).toHaveLength(100);
    const last = cluster.events(leader.id).map(({ type }) => type);
    expect(last.slice(-1)).toEqual(['NodeStopped']);
    expect(last.indexOf('LeadershipLost')).toBeGreaterThan(last.lastIndexOf('ProposalsCommitted'));
    expect(leader.ended).toBe('complete');
    expect(leader.node.metrics.value).toMatchObject({ runningState: 'stopped', role: 'follower', leadership: null, leaderId: null, pendingProposals: 0, replication: {} });
  });

  test(`${S61} what can't finish within the limit is rejected: proposals as indeterminate, reads as stopped`, async () => {
    await open({ drainTimeoutMs: 150, requestTimeoutMs: 60_000 });
    cluster.network.isolate(leader.id);
    const proposal = outcomeOf(leader.node.propose('x'));
    const read = outcomeOf(leader.node.read(''));
    await cluster.settle();
    const stopped = outcomeOf(leader.node.stop());
    await cluster.advance(149);
    expect([proposal.state, stopped.state]).toEqual(['pending', 'pending']);
    await cluster.advance(1);
    expect(stopped.state).toBe('resolved');
    expect(proposal).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError', reason: 'stopped' } });
    expect(read).toMatchObject({ state: 'rejected', error: { name: 'StoppedError' } });
    expect(cluster.eventsOf(leader.id, 'ProposalsDropped')).toMatchObject([{ count: 1, reason: 'indeterminate' }]);
  });

  test(`${S61} a follower waits for what it handed on, and answers it`, async () => {
    await open();
    cluster.network.setFaults({ delayMs: [20, 20] });
    const follower = defined(cluster.others(leader)[0]);
    const outcome = outcomeOf(follower.node.propose('x'));
    const stopped = outcomeOf(follower.node.stop());
    await cluster.advance(200);
    expect(outcome).toMatchObject({ state: 'resolved', value: { value: 1 } });
    expect(stopped.state).toBe('resolved');
  });

  test(`${S61} a leader that drains takes no new calls from others, so that the drain ends`, async () => {
    await open({ drainTimeoutMs: 1_000 });
    const follower = defined(cluster.others(leader)[0]);
    cluster.network.isolate(leader.id);
    void outcomeOf(leader.node.propose('x'));
    await cluster.settle();
    const stopped = outcomeOf(leader.node.stop());
    await cluster.settle();
    cluster.network.heal();
    const forwarded = outcomeOf(follower.node.propose('y'));
    await cluster.settle();
    expect(forwarded).toMatchObject({ state: 'rejected', error: { name: 'StoppedError', state: 'stopping (the leader)' } });
    await cluster.advance(500);
    expect(stopped.state).toBe('resolved');
    expect(leader.machine.words).toEqual(['x']);
  });

  test('S61 a second stop is a no-op, at any time', async () => {
    await open();
    const first = leader.node.stop();
    const second = leader.node.stop();
    await Promise.all([first, second]);
    const count = cluster.events(leader.id).length;
    await leader.node.stop();
    expect(cluster.events(leader.id)).toHaveLength(count);
    expect(cluster.eventsOf(leader.id, 'NodeStopped')).toHaveLength(1);
  });

  test('S61 start after stop on the same disk works, with everything that was there', async () => {
    await open();
    for (const word of ['x', 'y']) await leader.node.propose(word);
    const { term, lastLog } = leader.node.metrics.value;
    await Promise.all(cluster.ids.map((id) => cluster.node(id).stop()));
    const again = await Promise.all(cluster.ids.map((id) => cluster.start(id)));
    expect(again.find(({ id }) => id === leader.id)?.events[0]).toMatchObject({ type: 'NodeStarted', seq: 1, term, lastLog });
    leader = await cluster.leader();
    await expect(leader.node.read('')).resolves.toEqual(['x', 'y']);
    await expect(leader.node.propose('z')).resolves.toMatchObject({ value: 3 });
  });

  test('S61 the others go on without the one that stopped, and take it back', async () => {
    await open();
    await leader.node.propose('x');
    await leader.node.stop();
    const next = await cluster.leader(cluster.others(leader).map(({ id }) => id));
    await next.node.propose('y');
    await cluster.start(leader.id);
    await cluster.advance(500);
    expect(cluster.run(leader.id).machine.words).toEqual(['x', 'y']);
    expect(next.node.metrics.value.leadership).not.toBeNull();
  });

  test('S61 events that were due when the node stopped are told before the end', async () => {
    await open();
    const { node } = leader;
    const read = outcomeOf(node.read('', { consistency: 'stale' })); // its ReadServed waits for a turn
    await node.stop();
    expect(read.state).toBe('resolved');
    expect(cluster.eventsOf(leader.id, 'ReadServed')).toMatchObject([{ mode: 'stale', count: 1 }]);
    expect(node.metrics.value.counters.readsServed).toBe(1);
  });
});
