import { ListMachine } from '../../support/list-machine.js';
import { MemoryCluster, outcomeOf, type NodeRun } from '../../support/memory-cluster.js';

/** Its snapshots fail, or end, when they are told to. */
class GatedMachine extends ListMachine {
  failure: Error | null = null;
  isGated = false;
  taken = 0;
  private open: (() => void)[] = [];

  release(): void {
    this.isGated = false;
    for (const resolve of this.open.splice(0)) resolve();
  }

  override snapshot(): AsyncIterable<Uint8Array> {
    this.taken += 1;
    return this.gated(super.snapshot());
  }

  private async *gated(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    if (this.failure !== null) throw this.failure;
    if (this.isGated) await new Promise<void>((resolve) => this.open.push(resolve));
    yield* bytes;
  }
}

describe('taking snapshots', () => {
  let cluster: MemoryCluster;
  let run: NodeRun;
  let machine: GatedMachine;
  const open = async (settings = {}): Promise<void> => {
    machine = new GatedMachine();
    cluster = await MemoryCluster.started({ ids: ['a'], settings: { stateMachine: machine, snapshotPolicy: null, ...settings } });
    run = await cluster.leader();
  };
  const propose = async (count: number, word = 'x'): Promise<void> => {
    for (let i = 0; i < count; i += 1) await run.node.propose(word);
  };
  const metrics = (): NodeRun['node']['metrics']['value'] => run.node.metrics.value;
  afterEach(() => cluster.stop());

  test('by hand: durable when it resolves, reported, and of everything applied; the log stays until it is told to go', async () => {
    await open();
    await propose(5);
    const meta = await run.node.takeSnapshot();
    await cluster.settle();
    expect(meta).toMatchObject({ last: metrics().applied, configuration: { voters: ['a'] }, configurationIndex: 1, bytes: 9 });
    expect(cluster.disk('a').image.snapshot?.meta).toEqual(meta);
    expect(cluster.eventsOf('a', 'SnapshotStarted', 'SnapshotSaved')).toMatchObject([{ trigger: 'manual', last: meta.last }, { last: meta.last, bytes: 9 }]);
    expect(metrics()).toMatchObject({ snapshot: meta.last, compacted: { index: 0 } });
    run.node.compactLog(4);
    await cluster.settle();
    expect([metrics().compacted.index, cluster.disk('a').image.compacted.index]).toEqual([4, 4]);
    run.node.compactLog(1_000); // as far as the snapshot covers it
    await cluster.settle();
    expect(metrics().compacted).toEqual(meta.last);
    expect(cluster.eventsOf('a', 'LogCompacted').map(({ through }) => through.index)).toEqual([4, meta.last.index]);
  });

  test('what is compacted is not lost: a restart begins with the snapshot', async () => {
    await open();
    await propose(5);
    const { last } = await run.node.takeSnapshot();
    run.node.compactLog(last.index);
    await propose(2, 'y');
    await cluster.settle();
    await cluster.restart('a', { stateMachine: new ListMachine() });
    run = await cluster.leader();
    await expect(run.node.read('')).resolves.toEqual(['x', 'x', 'x', 'x', 'x', 'y', 'y']);
    expect(run.events[0]).toMatchObject({ type: 'NodeStarted', snapshot: last, compacted: last });
  });

  test('nothing applied yet, nothing new, and two at once', async () => {
    await open();
    await propose(2);
    const [first, second] = await Promise.all([run.node.takeSnapshot(), run.node.takeSnapshot()]);
    expect([second, machine.taken]).toEqual([first, 1]);
    await expect(run.node.takeSnapshot()).resolves.toEqual(first);
    expect(machine.taken).toBe(1);
    const empty = await cluster.join('z');
    await expect(empty.node.takeSnapshot()).rejects.toThrow('nothing is applied yet');
    await expect(cluster.create('z').node.takeSnapshot()).rejects.toMatchObject({ name: 'StoppedError' });
    cluster.runs.pop();
  });

  test('commands go on while one is being taken; it is of the moment it was asked', async () => {
    await open();
    await propose(3);
    machine.isGated = true;
    const taking = outcomeOf(run.node.takeSnapshot());
    await cluster.settle();
    await propose(4, 'y');
    expect(taking.state).toBe('pending');
    machine.release();
    await cluster.settle();
    expect(taking).toMatchObject({ state: 'resolved', value: { last: { index: metrics().applied.index - 4 } } });
  });

  test('by policy of entries: taken, compacted behind what is to be kept, and counted anew', async () => {
    await open({ snapshotPolicy: { entries: 10, keepEntries: 3 } });
    await propose(35);
    await cluster.settle();
    const saved = cluster.eventsOf('a', 'SnapshotSaved').map(({ last }) => last.index);
    expect(saved.length).toBe(3);
    expect(cluster.eventsOf('a', 'SnapshotStarted').every(({ trigger }) => trigger === 'policy')).toBe(true);
    expect(cluster.eventsOf('a', 'LogCompacted').map(({ through }) => through.index)).toEqual(saved.map((index) => index - 3));
  });

  test('by policy of bytes', async () => {
    await open({ snapshotPolicy: { bytes: 1_000, keepEntries: 0 } });
    await propose(2, 'x'.repeat(600));
    await cluster.settle();
    expect(cluster.eventsOf('a', 'SnapshotSaved')).toHaveLength(1);
    expect(metrics().compacted).toEqual(metrics().snapshot);
  });

  test('one that fails is reported and leaves the one before it in force; the next may succeed', async () => {
    await open();
    await propose(3);
    const first = await run.node.takeSnapshot();
    await propose(3);
    machine.failure = new Error('no memory');
    await expect(run.node.takeSnapshot()).rejects.toThrow('no memory');
    await cluster.settle();
    expect(cluster.eventsOf('a', 'SnapshotFailed')).toMatchObject([{ error: 'no memory' }]);
    expect([metrics().snapshot, cluster.disk('a').image.snapshot?.meta, metrics().runningState]).toEqual([first.last, first, 'running']);
    machine.failure = null;
    await expect(run.node.takeSnapshot()).resolves.toMatchObject({ last: metrics().applied });
  });

  test('one that fails by policy is tried again later, and nobody else hears of it', async () => {
    await open({ snapshotPolicy: { entries: 5, keepEntries: 0 } });
    machine.failure = new Error('no memory');
    await propose(12);
    expect(cluster.eventsOf('a', 'SnapshotFailed')).toHaveLength(2);
    machine.failure = null;
    await propose(6);
    await cluster.settle();
    expect(cluster.eventsOf('a', 'SnapshotSaved').map(({ last }) => last.index)).toEqual([15, 20]);
  });

  test('it carries the configuration of its last entry', async () => {
    await open();
    await run.node.changeMembership({ add: { b: { address: 'b:1', autoPromote: false } } });
    await propose(1);
    const meta = await run.node.takeSnapshot();
    expect(meta).toMatchObject({ configuration: { voters: ['a'], learners: ['b'] }, configurationIndex: metrics().membership.committedIndex });
  });

  test('one that waits for the disk ends with the node', async () => {
    machine = new GatedMachine();
    cluster = await MemoryCluster.started({ settings: (id) => ({ snapshotPolicy: null, ...(id === 'a' ? { stateMachine: machine } : {}) }) });
    const leader = await cluster.leader();
    await cluster.advance(300);
    cluster.disk(leader.id).holdSync();
    await leader.node.propose('x'); // committed by the others' disks, and applied here
    const taking = outcomeOf(leader.node.takeSnapshot());
    await cluster.advance(100);
    expect(taking.state).toBe('pending');
    const stopped = outcomeOf(leader.node.stop());
    await cluster.settle();
    expect(taking).toMatchObject({ state: 'rejected', error: { name: 'StoppedError' } });
    cluster.disk(leader.id).releaseSync();
    await cluster.settle();
    expect(stopped.state).toBe('resolved');
  });
});
