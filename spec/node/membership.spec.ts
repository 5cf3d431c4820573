import { membersOf } from '../../lib/core/configuration.js';
import { defined } from '../support/defined.js';
import { MemoryCluster, outcomeOf, type NodeRun } from '../support/memory-cluster.js';

describe('changeMembership', () => {
  let cluster: MemoryCluster;
  let leader: NodeRun;
  const open = async (settings = {}): Promise<void> => {
    cluster = await MemoryCluster.started({ settings });
    leader = await cluster.leader();
    await cluster.advance(300);
  };
  const voters = (run: NodeRun): readonly string[] => run.node.metrics.value.membership.effective.voters;
  afterEach(() => cluster.stop());

  test('a node with an empty directory is added, catches up, and becomes a voter by itself', async () => {
    await open();
    for (let i = 0; i < 50; i += 1) await leader.node.propose(`x${i}`);
    const joiner = await cluster.join('d');
    expect(joiner.node.metrics.value.role).toBe('learner');
    const added = await leader.node.changeMembership({ add: { d: { address: 'd:1', metadata: { zone: 'z' } } } });
    expect(added).toMatchObject({ index: expect.any(Number), configuration: { voters: ['a', 'b', 'c'], learners: ['d'], nodes: { d: { address: 'd:1', metadata: { zone: 'z' } } } } });
    await cluster.until(() => voters(joiner).includes('d'), 'the promotion');
    expect(cluster.eventsOf(leader.id, 'LearnerPromoted')).toMatchObject([{ learner: 'd' }]);
    await cluster.until(() => joiner.machine.words.length === 50);
    expect(joiner.node.metrics.value).toMatchObject({ role: 'follower', leaderId: leader.id });
    expect(cluster.eventsOf('d', 'ClusterBootstrapped')).toEqual([]);
  });

  test('promote, demote, remove and setAddress do what they say, and resolve once the final configuration is committed', async () => {
    await open();
    const [b, c] = cluster.others(leader).map(({ id }) => id);
    await cluster.join('d');
    await leader.node.changeMembership({ add: { d: { address: 'd:1', autoPromote: false } } });
    await leader.node.changeMembership({ promote: ['d'], demote: [defined(b)] });
    await leader.node.changeMembership({ remove: [defined(c)] });
    const { index, configuration } = await leader.node.changeMembership({ setAddress: { d: 'd:2' } });
    expect(configuration).toMatchObject({ voters: [leader.id, 'd'].sort(), learners: [b], nodes: { d: { address: 'd:2' } } });
    expect(membersOf(configuration)).not.toContain(c);
    expect(leader.node.metrics.value.membership).toMatchObject({ committedIndex: index, effectiveIndex: index });
    await cluster.advance(300);
    expect(cluster.node(defined(b)).metrics.value.role).toBe('learner');
    const { length } = cluster.eventsOf(leader.id, 'MembershipCommitted');
    expect(cluster.eventsOf(leader.id, 'MembershipAppended')).toHaveLength(length - 1); // the first was there from the start
  });

  test('an unmet precondition rejects with the configuration in force; the right one is taken', async () => {
    await open();
    const { effective, effectiveIndex } = leader.node.metrics.value.membership;
    const stale = leader.node.changeMembership({ demote: [defined(cluster.others(leader)[0]).id] }, { expected: effectiveIndex + 1 });
    await expect(stale).rejects.toMatchObject({ name: 'MembershipChangeError', current: effective, outcome: 'refused', reason: `the configuration is at index ${effectiveIndex}, not ${effectiveIndex + 1}` });
    expect(cluster.eventsOf(leader.id, 'MembershipRejected')).toHaveLength(1);
    await expect(leader.node.changeMembership({}, { expected: effectiveIndex })).resolves.toMatchObject({ configuration: effective });
  });

  test('two at once: the second is refused, and nothing of it is done', async () => {
    await open();
    const [first, second] = cluster.others(leader).map(({ id }) => leader.node.changeMembership({ remove: [id] }));
    await expect(second).rejects.toMatchObject({ name: 'MembershipChangeError', outcome: 'refused', reason: 'another change is under way' });
    expect((await first)?.configuration.voters).toHaveLength(2);
  });

  test('what can’t be understood is refused and stops nobody', async () => {
    await open();
    for (const change of [null, { add: null }, { voters: 'a' }, { add: { d: { address: 'd', priority: NaN } } }]) {
      await expect(leader.node.changeMembership(change as never)).rejects.toMatchObject({ name: 'MembershipChangeError', outcome: 'refused' });
    }
    await expect(leader.node.propose('x')).resolves.toMatchObject({ value: 1 });
  });

  test('a follower says who leads; a node that doesn’t run says that', async () => {
    await open();
    const follower = defined(cluster.others(leader)[0]);
    await expect(follower.node.changeMembership({})).rejects.toMatchObject({ name: 'NotLeaderError', leaderId: leader.id, leaderAddress: `${leader.id}:1` });
    const idle = cluster.create(follower.id);
    await expect(idle.node.changeMembership({})).rejects.toMatchObject({ name: 'StoppedError', state: 'not started' });
    cluster.runs.pop();
  });

  test('time limit and signal end the wait, before and after it was begun, and leave no timer behind', async () => {
    await open();
    const [x, y] = cluster.others(leader).map(({ id }) => id);
    cluster.network.isolate(leader.id);
    const limited = outcomeOf(leader.node.changeMembership({ demote: [defined(x)] }, { timeoutMs: 50 }));
    await cluster.advance(50);
    expect(limited).toMatchObject({ state: 'rejected', error: { name: 'MembershipChangeError', outcome: 'indeterminate', reason: 'it did not finish in time' } });
    const abort = new AbortController();
    const aborted = outcomeOf(leader.node.changeMembership({ demote: [defined(y)] }, { signal: abort.signal }));
    abort.abort(new Error('enough'));
    await cluster.settle();
    expect(aborted).toMatchObject({ state: 'rejected', error: { message: 'enough' } });
    await expect(leader.node.changeMembership({}, { signal: abort.signal })).rejects.toThrow('enough');
    await expect(leader.node.changeMembership({}, { timeoutMs: 0 })).rejects.toMatchObject({ name: 'ConfigError' });
    cluster.network.heal();
    await cluster.advance(2_000);
    expect(cluster.clock.pendingTimers).toBeLessThan(10);
  });

  test('a leader that is deposed says that the change is open; so does one that stops', async () => {
    await open({ drainTimeoutMs: 0 });
    const [x] = cluster.others(leader).map(({ id }) => id);
    cluster.network.isolate(leader.id);
    const open1 = outcomeOf(leader.node.changeMembership({ demote: [defined(x)] }));
    await cluster.until(() => open1.state !== 'pending');
    expect(open1.error).toMatchObject({ name: 'MembershipChangeError', outcome: 'indeterminate', reason: 'leadership was lost before it was committed' });
    cluster.network.heal();
    const next = await cluster.leader();
    cluster.network.isolate(next.id);
    const open2 = outcomeOf(next.node.changeMembership({}));
    await cluster.settle();
    await next.node.stop();
    expect(open2).toMatchObject({ state: 'rejected', error: { name: 'MembershipChangeError', outcome: 'indeterminate', reason: 'the node stopped' } });
  });

  test('S33 a leader that removes itself answers, and a successor leads at once; the removed node stays quiet', async () => {
    await open();
    await leader.node.propose('x');
    const begun = cluster.clock.now();
    const { configuration } = await leader.node.changeMembership({ remove: [leader.id] });
    expect(configuration.voters).toEqual(cluster.others(leader).map(({ id }) => id));
    const next = await cluster.leader(configuration.voters);
    expect(cluster.clock.now() - begun).toBeLessThan(100);
    await next.node.propose('y');
    await cluster.advance(10_000);
    expect(next.node.metrics.value).toMatchObject({ leadership: { established: true } });
    expect(leader.node.metrics.value).toMatchObject({ role: 'learner', leadership: null });
    expect(cluster.eventsOf(leader.id, 'LeadershipLost').at(-1)).toMatchObject({ reason: 'removed' });
    await leader.node.stop();
  });

  test('a dead node is removed, and its name may be taken by an empty store again', async () => {
    await open();
    const dead = defined(cluster.others(leader)[0]).id;
    cluster.crash(dead);
    await leader.node.propose('x');
    await leader.node.changeMembership({ remove: [dead] });
    const again = await cluster.join(dead, { peers: undefined as never });
    await leader.node.changeMembership({ add: { [dead]: `${dead}:2` } });
    await cluster.until(() => again.machine.words.length === 1 && voters(again).includes(dead));
    expect(leader.node.metrics.value.membership.effective.nodes[dead]?.address).toBe(`${dead}:2`);
  });

  test('S41 replacing every node of the cluster one call at a time under load loses nothing', async () => {
    await open({ snapshotPolicy: { entries: 40, keepEntries: 5 } });
    const acknowledged: string[] = [];
    let isLoading = true;
    let next = 0;
    const load = async (): Promise<void> => {
      while (isLoading) {
        const word = `w${next++}`;
        const { node } = defined(cluster.runs.find((run) => run.isAlive && run.node.metrics.value.leadership !== null) ?? leader);
        await node.propose(word, { timeoutMs: 2_000 }).then(() => acknowledged.push(word), () => undefined);
        await new Promise<void>((resolve) => void cluster.clock.schedule(5, resolve));
      }
    };
    const loads = [load(), load(), load()];
    const founders = ['a', 'b', 'c'];
    for (const [i, id] of ['d', 'e', 'f'].entries()) {
      await cluster.join(id);
      const members = [...founders.slice(i), ...['d', 'e', 'f'].slice(0, i)];
      const { node } = await cluster.leader(members);
      const replaced = outcomeOf(node.changeMembership({ add: { [id]: `${id}:1` }, promote: [id], remove: [defined(founders[i])] }));
      await cluster.until(() => replaced.state !== 'pending', `the change that adds ${id}`);
      expect(replaced.error).toBeNull();
      await cluster.advance(500);
      cluster.crash(defined(founders[i]));
    }
    await cluster.advance(1_000);
    isLoading = false;
    await cluster.advance(3_000);
    await Promise.all(loads);
    const last = await cluster.leader(['d', 'e', 'f']);
    await last.node.propose('last');
    await cluster.advance(500);
    expect(acknowledged.length).toBeGreaterThan(100);
    for (const id of ['d', 'e', 'f']) {
      const { words } = cluster.run(id).machine;
      expect(words).toEqual(last.machine.words);
      expect(acknowledged.filter((word) => !words.includes(word))).toEqual([]);
      expect(new Set(words).size).toBe(words.length);
    }
    expect(voters(last)).toEqual(['d', 'e', 'f']);
  });
});
