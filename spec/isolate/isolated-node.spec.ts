import { firstValueFrom, from, Subject, take, takeLast, toArray } from 'rxjs';
import type { RaftEvent } from '../../lib/core/events.js';
import { initialMetrics, toMetrics, waitFor } from '../../lib/node/index.js';
import { ConfigError, OverloadedError, StorageError, StoppedError, TimeoutError } from '../../lib/ports/errors.js';
import type { Committed } from '../../lib/ports/state-machine.js';
import { ListMachine } from '../support/list-machine.js';
import { IsolatedNodes } from './fixture.js';

// Real threads, disks and sockets, on a machine that may be busy with other things.
jest.setTimeout(30_000);

describe('a node in a thread of its own', () => {
  let nodes: IsolatedNodes;
  beforeEach(() => {
    nodes = new IsolatedNodes();
  });
  afterEach(() => nodes.dispose());

  it('takes commands in order, gives the machine\'s own results, and answers queries from the machine here', async () => {
    const { node, machine } = await nodes.leaderAlone();
    const first = await node.propose('one');
    const batch = await node.proposeBatch(['two', 'three']);
    expect([first.value, ...batch.map(({ value }) => value)]).toEqual([1, 2, 3]);
    expect(batch.map(({ index, term }) => [index - first.index, term - first.term])).toEqual([[1, 0], [2, 0]]);
    expect(machine.words).toEqual(['one', 'two', 'three']);
    expect(await node.read('all')).toEqual(['one', 'two', 'three']);
    expect(await node.read('all', { consistency: 'stale' })).toEqual(['one', 'two', 'three']);
    expect(await node.read('all', { consistency: 'lease' })).toEqual(['one', 'two', 'three']);
    expect(node.stalenessMs).toBeGreaterThanOrEqual(0);
    expect(node.stalenessMs).toBeLessThan(60_000);
  });

  it('gives results that no codec could carry', async () => {
    class Keen extends ListMachine {
      override apply(batch: readonly Committed<string>[]): readonly number[] {
        return batch.map(() => Symbol.iterator as unknown as number);
      }
    }
    const { node } = await nodes.leaderAlone({ stateMachine: new Keen() });
    expect((await node.propose('x')).value).toBe(Symbol.iterator);
  });

  it('publishes every event once, in order, gapless, and the metrics are their fold inside every handler', async () => {
    const made = nodes.make('a', '127.0.0.1:0', { peers: { a: '127.0.0.1:1' } });
    const { node, events } = made;
    const reported: RaftEvent[] = [];
    const torn: number[] = [];
    node.events.subscribe((event) => {
      reported.push(event);
      if (node.metrics.value.seq < event.seq) torn.push(event.seq);
    });
    await node.start();
    await waitFor(node, ({ leadership }) => leadership?.established === true);
    const { index } = await node.propose('one');
    expect(node.metrics.value.applied.index).toBeGreaterThanOrEqual(index);
    await node.stop();
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
    expect(reported).toEqual(events);
    expect(torn).toEqual([]);
    expect(events.at(-1)).toMatchObject({ type: 'NodeStopped', reason: 'requested', nodeId: 'a', runId: node.metrics.value.runId });
    const folded = await firstValueFrom(from(events).pipe(toMetrics(initialMetrics('a', node.metrics.value.runId)), takeLast(1)));
    expect(folded).toEqual(node.metrics.value);
  });

  it('refuses calls before it runs and after it stopped, as any node', async () => {
    const { node } = nodes.make('a', '127.0.0.1:0', { peers: { a: '127.0.0.1:1' } });
    await expect(node.propose('x')).rejects.toThrow(new StoppedError('not started'));
    expect(() => node.campaign()).toThrow(StoppedError);
    await expect(firstValueFrom(node.committed())).rejects.toBeInstanceOf(StoppedError);
    await node.start();
    await expect(node.start()).rejects.toBeInstanceOf(StoppedError);
    const stopped = node.stop();
    await expect(node.read('x')).rejects.toThrow(new StoppedError('stopping'));
    await stopped;
    expect(node.stop()).toBe(node.stop());
    await expect(node.takeSnapshot()).rejects.toThrow(new StoppedError('stopped'));
    await expect(node.start()).rejects.toBeInstanceOf(StoppedError);
  });

  it('that was never started stops all the same', async () => {
    const { node, events } = nodes.make('a', '127.0.0.1:0');
    await node.stop();
    expect(events.map(({ type }) => type)).toEqual(['NodeStopped']);
    await expect(node.start()).rejects.toBeInstanceOf(StoppedError);
  });

  it('lists every wrong option at once, and those that can\'t go to another thread', () => {
    const attempt = (): unknown => nodes.make('a b', 'nowhere', { clock: { now: () => 0, wallTime: () => 0, schedule: () => () => undefined, yield: () => undefined }, turnObserver: () => undefined, tls: () => ({ ca: '', cert: '', key: '' }) });
    let thrown: unknown;
    try {
      attempt();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ConfigError);
    expect((thrown as ConfigError).problems.map(({ option }) => option).sort()).toEqual(['clock', 'id', 'listen', 'tls', 'turnObserver']);
  });

  it('ends calls by their limits and signals', async () => {
    class Stuck extends ListMachine {
      override apply(): Promise<number[]> {
        return new Promise(() => undefined);
      }
      override query(): Promise<string[]> {
        return new Promise(() => undefined);
      }
    }
    const { node } = await nodes.leaderAlone({ stateMachine: new Stuck(), maxPendingProposals: 5, drainTimeoutMs: 0 });
    const reason = new Error('enough');
    await expect(node.read('x', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(node.propose('x', { timeoutMs: 0 })).rejects.toBeInstanceOf(ConfigError);
    await expect(node.read('x', { timeoutMs: 20, consistency: 'stale' })).rejects.toThrow(new TimeoutError('read', 20));
    const aborter = new AbortController();
    const read = node.read('x', { signal: aborter.signal });
    const proposal = node.propose('x', { signal: aborter.signal });
    await waitFor(node, ({ pendingProposals }) => pendingProposals === 1);
    aborter.abort(reason);
    await expect(read).rejects.toBe(reason);
    await expect(proposal).rejects.toMatchObject({ name: 'ProposalIndeterminateError', reason: 'aborted', cause: reason });
    await expect(node.propose('x', { timeoutMs: 30 })).rejects.toMatchObject({ name: 'ProposalIndeterminateError', reason: 'timeout' });
    const filling = Promise.allSettled([1, 2, 3, 4, 5].map(() => node.propose('x'))); // those that ended leave room again
    await expect(node.propose('x')).rejects.toBeInstanceOf(OverloadedError);
    await node.stop();
    const indeterminate = { status: 'rejected', reason: expect.objectContaining({ name: 'ProposalIndeterminateError', reason: 'stopped' }) as unknown };
    expect(await filling).toEqual(Array.from({ length: 5 }, () => indeterminate));
  });

  it('replays its log and follows it, as far as it is kept', async () => {
    const { node } = await nodes.leaderAlone();
    const live = firstValueFrom(node.committed().pipe(take(3), toArray()));
    await node.proposeBatch(['one', 'two']);
    const { index } = await node.propose('three');
    expect((await live).map(({ command }) => command)).toEqual(['one', 'two', 'three']);
    const late = await firstValueFrom(node.committed({ from: index }));
    expect(late).toMatchObject({ index, command: 'three' });
    await node.takeSnapshot();
    node.compactLog(index);
    await waitFor(node, ({ compacted }) => compacted.index === index);
    await expect(firstValueFrom(node.committed())).rejects.toBeInstanceOf(StorageError);
    const aborter = new AbortController();
    const cut = firstValueFrom(node.committed({ from: index + 1, signal: aborter.signal }).pipe(toArray()));
    aborter.abort();
    expect(await cut).toEqual([]);
    const following = firstValueFrom(node.committed({ from: index + 1 }).pipe(toArray()));
    await node.stop();
    expect(await following).toEqual([]);
  });

  it('a follower of the log that is slow to take it holds back no more than a window, and misses nothing', async () => {
    const { node } = await nodes.leaderAlone();
    const long = 'x'.repeat(100_000);
    await node.proposeBatch(Array.from({ length: 40 }, (_, at) => `${at}${long}`));
    const seen = await firstValueFrom(node.committed().pipe(take(40), toArray()));
    expect(seen.map(({ command }) => Number.parseInt(command, 10))).toEqual(Array.from({ length: 40 }, (_, at) => at));
  });

  it('takes a snapshot of a size beyond every window, and starts from it again', async () => {
    const { node } = await nodes.leaderAlone();
    const words = Array.from({ length: 30 }, (_, at) => `${at} ${'y'.repeat(100_000)}`);
    await node.proposeBatch(words);
    const { last, bytes } = await node.takeSnapshot();
    expect(bytes).toBe(words.join('\n').length);
    node.compactLog(last.index);
    await waitFor(node, ({ compacted }) => compacted.index === last.index);
    await node.stop();
    const again = await nodes.leaderAlone();
    expect(again.machine.words).toEqual(words);
    expect(again.node.metrics.value.snapshot).toEqual(last);
  });

  it('reports what the machine has to say among its own events', async () => {
    const notices = new Subject<{ readonly type: 'SessionOpened'; readonly session: number }>();
    class Talkative extends ListMachine {
      readonly notices = notices;
      override apply(batch: readonly Committed<string>[]): readonly number[] | Promise<readonly number[]> {
        for (const { index } of batch) notices.next({ type: 'SessionOpened', session: index });
        return super.apply(batch);
      }
    }
    const { node, events } = await nodes.leaderAlone({ stateMachine: new Talkative() });
    const { index } = await node.propose('x');
    expect(events).toContainEqual(expect.objectContaining({ type: 'SessionOpened', session: index }));
  });

  it('a reporter that throws is told of among the events, and loses none', async () => {
    const failures: unknown[] = [];
    const seen: RaftEvent[] = [];
    const report = (event: RaftEvent): void => {
      seen.push(event);
      if (event.type === 'ElectionWon') throw new Error('ouch');
    };
    const { node, events } = await nodes.leaderAlone({ reporter: { report }, onUnhandledError: (error) => failures.push(error) });
    await node.stop();
    expect(failures).toEqual([new Error('ouch')]);
    expect(seen).toEqual(events);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
    expect(events).toContainEqual(expect.objectContaining({ type: 'SubscriberFailed', error: 'ouch', count: 1 }));
    expect(node.metrics.value.counters.subscriberErrors).toBe(1);
  });
});
