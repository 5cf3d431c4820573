import type { Entry } from '../../lib/core/entry.js';
import { Applier } from '../../lib/node/applier.js';
import type { AppliedRange } from '../../lib/node/proposals.js';
import { MAX_BUSY_MS } from '../../lib/node/turn-loop.js';
import { bytesCodec } from '../../lib/ports/codec.js';
import type { Committed, StateMachine } from '../../lib/ports/state-machine.js';
import type { Storage } from '../../lib/ports/storage.js';
import { ManualClock } from '../support/manual-clock.js';
import { MemoryCluster, outcomeOf } from '../support/memory-cluster.js';

const entry = (index: number, kind: Entry['kind'] = 'command'): Entry => ({ index, term: 1, kind, payload: new Uint8Array([index]) });

describe('Applier', () => {
  let clock: ManualClock;
  let applied: { readonly range: AppliedRange; readonly applyMs: number }[];
  let faults: string[];
  let batches: number[][];
  beforeEach(() => {
    clock = new ManualClock();
    applied = [];
    faults = [];
    batches = [];
  });

  const applier = (apply: (batch: readonly Committed<Uint8Array>[]) => readonly number[] | Promise<readonly number[]>, read: Storage['read'] = () => Promise.reject(new Error('not to be read'))) =>
    new Applier({
      stateMachine: {
        apply: (batch) => {
          batches.push(batch.map(({ index }) => index));
          return apply(batch);
        },
      } as StateMachine<Uint8Array, number>, // the rest is not called
      codec: bytesCodec,
      storage: { read } as Storage, // the rest is not called
      maxApplyBytes: 1000,
      clock,
      onApplied: (range, applyMs) => applied.push({ range, applyMs }),
      onFault: (operation, error) => faults.push(`${operation}: ${error instanceof Error ? error.message : String(error)}`),
    });
  const double = (batch: readonly Committed<Uint8Array>[]): number[] => batch.map(({ index }) => 2 * index);

  test('a machine that answers at once is done at once', () => {
    const entries = [entry(3), entry(4)];
    applier(double).apply({ from: 3, to: 4, entries });
    expect(applied).toEqual([{ range: { entries, results: [6, 8] }, applyMs: 0 }]);
  });

  test('results are lined up with the entries that are commands', () => {
    applier(double).apply({ from: 1, to: 4, entries: [entry(1, 'configuration'), entry(2), entry(3, 'noop'), entry(4)] });
    expect(batches).toEqual([[2, 4]]);
    expect(applied[0]?.range.results).toEqual([undefined, 4, undefined, 8]);
  });

  test('a range without commands does not trouble the machine', () => {
    applier(double).apply({ from: 1, to: 1, entries: [entry(1, 'noop')] });
    expect(batches).toEqual([]);
    expect(applied[0]?.range.results).toEqual([undefined]);
  });

  test('a machine may take its time, which is measured', async () => {
    let finish: (results: readonly number[]) => void = () => undefined;
    applier(() => new Promise((resolve) => (finish = resolve))).apply({ from: 3, to: 3, entries: [entry(3)] });
    await clock.advance(30);
    expect(applied).toEqual([]);
    finish([6]);
    await clock.settle();
    expect(applied).toMatchObject([{ range: { results: [6] }, applyMs: 30 }]);
  });

  test('the machine is not idle while the next batch runs, which begins before the end of the last one is seen', async () => {
    const ends: (() => void)[] = [];
    const slow = (batch: readonly Committed<Uint8Array>[]): Promise<number[]> => new Promise((resolve) => ends.push(() => resolve(double(batch))));
    const machine = applier(slow);
    applied.push = (...items) => {
      if (applied.length === 0) queueMicrotask(() => machine.apply({ from: 2, to: 2, entries: [entry(2)] })); // as the next turn does
      return Array.prototype.push.apply(applied, items);
    };
    machine.apply({ from: 1, to: 1, entries: [entry(1)] });
    let isIdle = false;
    const idle = machine.whenIdle().then(() => (isIdle = true));
    ends.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
    expect(batches).toEqual([[1], [2]]);
    expect([isIdle, machine.isIdle]).toEqual([false, false]);
    ends.shift()?.();
    await idle;
    expect(machine.isIdle).toBe(true);
  });

  test('entries that left memory are read back in pieces and applied in order', async () => {
    const stored = [1, 2, 3, 4, 5].map((index) => entry(index));
    const reads: [number, number, number][] = [];
    const read = async (from: number, to: number, maxBytes: number): Promise<Entry[]> => {
      reads.push([from, to, maxBytes]);
      return stored.slice(from - 1, Math.min(from + 1, to));
    };
    applier(double, read).apply({ from: 1, to: 5, entries: null });
    await clock.settle();
    expect(reads).toEqual([[1, 5, 1000], [3, 5, 1000], [5, 5, 1000]]);
    expect(applied.map(({ range }) => range.results)).toEqual([[2, 4], [6, 8], [10]]);
  });

  test('between pieces of a long log it lets go of the thread, once it held it for a while', async () => {
    const order: string[] = [];
    setImmediate(() => order.push('others'));
    const slow = (batch: readonly Committed<Uint8Array>[]): number[] => {
      order.push(`piece ${batch[0]?.index ?? 0}`);
      clock.block(MAX_BUSY_MS / 2);
      return double(batch);
    };
    applier(slow, async (from) => [entry(from)]).apply({ from: 1, to: 4, entries: null });
    await clock.settle();
    expect(order).toEqual(['piece 1', 'piece 2', 'others', 'piece 3', 'piece 4']);
  });

  test('once closed it gives the machine nothing more of a long log', async () => {
    const machine: Applier<Uint8Array, number, unknown, unknown> = applier((batch) => {
      if (batch[0]?.index === 2) machine.close();
      return double(batch);
    }, async (from) => [entry(from)]);
    machine.apply({ from: 1, to: 4, entries: null });
    await machine.whenIdle();
    expect(batches).toEqual([[1], [2]]);
    expect(faults).toEqual([]);
  });

  test.each([
    ['throws', () => { throw new Error('boom'); }, 'apply: boom'],
    ['rejects', () => Promise.reject(new Error('boom')), 'apply: boom'],
    ['gives too few results', () => [], 'apply: the state machine gave 0 results for 1 commands; it must give one for each, in order'],
    ['gives too many results, later', () => Promise.resolve([1, 2]), 'apply: the state machine gave 2 results for 1 commands; it must give one for each, in order'],
  ])('a machine that %s is at fault', async (_what, apply, fault) => {
    applier(apply).apply({ from: 3, to: 3, entries: [entry(3)] });
    await clock.settle();
    expect(faults).toEqual([fault]);
    expect(applied).toEqual([]);
  });

  test('a log that can\'t be read back is at fault', async () => {
    applier(double).apply({ from: 3, to: 3, entries: null });
    await clock.settle();
    expect(faults).toEqual(['apply: not to be read']);
  });
});

