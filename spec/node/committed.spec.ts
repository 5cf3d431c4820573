import { Subject, take, toArray, firstValueFrom } from 'rxjs';
import type { Entry } from '../../lib/core/entry.js';
import { committedEntries, type AppliedLog } from '../../lib/node/committed.js';
import { waitFor } from '../../lib/node/operators/wait-for.js';
import { createRaftNode } from '../../lib/open.js';
import type { Clock } from '../../lib/ports/clock.js';
import { bytesCodec } from '../../lib/ports/codec.js';
import { StorageError } from '../../lib/ports/errors.js';
import type { Committed } from '../../lib/ports/state-machine.js';
import { MemoryStorage } from '../../lib/storage/memory.js';
import { MemoryNetwork } from '../../lib/transport/memory.js';
import { ListMachine } from '../support/list-machine.js';
import { MemoryCluster, type ListNode } from '../support/memory-cluster.js';
import { recorded } from '../support/recorded.js';

const indexes = (node: ListNode, from?: number) => recorded(node.committed(from === undefined ? {} : { from }), ({ index }) => index);
const words = (node: ListNode, from?: number) => recorded(node.committed(from === undefined ? {} : { from }), ({ command }) => command);

/** One node whose log is: 1 configuration, 2 no-op, 3… the words. */
async function withWords(count: number, settings = {}): Promise<MemoryCluster> {
  const cluster = await MemoryCluster.started({ ids: ['a'], settings });
  const { node } = await cluster.leader();
  for (let i = 1; i <= count; i += 1) await node.propose(`w${i}`);
  await cluster.settle();
  return cluster;
}

/** Time that runs so fast that the node lets I/O in before every turn. */
function hurriedClock(): Clock {
  let now = 0;
  return {
    now: () => (now += 6),
    wallTime: () => 0,
    schedule(_delayMs, callback) {
      const task = setImmediate(callback);
      return () => clearImmediate(task);
    },
    yield: (callback) => void setImmediate(callback),
  };
}

