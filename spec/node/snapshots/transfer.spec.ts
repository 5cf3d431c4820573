import type { InstallSnapshot, InstallSnapshotReply } from '../../../lib/core/messages.js';
import type { Intercept } from '../../../lib/transport/memory.js';
import { defined } from '../../support/defined.js';
import { ListMachine } from '../../support/list-machine.js';
import { MemoryCluster, outcomeOf, type NodeRun } from '../../support/memory-cluster.js';

const CHUNK = 256 * 1024;
/** Ten of these make a snapshot of ten chunks and a bit. */
const WORDS = Array.from({ length: 10 }, (_, i) => String(i).repeat(CHUNK));

/** A machine whose restoring waits until it is told to go on. */
class SlowToRestore extends ListMachine {
  private open: () => void = () => undefined;
  readonly restored = new Promise<void>((resolve) => (this.open = resolve));
  isRestoring = false;

  goOn(): void {
    this.open();
  }

  override async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    this.isRestoring = true;
    await this.restored;
    await super.restore(chunks);
    this.isRestoring = false;
  }
}

describe('sending snapshots', () => {
  let cluster: MemoryCluster;
  let leader: NodeRun;
  /** What was on its way to and from `d`, in order. */
  let chunks: InstallSnapshot[];
  let replies: InstallSnapshotReply[];

  /** A cluster of three whose log is compacted into one snapshot. */
  const open = async (settings = {}): Promise<void> => {
    cluster = await MemoryCluster.started({ settings: { snapshotPolicy: null, ...settings } });
    leader = await cluster.leader();
    await leader.node.proposeBatch(WORDS);
    await compact();
    chunks = [];
    replies = [];
    watch(() => 'deliver');
  };
  const compact = async (): Promise<void> => {
    const { last } = await leader.node.takeSnapshot();
    leader.node.compactLog(last.index);
    await cluster.settle();
  };
  const watch = (decide: Intercept): void =>
    cluster.network.intercept((from, to, message) => {
      const decision = decide(from, to, message);
      if (message.type === 'installSnapshot' && to === 'd') chunks.push(message);
      if (message.type === 'installSnapshotReply' && from === 'd') replies.push(message);
      return decision;
    });
  const add = (): Promise<unknown> => leader.node.changeMembership({ add: { d: { address: 'd:1', autoPromote: false } } });
  const isHere = (run: NodeRun): boolean => run.machine.words.length >= 10;
  const sent = (): string[] => cluster.eventsOf(leader.id, 'SnapshotSent').map(({ outcome }) => outcome);
  afterEach(() => cluster.stop());

  test('in chunks, each with its checksum and its place, a window ahead of the acknowledgements; reported on both sides', async () => {
    await open();
    const d = await cluster.join('d');
    await add();
    await cluster.until(() => isHere(d));
    await cluster.until(() => sent().length === 1);
    expect(d.machine.words).toEqual(WORDS);
    expect(chunks.map(({ offset }) => offset)).toEqual(chunks.map((_, i) => i * CHUNK));
    expect(chunks.map(({ done }) => done)).toEqual([...chunks.slice(1).map(() => false), true]);
    expect(replies.at(-1)).toMatchObject({ installed: true });
    expect(sent()).toEqual(['acknowledged']);
    const received = cluster.eventsOf('d', 'SnapshotReceived');
    expect(received.map(({ receivedBytes }) => receivedBytes)).toEqual(chunks.map(({ offset, data }) => offset + data.length));
    expect(received.at(-1)).toMatchObject({ from: leader.id, receivedBytes: received[0]?.bytes });
    expect(cluster.eventsOf('d', 'SnapshotInstalled')).toMatchObject([{ last: leader.node.metrics.value.snapshot }]);
    expect(d.node.metrics.value).toMatchObject({ snapshot: leader.node.metrics.value.snapshot, committed: leader.node.metrics.value.committed });
  });

  test('S49 heartbeats and commands go on meanwhile, and no more than the window is under way', async () => {
    await open();
    let isHeld = true;
    watch((_from, _to, message) => (message.type === 'installSnapshotReply' && message.received > CHUNK && isHeld ? 'drop' : 'deliver'));
    await cluster.join('d');
    await add();
    await cluster.settle();
    expect(chunks.map(({ offset }) => offset / CHUNK)).toEqual([0, 1, 2, 3, 4]); // the first alone, and 1 MiB after its answer
    await expect(leader.node.propose('meanwhile')).resolves.toMatchObject({ value: 11 });
    await cluster.advance(600);
    expect(leader.node.metrics.value.replication['d']).toMatchObject({ state: 'snapshot' });
    expect(leader.node.metrics.value.leadership).toMatchObject({ established: true, leaseValid: true });
    isHeld = false;
    await cluster.until(() => cluster.run('d').machine.words.length === 11);
  });

  test('S45 after a broken connection it goes on from the acknowledged chunk', async () => {
    await open();
    let isBroken = false;
    watch((_from, to, message) => {
      if (message.type === 'installSnapshot' && to === 'd' && message.offset === 6 * CHUNK) isBroken = true;
      return isBroken && message.type.startsWith('installSnapshot') ? 'drop' : 'deliver';
    });
    const d = await cluster.join('d');
    await add();
    await cluster.advance(500);
    isBroken = false;
    const before = chunks.length;
    watch(() => 'deliver');
    await cluster.until(() => isHere(d));
    expect(chunks.slice(before).filter(({ data }) => data.length > 0).map(({ offset }) => offset / CHUNK)).toEqual([6, 7, 8, 9, 10]);
    expect(d.machine.words).toEqual(WORDS);
    await cluster.until(() => sent().length === 1);
    expect(sent()).toEqual(['acknowledged']);
  });

  test('S45 a target that crashes half-way is sent all of it anew, and soon', async () => {
    await open();
    watch((_from, to, message) => (message.type === 'installSnapshot' && to === 'd' && message.offset >= 5 * CHUNK ? 'drop' : 'deliver'));
    await cluster.join('d');
    await add();
    await cluster.advance(200);
    expect(replies.at(-1)?.received).toBe(5 * CHUNK);
    const d = await cluster.restart('d');
    const before = chunks.length;
    watch(() => 'deliver');
    await cluster.until(() => isHere(d), 'the snapshot', 3_500); // a time limit or two of silence, not ten
    expect(d.machine.words).toEqual(WORDS);
    expect(chunks.slice(before).filter(({ offset }) => offset === 0).length).toBeGreaterThan(0);
  });

  test('S48 a corrupted chunk is detected by its checksum, reported, and sent again', async () => {
    await open();
    let corrupted = 0;
    watch((_from, to, message) => {
      if (message.type !== 'installSnapshot' || to !== 'd' || message.offset !== 2 * CHUNK || corrupted > 0) return 'deliver';
      corrupted += 1;
      const data = message.data.slice();
      data[7] = (data[7] ?? 0) ^ 1;
      (message as { data: Uint8Array }).data = data; // what a bit flip on the way does
      return 'deliver';
    });
    const d = await cluster.join('d');
    await add();
    await cluster.until(() => isHere(d));
    expect(d.machine.words).toEqual(WORDS);
    expect(cluster.eventsOf('d', 'CorruptionDetected')).toMatchObject([{ action: 'discarded', where: `snapshot chunk at byte ${2 * CHUNK} from ${leader.id}` }]);
  });

  test('S48 a leader whose own snapshot can’t be read stops and says so; another one brings the node on', async () => {
    await open();
    for (const { node } of cluster.others(leader)) node.compactLog((await node.takeSnapshot()).last.index);
    cluster.disk(leader.id).corruptSnapshot();
    const d = await cluster.join('d');
    await add();
    await cluster.until(() => leader.ended !== null);
    expect(leader.ended).toMatchObject({ name: 'FatalError', operation: 'readSnapshot' });
    expect(cluster.eventsOf(leader.id, 'CorruptionDetected')).toMatchObject([{ action: 'stopped' }]);
    await cluster.until(() => isHere(d));
    expect(d.machine.words).toEqual(WORDS);
  });

  test('S45 chunks of two servers’ snapshots of the same entry are never mixed', async () => {
    await open();
    for (const { node } of cluster.others(leader)) node.compactLog((await node.takeSnapshot()).last.index);
    const first = leader;
    watch((from, to, message) => (message.type === 'installSnapshot' && to === 'd' && from === first.id && message.offset >= 5 * CHUNK ? 'drop' : 'deliver'));
    const d = await cluster.join('d');
    await add();
    await cluster.advance(100);
    expect(replies.at(-1)?.received).toBe(5 * CHUNK);
    cluster.crash(first.id);
    const before = chunks.length;
    await cluster.until(() => isHere(d));
    expect(d.machine.words).toEqual(WORDS);
    expect(chunks[before]?.offset).toBe(0);
    const second = defined(cluster.eventsOf('d', 'SnapshotReceived').at(-1)).from;
    expect(second).not.toBe(first.id);
  });

  test('S46 a newer snapshot replaces the older one while that is being sent', async () => {
    await open();
    watch((_from, to, message) => (message.type === 'installSnapshot' && to === 'd' && message.offset >= 5 * CHUNK ? 'drop' : 'deliver'));
    const d = await cluster.join('d');
    await add();
    await cluster.advance(100);
    const old = leader.node.metrics.value.snapshot;
    await leader.node.propose('newer');
    await compact();
    expect(leader.node.metrics.value.snapshot.index).toBeGreaterThan(old.index);
    watch(() => 'deliver');
    await cluster.until(() => d.machine.words.length === 11);
    expect(d.machine.words).toEqual([...WORDS, 'newer']);
    expect(cluster.eventsOf('d', 'SnapshotInstalled').map(({ last }) => last)).toEqual([leader.node.metrics.value.snapshot]);
    await cluster.until(() => sent().length === 2);
    expect(sent()).toEqual(['superseded', 'acknowledged']);
  });

  test('a slow disk at the receiver slows the sender: what is on its way and waits stays bounded', async () => {
    await open();
    const d = await cluster.join('d');
    const { storage } = d.options;
    const save = storage.saveSnapshot.bind(storage);
    let letThrough = 0;
    let wake: () => void = () => undefined;
    storage.saveSnapshot = (meta, bytes, options) => {
      const slow = async function* (): AsyncGenerator<Uint8Array> {
        for await (const piece of bytes) {
          while (letThrough <= 0) await new Promise<void>((resolve) => (wake = resolve));
          letThrough -= 1;
          yield piece;
        }
      };
      return save(meta, slow(), options);
    };
    await add();
    await cluster.advance(100);
    const waiting = chunks.reduce((sum, { data }) => sum + data.length, 0);
    expect(waiting).toBeLessThan(3.5 * 1024 * 1024); // what the reader holds, what waits, what is under way
    expect(chunks.at(-1)?.done === true && waiting < WORDS.join('\n').length).toBe(false);
    letThrough = Infinity;
    wake();
    await cluster.until(() => isHere(d));
    expect(d.machine.words).toEqual(WORDS);
  });

  test('a target that takes long to restore is neither given up nor sent everything again, and answers no read meanwhile', async () => {
    await open();
    const machine = new SlowToRestore();
    const d = await cluster.join('d', { stateMachine: machine });
    await add();
    await cluster.until(() => machine.isRestoring);
    const before = chunks.length;
    const stale = outcomeOf(d.node.read('', { consistency: 'stale', timeoutMs: 60_000 }));
    const linear = outcomeOf(d.node.read('', { timeoutMs: 60_000 }));
    await cluster.advance(20_000);
    expect([stale.state, linear.state]).toEqual(['pending', 'pending']);
    expect(chunks.slice(before).every(({ data }) => data.length === 0)).toBe(true);
    expect(sent()).toEqual([]);
    await expect(leader.node.propose('z')).resolves.toMatchObject({ value: 11 });
    machine.goOn();
    await cluster.until(() => sent().length === 1);
    expect(sent()).toEqual(['acknowledged']);
    expect([stale.state, linear.state]).toEqual(['resolved', 'resolved']);
    expect(linear.value?.slice(0, 10)).toEqual(WORDS);
    await cluster.until(() => machine.words.length === 11);
  });

  test('a receiver that stops while the snapshot is being saved leaves its state machine alone', async () => {
    await open();
    const machine = new SlowToRestore();
    const d = await cluster.join('d', { stateMachine: machine });
    const { storage } = d.options;
    const save = storage.saveSnapshot.bind(storage);
    let isSaved = false;
    let letGo: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (letGo = resolve));
    storage.saveSnapshot = async (...args) => {
      const saved = await save(...args);
      isSaved = true;
      await held;
      return saved;
    };
    await add();
    await cluster.until(() => isSaved);
    const stopped = d.node.stop();
    letGo();
    await stopped;
    await cluster.advance(1_000);
    expect(machine.isRestoring).toBe(false);
    machine.goOn();
  });

  test('a receiver whose disk refuses it keeps what it had, says so, and gets it again', async () => {
    await open();
    const d = await cluster.join('d');
    const { storage } = d.options;
    const save = storage.saveSnapshot.bind(storage);
    let refusals = 1;
    storage.saveSnapshot = async (meta, bytes, options) => {
      if (refusals-- <= 0) return save(meta, bytes, options);
      for await (const _piece of bytes) throw new Error('disk full');
      throw new Error('disk full');
    };
    await add();
    await cluster.until(() => isHere(d));
    expect(cluster.eventsOf('d', 'SnapshotFailed')).toMatchObject([{ error: 'disk full' }]);
    expect(d.machine.words).toEqual(WORDS);
  });

  test('a peer that is removed is sent no more', async () => {
    await open();
    watch((_from, to, message) => (message.type === 'installSnapshot' && to === 'd' && message.offset >= 5 * CHUNK ? 'drop' : 'deliver'));
    await cluster.join('d');
    await add();
    await cluster.advance(100);
    await leader.node.changeMembership({ remove: ['d'] });
    const { length } = chunks;
    await cluster.advance(10_000);
    expect(chunks).toHaveLength(length);
    expect(sent()).toEqual(['removed']);
  });
});
