import type { Committed } from '../../lib/ports/state-machine.js';
import { ListMachine } from '../support/list-machine.js';
import { MemoryCluster, outcomeOf, type NodeRun } from '../support/memory-cluster.js';
import { defined } from '../support/defined.js';

/** Answers and applies when it is told to. */
class SlowMachine extends ListMachine {
  isSlow = false;
  readonly waiting: (() => void)[] = [];

  override apply(batch: readonly Committed<string>[]): readonly number[] | Promise<readonly number[]> {
    return this.later(super.apply(batch) as number[]);
  }

  override query(query: string): string[] | Promise<string[]> {
    return this.later(super.query(query) as string[]);
  }

  private later<T>(value: T): T | Promise<T> {
    return this.isSlow ? new Promise<T>((resolve) => this.waiting.push(() => resolve(value))) : value;
  }
}

describe('reads', () => {
  let cluster: MemoryCluster;
  let leader: NodeRun;
  let follower: NodeRun;
  const open = async (settings = {}): Promise<void> => {
    cluster = await MemoryCluster.started({ settings });
    leader = await cluster.leader();
    follower = defined(cluster.others(leader)[0], 'a follower');
    await cluster.until(() => follower.node.metrics.value.leaderId === leader.id);
  };
  const slowSingle = async (settings = {}): Promise<SlowMachine> => {
    const machine = new SlowMachine();
    cluster = await MemoryCluster.started({ ids: ['a'], settings: { stateMachine: machine, ...settings } });
    leader = await cluster.leader();
    return machine;
  };
  afterEach(() => cluster.stop());

  test.each(['linearizable', 'lease', 'stale'] as const)('a %s read on the leader sees every acknowledged write, and is reported as such', async (consistency) => {
    await open();
    await leader.node.propose('x');
    await expect(leader.node.read('', { consistency })).resolves.toEqual(['x']);
    await cluster.settle();
    expect(cluster.eventsOf(leader.id, 'ReadServed').map(({ mode, count }) => ({ mode, count }))).toEqual([{ mode: consistency, count: 1 }]);
    expect(leader.node.metrics.value.counters.readsServed).toBe(1);
  });

  test('reads of one moment share one round and one event', async () => {
    await open();
    const rounds = (): number => cluster.eventsOf(leader.id, 'QuorumAcknowledged').length;
    const before = rounds();
    await Promise.all(Array.from({ length: 100 }, () => leader.node.read('')));
    await cluster.settle();
    expect(rounds() - before).toBe(1);
    expect(cluster.eventsOf(leader.id, 'ReadServed').map(({ count }) => count)).toEqual([100]);
  });

  test('a stale read asks nobody, and may lag', async () => {
    await open();
    cluster.network.isolate(follower.id);
    await leader.node.propose('x');
    await expect(follower.node.read('', { consistency: 'stale' })).resolves.toEqual([]);
    expect(leader.machine.words).toEqual(['x']);
  });

  test('a leader that is cut off answers no linearizable read; it refuses once it steps down', async () => {
    await open();
    cluster.network.isolate(leader.id);
    const outcome = outcomeOf(leader.node.read(''));
    await cluster.advance(300);
    expect(outcome.state).toBe('pending');
    await cluster.until(() => outcome.state !== 'pending');
    expect(outcome).toMatchObject({ state: 'rejected', error: { name: 'NotLeaderError' } });
  });

  test('a confirmed read waits until the state machine has caught up', async () => {
    const machine = await slowSingle();
    machine.isSlow = true;
    const written = outcomeOf(leader.node.propose('x'));
    await cluster.settle();
    const read = outcomeOf(leader.node.read(''));
    await cluster.settle();
    expect([written.state, read.state]).toEqual(['pending', 'pending']);
    expect(machine.waiting).toHaveLength(1); // the write; the query has not been asked
    machine.isSlow = false;
    machine.waiting[0]?.();
    await cluster.settle();
    expect(read).toMatchObject({ state: 'resolved', value: ['x'] });
  });

  test.each(['linearizable', 'lease', 'stale'] as const)('S60 a %s query that takes too long ends with its time limit, and its late answer is dropped', async (consistency) => {
    const machine = await slowSingle();
    machine.isSlow = true;
    const outcome = outcomeOf(leader.node.read('', { consistency, timeoutMs: 50 }));
    await cluster.advance(50);
    expect(outcome).toMatchObject({ state: 'rejected', error: { name: 'TimeoutError', operation: 'read', timeoutMs: 50 } });
    machine.waiting[0]?.();
    await cluster.settle();
    expect(outcome.state).toBe('rejected');
  });

  test.each(['linearizable', 'stale'] as const)('S61 a %s query that does not end is rejected at stop', async (consistency) => {
    const machine = await slowSingle();
    machine.isSlow = true;
    const outcome = outcomeOf(leader.node.read('', { consistency }));
    await cluster.settle();
    await leader.node.stop();
    expect(outcome).toMatchObject({ state: 'rejected', error: { name: 'StoppedError' } });
  });

  test('an aborted read rejects with the signal\'s reason, and makes room', async () => {
    const machine = await slowSingle({ maxPendingReads: 1 });
    machine.isSlow = true;
    const controller = new AbortController();
    const outcome = outcomeOf(leader.node.read('', { signal: controller.signal }));
    await cluster.settle();
    await expect(leader.node.read('')).rejects.toMatchObject({ name: 'OverloadedError', resource: 'maxPendingReads', limit: 1 });
    controller.abort('enough');
    await cluster.settle();
    expect(outcome).toMatchObject({ state: 'rejected', error: 'enough' });
    machine.isSlow = false;
    await expect(leader.node.read('')).resolves.toEqual([]);
    await expect(leader.node.read('', { signal: controller.signal })).rejects.toBe('enough');
  });

  test('a query that throws, or rejects, fails its own call and nothing else', async () => {
    await open();
    leader.machine.query = () => {
      throw new Error('no such thing');
    };
    await expect(leader.node.read('')).rejects.toThrow('no such thing');
    leader.machine.query = () => Promise.reject(new Error('no such thing, later'));
    await expect(leader.node.read('')).rejects.toThrow('no such thing, later');
    expect(leader.node.metrics.value.runningState).toBe('running');
  });

  test('a state machine without queries says so', async () => {
    await open();
    Object.assign(leader.machine, { query: undefined });
    await expect(leader.node.read('')).rejects.toThrow('answers no queries');
  });

  test.each([0, -1, NaN])('a time limit of %d is refused', async (timeoutMs) => {
    await open();
    await expect(leader.node.read('', { timeoutMs })).rejects.toMatchObject({ name: 'ConfigError', problems: [{ option: 'timeoutMs', value: timeoutMs }] });
    await expect(leader.node.propose('x', { timeoutMs })).rejects.toMatchObject({ name: 'ConfigError' });
  });
});