describe('a node whose state machine fails', () => {
  test.each([
    ['throws', () => { throw new Error('boom'); }],
    ['rejects', () => Promise.reject(new Error('boom'))],
    ['gives no results', () => []],
  ])('when it %s, the node stops with a FatalError and says that what it had accepted may take effect', async (_what, apply) => {
    const cluster = await MemoryCluster.started({ ids: ['a'] });
    const run = await cluster.leader();
    run.machine.apply = apply;
    const outcome = outcomeOf(run.node.propose('x'));
    await cluster.settle();
    expect(outcome).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError', reason: 'fatalError' } });
    expect(run.ended).toMatchObject({ name: 'FatalError', operation: 'apply' });
    expect(run.node.metrics.value).toMatchObject({ runningState: 'failed', leadership: null, pendingProposals: 0 });
  });

  test('an asynchronous machine gets one batch at a time, in order, and answers in order', async () => {
    const cluster = await MemoryCluster.started({ ids: ['a'] });
    const { node, machine } = await cluster.leader();
    const finish: (() => void)[] = [];
    const order: string[] = [];
    machine.apply = (batch) => {
      order.push(batch.map(({ command }) => command).join());
      return new Promise((resolve) => finish.push(() => resolve(batch.map(({ index }) => index))));
    };
    const outcomes = ['x', 'y', 'z'].map((word) => outcomeOf(node.propose(word)));
    await cluster.settle();
    const late = outcomeOf(node.propose('late'));
    await cluster.settle();
    expect(order).toEqual(['x,y,z']);
    expect(node.metrics.value.committed.index).toBe(6);
    expect(node.metrics.value.applied.index).toBe(2);
    finish[0]?.();
    await cluster.settle();
    expect(outcomes.map(({ value }) => value?.value)).toEqual([3, 4, 5]);
    expect(order).toEqual(['x,y,z', 'late']);
    expect(late.state).toBe('pending');
    finish[1]?.();
    await cluster.settle();
    expect(late.value?.value).toBe(6);
    await cluster.stop();
  });
});
