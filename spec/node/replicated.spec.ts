import { msgpackCodec } from '../../lib/codec/msgpack.js';
import type { NodeId } from '../../lib/core/ids.js';
import type { ReplicatedStore } from '../../lib/node/replicated.js';
import { replicatedMachine } from '../../lib/node/replicated-machine.js';
import { openReplicated } from '../../lib/open.js';
import { MemoryDisk, MemoryStorage } from '../../lib/storage/memory.js';
import { MemoryNetwork } from '../../lib/transport/memory.js';
import { defined } from '../support/defined.js';
import { ManualClock } from '../support/manual-clock.js';
import { outcomeOf } from '../support/memory-cluster.js';
import { recorded } from '../support/recorded.js';

type Counter = ReplicatedStore<number, number>;

const IDS = ['a', 'b', 'c'];

/** Adds; refuses what would go below zero. */
function add(sum: number, by: number): number {
  if (sum + by < 0) throw new RangeError(`${sum} and ${by} is less than nothing`);
  return sum + by;
}

describe('the replicated store', () => {
  let clock: ManualClock;
  let network: MemoryNetwork;
  let disks: Map<NodeId, MemoryDisk>;
  let stores: Map<NodeId, Counter>;

  const open = async (id: NodeId): Promise<Counter> => {
    const store = await openReplicated<number, number>({
      node: {
        id,
        peers: Object.fromEntries(IDS.map((each) => [each, ''])),
        storage: new MemoryStorage(defined(disks.get(id))),
        transport: network.transport(),
        seed: IDS.indexOf(id) + 1,
        clock,
        requestTimeoutMs: 5_000,
      },
      reducer: add,
      initial: 0,
    });
    stores.set(id, store);
    return store;
  };
  const leader = async (): Promise<Counter> => {
    for (let waited = 0; waited < 20_000; waited += 50) {
      const leading = [...stores.values()].find(({ node }) => node.metrics.value.leadership?.established === true);
      if (leading !== undefined) return leading;
      await clock.advance(50);
    }
    throw new Error('no leader');
  };
  const followerOf = (leading: Counter): Counter => defined([...stores.values()].find((store) => store !== leading));
  const states = (): number[] => [...stores.values()].map(({ state }) => state.value);

  beforeEach(async () => {
    clock = new ManualClock();
    network = new MemoryNetwork({ clock });
    disks = new Map(IDS.map((id) => [id, new MemoryDisk()]));
    stores = new Map();
    await Promise.all(IDS.map(open));
  });
  afterEach(async () => {
    network.heal();
    const stopped = Promise.all([...stores.values()].map((store) => store.stop()));
    await clock.advance(5_000);
    await stopped;
  });

  test('dispatch resolves once the state of the node that was asked holds the action', async () => {
    const leading = await leader();
    await expect(leading.dispatch(2)).resolves.toEqual({ index: 4, term: leading.node.metrics.value.term });
    expect(leading.state.value).toBe(2);
    const follower = followerOf(leading);
    await clock.advance(200);
    const dispatched = outcomeOf(follower.dispatch(3).then(() => follower.state.value));
    await clock.advance(200);
    expect(dispatched.value).toBe(5);
  });

  test('every node\'s state is an observable value: the current one first, then each change', async () => {
    const leading = await leader();
    const follower = followerOf(leading);
    const here = recorded(leading.state);
    const there = recorded(follower.state);
    await leading.dispatch(1);
    await leading.dispatch(2);
    await clock.advance(300);
    expect(here.notes).toEqual([0, 1, 3]);
    expect(there.notes).toEqual([0, 1, 3]);
    expect(states()).toEqual([3, 3, 3]);
    const late = recorded(leading.state);
    expect(late.notes).toEqual([3]);
  });

  test('an action that the reducer refuses is an ActionRefusedError, and changes no node\'s state', async () => {
    const leading = await leader();
    await leading.dispatch(1);
    await expect(leading.dispatch(-5)).rejects.toMatchObject({ name: 'ActionRefusedError', reason: '1 and -5 is less than nothing' });
    await clock.advance(300);
    const fromFollower = outcomeOf(followerOf(leading).dispatch(-5));
    await clock.advance(300);
    expect(fromFollower).toMatchObject({ state: 'rejected', error: { name: 'ActionRefusedError' } });
    expect(states()).toEqual([1, 1, 1]);
    await leading.dispatch(4);
    await clock.advance(300);
    expect(states()).toEqual([5, 5, 5]);
  });

  test('the actions of one batch are reduced in order, a refused one among them', async () => {
    const leading = await leader();
    const outcomes = [5, -9, -2].map((by) => outcomeOf(leading.dispatch(by)));
    await clock.settle();
    expect(outcomes.map(({ state }) => state)).toEqual(['resolved', 'rejected', 'resolved']);
    expect(leading.state.value).toBe(3);
  });

  test('state fills in again after a restart', async () => {
    const leading = await leader();
    await leading.dispatch(7);
    await leading.stop();
    const again = await open(leading.node.id);
    expect(again.state.value).toBe(0);
    await leader();
    await clock.advance(1_000);
    expect(again.state.value).toBe(7);
  });

  test('S60 a dispatch that is committed, but not seen here in time, is indeterminate: its limits hold all the way', async () => {
    const leading = await leader();
    const follower = followerOf(leading);
    await clock.advance(200);
    // Replies come through, the log does not.
    network.intercept((_from, to, message) => (to === follower.node.id && (message.type === 'append' || message.type === 'heartbeat') ? 'drop' : 'deliver'));
    const controller = new AbortController();
    const timed = outcomeOf(follower.dispatch(1, { timeoutMs: 300 }));
    const aborted = outcomeOf(follower.dispatch(1, { signal: controller.signal }));
    await clock.settle();
    expect(leading.state.value).toBe(2);
    expect([timed.state, aborted.state]).toEqual(['pending', 'pending']);
    controller.abort();
    await clock.advance(299);
    expect(aborted).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError', reason: 'aborted' } });
    expect(timed.state).toBe('pending');
    await clock.advance(1);
    expect(timed).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError', reason: 'timeout' } });
    network.intercept(null);
  });

  test.each(['stop', 'fail'] as const)('a dispatch that is committed, but not seen here when the node ends (%s), is indeterminate', async (how) => {
    const leading = await leader();
    const follower = followerOf(leading);
    await clock.advance(200);
    const disk = defined(disks.get(follower.node.id));
    // The follower gets the action, and does not learn that it is committed.
    network.intercept((_from, to, message) => (to === follower.node.id && message.type === 'heartbeat' ? 'drop' : 'deliver'));
    disk.holdSync();
    const outcome = outcomeOf(follower.dispatch(1));
    const state = recorded(follower.state);
    await clock.settle();
    expect(outcome.state).toBe('pending');
    expect(leading.state.value).toBe(1);
    if (how === 'fail') disk.failNextSync();
    disk.releaseSync();
    if (how === 'stop') await follower.node.stop();
    await clock.settle();
    network.intercept(null);
    expect(outcome).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError', reason: how === 'stop' ? 'stopped' : 'fatalError' } });
    expect(state.notes.at(-1)).toEqual(how === 'stop' ? 'complete' : expect.stringContaining('error: append failed'));
    // Whoever comes late gets the last state, then the end.
    expect(recorded(follower.state).notes).toEqual([0, state.notes.at(-1)]);
  });
});