describe('node.committed', () => {
  test('replays the commands from the beginning, without the entries that are none, then follows', async () => {
    const cluster = await withWords(3);
    const { notes } = words(cluster.node('a'));
    await cluster.settle();
    expect(notes).toEqual(['w1', 'w2', 'w3']);
    await cluster.node('a').propose('w4');
    await cluster.settle();
    expect(notes).toEqual(['w1', 'w2', 'w3', 'w4']);
    await cluster.stop();
  });

  test('who follows finds in memory what is applied, also when more waits behind it than is kept there', async () => {
    const cluster = await withWords(1);
    const { node, options } = await cluster.leader();
    const { notes } = words(node);
    await cluster.settle();
    const reads = jest.spyOn(options.storage, 'read');
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(Array.from({ length: 1024 }, (_, i) => node.propose(`${round}.${i}${'x'.repeat(250)}`)));
      await cluster.settle();
    }
    expect(notes).toHaveLength(1 + 3 * 1024);
    expect(reads).not.toHaveBeenCalled();
    await cluster.stop();
  });

  test('gives each once and in order while the log grows under the replay', async () => {
    const cluster = await withWords(20, { logCacheBytes: 0 });
    const node = cluster.node('a');
    const seen = indexes(node);
    for (let i = 0; i < 30; i += 1) void node.propose(`more${i}`);
    await cluster.settle();
    expect(seen.notes).toEqual(Array.from({ length: 50 }, (_, i) => i + 3));
    await cluster.stop();
  });

  test('starts at `from`, and waits when that is beyond the end', async () => {
    const cluster = await withWords(3);
    const node = cluster.node('a');
    const middle = indexes(node, 4);
    const beyond = indexes(node, 7);
    await cluster.settle();
    expect(middle.notes).toEqual([4, 5]);
    expect(beyond.notes).toEqual([]);
    for (let i = 0; i < 3; i += 1) await node.propose('more');
    await cluster.settle();
    expect(middle.notes).toEqual([4, 5, 6, 7, 8]);
    expect(beyond.notes).toEqual([7, 8]);
    await cluster.stop();
  });

  test('what a call has returned is in the metrics, and comes before the end, although every turn is put off', async () => {
    const settings = { storage: new MemoryStorage(), transport: new MemoryNetwork().transport(), stateMachine: new ListMachine() };
    const node = createRaftNode<string, number, string, string[]>({ id: 'a', peers: { a: '' }, clock: hurriedClock(), ...settings });
    await node.start();
    await waitFor(node, ({ leadership }) => leadership?.established === true);
    const { notes } = recorded(node.committed(), ({ command }) => command);
    const applied: boolean[] = [];
    for (const word of ['one', 'two', 'three']) {
      const { index } = await node.propose(word);
      applied.push(node.metrics.value.applied.index >= index);
    }
    await node.stop();
    expect(applied).toEqual([true, true, true]);
    expect(notes).toEqual(['one', 'two', 'three', 'complete']);
  });

  test('each subscription is its own replay', async () => {
    const cluster = await withWords(2);
    const log = cluster.node('a').committed();
    const first = await firstValueFrom(log.pipe(take(2), toArray()));
    const second = await firstValueFrom(log.pipe(take(2), toArray()));
    expect(second).toEqual(first);
    await cluster.stop();
  });

  test('who unsubscribes in the middle of a chunk is given nothing more, and nothing more is read', async () => {
    const payload = new Uint8Array();
    const entries = [1, 2, 3].map((index): Entry => ({ index, term: 1, kind: 'command', payload }));
    let reads = 0;
    const log: AppliedLog = {
      appliedIndex: 3,
      progress: new Subject<void>(),
      readApplied: async () => {
        reads += 1;
        if (reads > 5) throw new Error('reads on although nobody listens');
        return entries;
      },
    };
    const seen: Committed<Uint8Array>[] = [];
    committedEntries(log, bytesCodec, {}).pipe(take(1)).subscribe((entry) => seen.push(entry));
    for (let i = 0; i < 50; i += 1) await Promise.resolve();
    expect(seen.map(({ index }) => index)).toEqual([1]);
    expect(reads).toBe(1);
  });

  test('ends at once when its signal is aborted, before or meanwhile, and lets go of the signal', async () => {
    const cluster = await withWords(1);
    const node = cluster.node('a');
    const controller = new AbortController();
    const removed = jest.spyOn(controller.signal, 'removeEventListener');
    const live = recorded(node.committed({ signal: controller.signal }), ({ command }) => command);
    await cluster.settle();
    controller.abort();
    expect(live.notes).toEqual(['w1', 'complete']);
    expect(removed).toHaveBeenCalled();
    expect(recorded(node.committed({ signal: controller.signal })).notes).toEqual(['complete']);
    await cluster.stop();
  });

  test('completes after stop, with everything that was applied', async () => {
    const cluster = await withWords(0);
    const { notes } = words(cluster.node('a'));
    await cluster.node('a').propose('last');
    await cluster.stop();
    expect(notes).toEqual(['last', 'complete']);
  });

  test('completes although stop closes the storage under the replay', async () => {
    const cluster = await withWords(3, { logCacheBytes: 0 });
    const node = cluster.node('a');
    const { notes } = words(node);
    await node.stop();
    await cluster.settle();
    expect(notes.at(-1)).toBe('complete');
  });

  test('errors with the FatalError when the node fails', async () => {
    const cluster = await withWords(1);
    const { notes } = words(cluster.node('a'));
    await cluster.settle();
    cluster.disk('a').failNextSync();
    await expect(cluster.node('a').propose('x')).rejects.toMatchObject({ name: 'ProposalIndeterminateError' });
    expect(notes).toEqual(['w1', expect.stringMatching(/^error: append failed/)]);
  });

  test('errors with a StorageError that names the log\'s beginning when `from` is compacted away', async () => {
    const cluster = await withWords(3);
    const applied = cluster.node('a').metrics.value.applied.index;
    await cluster.stop();
    await cluster.compact('a', applied - 1);
    const { node, machine } = await cluster.start('a');
    await cluster.leader();
    await cluster.settle();
    const { notes } = words(node);
    await cluster.settle();
    expect(notes).toEqual([`error: committed: the log begins at ${applied}: entry 1 is compacted into a snapshot`]);
    expect(words(node, applied).notes).toEqual([]);
    await expect(firstValueFrom(node.committed())).rejects.toBeInstanceOf(StorageError);
    expect(machine.words).toEqual(['w1', 'w2', 'w3']);
    await cluster.stop();
  });

  test('errors with a StoppedError when the node is not running', async () => {
    const cluster = new MemoryCluster({ ids: ['a'] });
    const { node } = cluster.create('a');
    expect(words(node).notes).toEqual([expect.stringMatching(/^error: the node is not started/)]);
    await node.stop();
    expect(words(node).notes).toEqual([expect.stringMatching(/^error: the node is stopped/)]);
  });
});
