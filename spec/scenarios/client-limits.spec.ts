import { setMaxListeners } from 'node:events';
import { defined } from '../support/defined.js';
import { MemoryCluster, outcomeOf, type NodeRun } from '../support/memory-cluster.js';
import { rejectionsTold } from '../support/unhandled.js';

const S60 = 'S60 AbortSignal and time-outs free every resource; a late result is dropped without an unhandled rejection:';
const S79 = 'S79 a flood of proposals is bounded; the node keeps its leadership:';

/** A signal that counts who listens. */
function countedSignal(): { readonly controller: AbortController; readonly listeners: () => number } {
  const controller = new AbortController();
  let count = 0;
  const add = controller.signal.addEventListener.bind(controller.signal);
  const remove = controller.signal.removeEventListener.bind(controller.signal);
  controller.signal.addEventListener = (...args: Parameters<typeof add>) => {
    count += 1;
    add(...args);
  };
  controller.signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    count -= 1;
    remove(...args);
  };
  return { controller, listeners: () => count };
}

describe('the limits of calls', () => {
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

  test(`${S60} a call that is answered has let go of its signal`, async () => {
    await open();
    const follower = defined(cluster.others(leader)[0]);
    const { controller, listeners } = countedSignal();
    const { signal } = controller;
    await leader.node.propose('x', { signal });
    await follower.node.propose('y', { signal });
    for (const consistency of ['linearizable', 'lease', 'stale'] as const) await leader.node.read('', { signal, consistency });
    await follower.node.read('', { signal });
    expect(listeners()).toBe(0);
    controller.abort();
  });

  test(`${S60} an aborted proposal: its reason before it stands in the log, indeterminate after`, async () => {
    await open();
    const follower = defined(cluster.others(leader)[0]);
    const before = countedSignal();
    const waiting = outcomeOf(leader.node.propose('never', { signal: before.controller.signal }));
    before.controller.abort(new Error('changed my mind'));
    cluster.network.isolate(leader.id);
    const after = countedSignal();
    const standing = outcomeOf(leader.node.propose('perhaps', { signal: after.controller.signal }));
    await cluster.settle();
    after.controller.abort(new Error('enough'));
    await cluster.settle();
    expect(waiting).toMatchObject({ state: 'rejected', error: new Error('changed my mind') });
    expect(standing).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError', reason: 'aborted', cause: new Error('enough') } });
    expect([before.listeners(), after.listeners()]).toEqual([0, 0]);
    expect(cluster.eventsOf(leader.id, 'ProposalsDropped')).toMatchObject([{ count: 1, reason: 'aborted' }]);
    expect(leader.node.metrics.value.pendingProposals).toBe(0);
    cluster.network.heal();
    await cluster.leader();
    await cluster.advance(500);
    expect(follower.machine.words).not.toContain('never');
    expect(leader.node.metrics.value.pendingProposals).toBe(0);
  });

  test(`${S60} a signal that was aborted before stops a call from beginning`, async () => {
    await open();
    const signal = AbortSignal.abort('too late');
    const events = cluster.events(leader.id).length;
    await expect(leader.node.propose('x', { signal })).rejects.toBe('too late');
    await expect(leader.node.read('', { signal })).rejects.toBe('too late');
    await cluster.settle();
    expect(cluster.events(leader.id)).toHaveLength(events);
  });

  test(`${S60} the call's own limit, not the node's, counts; the late commit is dropped and told to nobody`, async () => {
    await open({ requestTimeoutMs: 5_000 });
    for (const { id } of cluster.others(leader)) cluster.disk(id).holdSync();
    cluster.disk(leader.id).holdSync();
    const short = outcomeOf(leader.node.propose('short', { timeoutMs: 50 }));
    const long = outcomeOf(leader.node.propose('long'));
    await cluster.advance(49);
    expect(short.state).toBe('pending');
    await cluster.advance(1);
    expect(short).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError', reason: 'timeout' } });
    for (const id of cluster.ids) cluster.disk(id).releaseSync();
    await cluster.settle();
    expect(long).toMatchObject({ state: 'resolved', value: { value: 2 } });
    expect(leader.machine.words).toEqual(['short', 'long']);
    expect(short.state).toBe('rejected');
    expect(leader.node.metrics.value).toMatchObject({ pendingProposals: 0, counters: { proposalsAccepted: 2, proposalsCommitted: 1, proposalsDropped: 1 } });
  });

  test(`${S60} calls that are refused at the bound leave nothing behind, whatever becomes of their signal`, async () => {
    await open({ maxPendingProposals: 1, maxPendingReads: 1 });
    const { controller, listeners } = countedSignal();
    const { signal } = controller;
    const proposals = [1, 2, 3].map((i) => outcomeOf(leader.node.propose(`x${i}`, { signal })));
    const reads = [1, 2, 3].map(() => outcomeOf(leader.node.read('', { signal })));
    await cluster.settle();
    expect([...proposals, ...reads].map(({ state }) => state)).toEqual(['resolved', 'rejected', 'rejected', 'resolved', 'rejected', 'rejected']);
    expect(listeners()).toBe(0);
    controller.abort();
    await cluster.settle();
  });

  test(`${S60} ten thousand aborted calls make room for ten thousand others`, async () => {
    await open({ maxPendingProposals: 10_000 });
    cluster.network.isolate(leader.id);
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    const aborted = Array.from({ length: 10_000 }, () => outcomeOf(leader.node.propose('x', { signal: controller.signal })));
    controller.abort();
    cluster.network.heal();
    await cluster.settle();
    const others = await Promise.all(Array.from({ length: 10_000 }, () => leader.node.propose('y')));
    expect(others).toHaveLength(10_000);
    expect(aborted.every(({ state }) => state === 'rejected')).toBe(true);
    expect(leader.machine.words).not.toContain('x');
  });

  test(`${S79} beyond the bound each gets an OverloadedError at once, the others are committed`, async () => {
    await open({ maxPendingProposals: 500 });
    const outcomes = Array.from({ length: 20_000 }, (_, i) => outcomeOf(leader.node.propose(`x${i}`)));
    await cluster.settle();
    expect(outcomes.slice(0, 500).every(({ state }) => state === 'resolved')).toBe(true);
    expect(outcomes.slice(500).every(({ error }) => error instanceof Error && error.name === 'OverloadedError')).toBe(true);
    expect(outcomes[500]?.error).toMatchObject({ resource: 'maxPendingProposals', limit: 500 });
  });

  test(`${S79} wave upon wave at every node, for ten election timeouts, costs nobody the leadership`, async () => {
    await open({ maxPendingProposals: 200, maxPendingReads: 50, maxUncommittedBytes: 4_000 });
    let overloaded = 0;
    for (let wave = 0; wave < 100; wave += 1) {
      for (const id of cluster.ids) {
        const count = (outcome: Promise<unknown>): void => void outcome.catch((error: unknown) => (overloaded += error instanceof Error && error.name === 'OverloadedError' ? 1 : 0));
        for (let i = 0; i < 300; i += 1) count(cluster.node(id).propose('x'));
        for (let i = 0; i < 60; i += 1) count(cluster.node(id).read(''));
      }
      await cluster.advance(100);
    }
    expect(overloaded).toBeGreaterThan(10_000);
    expect(cluster.eventsOf(leader.id, 'LeadershipLost')).toEqual([]);
    for (const { id } of cluster.others(leader)) expect(cluster.eventsOf(id, 'ElectionStarted')).toEqual([]);
    expect(leader.node.metrics.value).toMatchObject({ role: 'leader', pendingProposals: 0 });
    await expect(leader.node.propose('after')).resolves.toMatchObject({ term: leader.node.metrics.value.term });
  }, 60_000);
});