describe('the replicated machine', () => {
  const committed = (index: number, command: number) => ({ index, term: 1, command });

  test('a snapshot is the state as of the call, and restores state and place in the log', async () => {
    const machine = replicatedMachine(add, 0, msgpackCodec<number>());
    await machine.apply([committed(2, 5), committed(4, 1)]);
    const chunks: Uint8Array[] = [];
    for await (const chunk of machine.snapshot()) chunks.push(chunk);
    const other = replicatedMachine(add, 0, msgpackCodec<number>());
    await other.restore((async function* () {
      for (const chunk of chunks) yield* [chunk.subarray(0, 1), chunk.subarray(1)];
    })());
    expect(other.current.value).toEqual({ state: 6, index: 4 });
    await other.reset();
    expect(other.current.value).toEqual({ state: 0, index: 0 });
  });

  test('a snapshot does not show what was applied after the call', async () => {
    const machine = replicatedMachine(add, 0, msgpackCodec<number>());
    await machine.apply([committed(1, 5)]);
    const snapshot = machine.snapshot();
    await machine.apply([committed(2, 5)]);
    const other = replicatedMachine(add, 0, msgpackCodec<number>());
    await other.restore(snapshot);
    expect(other.current.value).toEqual({ state: 5, index: 1 });
  });

  test('an empty state survives a snapshot', async () => {
    const machine = replicatedMachine((state: readonly string[], word: string) => [...state, word], [], msgpackCodec<readonly string[]>());
    const other = replicatedMachine((state: readonly string[]) => state, ['x'], msgpackCodec<readonly string[]>());
    await other.restore(machine.snapshot());
    expect(other.current.value).toEqual({ state: [], index: 0 });
  });
});
