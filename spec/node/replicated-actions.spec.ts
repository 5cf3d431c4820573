import type { NodeId } from '../../lib/core/ids.js';
import type { ReplicatedStore } from '../../lib/node/replicated.js';
import { openReplicated } from '../../lib/open.js';
import { MemoryDisk, MemoryStorage } from '../../lib/storage/memory.js';
import { MemoryNetwork } from '../../lib/transport/memory.js';
import { defined } from '../support/defined.js';
import { ManualClock, ProcessClock } from '../support/manual-clock.js';
import { outcomeOf } from '../support/memory-cluster.js';
import { recorded } from '../support/recorded.js';

type Words = ReplicatedStore<readonly string[], string>;

const IDS = ['a', 'b', 'c'];

/** Collects words, each as often as it is reduced; refuses an empty one. */
function collect(words: readonly string[], word: string): readonly string[] {
  if (word === '') throw new RangeError('no word');
  return [...words, word];
}

describe('the replicated store, exactly once', () => {
  let clock: ManualClock;
  let network: MemoryNetwork;
  let disks: Map<NodeId, MemoryDisk>;
  let stores: Map<NodeId, Words>;
  let clocks: Map<NodeId, ProcessClock>;
  let starts: number;

  const open = async (id: NodeId, sessionTimeoutMs = 300_000): Promise<Words> => {
    const own = new ProcessClock(clock);
    const store = await openReplicated<readonly string[], string>({
      node: {
        id,
        peers: Object.fromEntries(IDS.map((each) => [each, ''])),
        storage: new MemoryStorage(defined(disks.get(id))),
        transport: network.transport(),
        seed: (starts += 1),
        clock: own,
        snapshotPolicy: { entries: 10, bytes: 1 << 20, keepEntries: 2 },
      },
      reducer: collect,
      initial: [],
      sessions: { sessionTimeoutMs },
    });
    clocks.set(id, own);
    stores.set(id, store);
    return store;
  };
  const crash = (id: NodeId): void => {
    defined(clocks.get(id)).kill();
    network.detach(id);
    defined(disks.get(id)).crash();
    stores.delete(id);
  };
  const until = async (holds: () => boolean, what: string): Promise<void> => {
    await clock.settle();
    for (let waited = 0; !holds(); waited += 10) {
      if (waited > 30_000) throw new Error(`${what} did not come`);
      await clock.advance(10);
    }
  };
  const leader = async (): Promise<Words> => {
    const leading = (): Words[] => [...stores.values()].filter(({ node }) => node.metrics.value.leadership?.leaseValid === true && node.metrics.value.leadership.established);
    await until(() => leading().length === 1, 'a leader');
    return defined(leading()[0]);
  };
  const follower = async (): Promise<Words> => {
    const leading = await leader();
    return defined([...stores.values()].find((store) => store !== leading));
  };
  const dispatched = async (store: Words, ...words: string[]): Promise<void> => {
    for (const each of words) {
      const outcome = outcomeOf(store.dispatch(each, { timeoutMs: 60_000 }));
      await until(() => outcome.state !== 'pending', `the dispatch of ${each}`);
      expect(outcome).toMatchObject({ state: 'resolved' });
    }
  };

  beforeEach(() => {
    clock = new ManualClock();
    network = new MemoryNetwork({ clock });
    disks = new Map(IDS.map((id) => [id, new MemoryDisk({ clock })]));
    stores = new Map();
    clocks = new Map();
    starts = 0;
  });
  afterEach(async () => {
    network.intercept(null);
    network.heal();
    const stopped = Promise.all([...stores.values()].map((store) => store.stop()));
    await clock.advance(10_000);
    await stopped;
  });

  test('an action dispatched before there is a leader waits for one', async () => {
    const [store] = await Promise.all(IDS.map((id) => open(id)));
    const outcome = outcomeOf(defined(store).dispatch('early'));
    await clock.settle();
    expect(outcome.state).toBe('pending');
    await until(() => outcome.state === 'resolved', 'the dispatch');
    expect(defined(store).state.value).toEqual(['early']);
  });

  test('an action whose answer is lost with its leader is reduced once, and its dispatch resolves', async () => {
    await Promise.all(IDS.map((id) => open(id)));
    const leading = await leader();
    const store = await follower();
    await dispatched(store, 'before');
    network.intercept((_from, _to, message) => (message.type === 'forwardReply' ? 'drop' : 'deliver'));
    const outcome = outcomeOf(store.dispatch('once'));
    await clock.advance(300);
    expect(leading.state.value).toEqual(['before', 'once']);
    crash(leading.node.id);
    network.intercept(null);
    await until(() => outcome.state !== 'pending', 'the dispatch');
    expect(outcome.state).toBe('resolved');
    await dispatched(store, 'after');
    await clock.advance(500);
    for (const { state } of stores.values()) expect(state.value).toEqual(['before', 'once', 'after']);
    const actions = recorded(store.actions({ from: 1 }), ({ action }) => action);
    await clock.settle();
    expect(actions.notes).toEqual(['before', 'once', 'after']);
  });

  test('a store whose session has expired opens another one and dispatches there what was refused', async () => {
    await Promise.all(IDS.map((id) => open(id, 5_000)));
    const leading = await leader();
    const store = await follower();
    await dispatched(store, 'first');
    await dispatched(leading, 'second');
    const opened = (): number => leading.node.metrics.value.counters.sessionsOpened;
    expect(opened()).toBe(2);
    network.isolate(store.node.id);
    await clock.advance(8_000);
    network.heal();
    await clock.advance(20);
    await dispatched(store, 'third');
    expect(leading.node.metrics.value.counters.sessionsExpired).toBe(1);
    expect(opened()).toBe(3);
    await clock.advance(500);
    expect(leading.state.value).toEqual(['first', 'second', 'third']);
  });

  test('actions: those to come, in order, with index and term; folding them on the state gives the next states', async () => {
    await Promise.all(IDS.map((id) => open(id)));
    const store = await follower();
    await dispatched(store, 'a', 'b');
    const from = store.state.value;
    const live = recorded(store.actions());
    await dispatched(store, 'c');
    await expect(store.dispatch('')).rejects.toMatchObject({ name: 'ActionRefusedError' });
    await dispatched(await leader(), 'd');
    await clock.advance(300);
    const { term } = store.node.metrics.value;
    expect(live.notes).toMatchObject([{ action: 'c', term }, { action: '', term }, { action: 'd', term }]);
    const indexes = live.notes.map((note) => (typeof note === 'string' ? 0 : note.index));
    expect([...indexes].sort((a, b) => a - b)).toEqual(indexes);
    const folded = live.notes.reduce((state, note) => (typeof note === 'string' || note.action === '' ? state : collect(state, note.action)), from);
    expect(folded).toEqual(store.state.value);
    const replayed = recorded(store.actions({ from: 1 }), ({ action }) => action);
    await clock.settle();
    expect(replayed.notes).toEqual(['a', 'b', 'c', '', 'd']);
    const stopped = store.stop();
    await clock.advance(5_000);
    await stopped;
    stores.delete(store.node.id);
    expect(live.notes.at(-1)).toBe('complete');
  });

  test('actions from before what the log still holds are an error, not a gap', async () => {
    await Promise.all(IDS.map((id) => open(id)));
    const leading = await leader();
    await dispatched(leading, ...Array.from({ length: 30 }, (_, at) => `w${at}`));
    await until(() => leading.node.metrics.value.compacted.index > 1, 'a compaction');
    const actions = recorded(leading.actions({ from: 1 }));
    await clock.settle();
    expect(actions.notes).toEqual([expect.stringContaining('compacted into a snapshot')]);
  });

  test('a late joiner is restored from a snapshot: its state only grows, from the first value to the last', async () => {
    await Promise.all(['a', 'b'].map((id) => open(id)));
    const leading = await leader();
    const words = Array.from({ length: 40 }, (_, at) => `w${at}`);
    await dispatched(leading, ...words.slice(0, 30));
    const late = await open('c');
    const lengths = recorded(late.state, (state) => state.length);
    await until(() => late.state.value.length === 30, 'the state');
    expect(late.node.metrics.value.counters.snapshotsReceived).toBe(1);
    await dispatched(late, ...words.slice(30));
    expect(late.state.value).toEqual(words);
    expectGrowing(lengths.notes);
  });

  test('a node that falls behind while it runs is restored by a snapshot: its state never goes back to the beginning', async () => {
    await Promise.all(IDS.map((id) => open(id)));
    const leading = await leader();
    const store = await follower();
    await dispatched(leading, 'x', 'y');
    await clock.advance(300);
    const lengths = recorded(store.state, (state) => state.length);
    expect(store.state.value).toHaveLength(2);
    network.isolate(store.node.id);
    await dispatched(leading, ...Array.from({ length: 40 }, (_, at) => `w${at}`));
    network.heal();
    await until(() => store.state.value.length === 42, 'the snapshot');
    expect(store.node.metrics.value.counters.snapshotsReceived).toBe(1);
    expectGrowing(lengths.notes);
    expect(lengths.notes[0]).toBe(2);
  });

  test('a restarted node begins at its snapshot, and its state only grows', async () => {
    await Promise.all(IDS.map((id) => open(id)));
    const store = await follower();
    await dispatched(store, ...Array.from({ length: 25 }, (_, at) => `w${at}`));
    const { id } = store.node;
    crash(id);
    const again = await open(id);
    expect(again.state.value.length).toBeGreaterThan(0);
    const lengths = recorded(again.state, (state) => state.length);
    await until(() => again.state.value.length === 25, 'the state');
    expectGrowing(lengths.notes);
  });

  function expectGrowing(lengths: readonly (number | string)[]): void {
    const numbers = lengths.map(Number);
    expect([...new Set(numbers)].sort((a, b) => a - b)).toEqual(numbers);
  }
});
