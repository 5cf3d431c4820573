import { NEVER } from 'rxjs';
import { CurrentValue } from '../../../lib/node/metrics/current-value.js';
import { initialMetrics } from '../../../lib/node/metrics/initial.js';
import type { RaftMetrics } from '../../../lib/node/metrics/metrics.js';
import { waitFor } from '../../../lib/node/operators/wait-for.js';
import { ConfigError, StoppedError, TimeoutError } from '../../../lib/ports/errors.js';
import { body, electedIn } from '../../support/events.js';
import { FakeNode } from '../../support/fake-node.js';

const isLeader = ({ role }: RaftMetrics) => role === 'leader';
const never = () => false;

describe('waitFor', () => {
  let node: FakeNode;
  beforeEach(() => {
    jest.useFakeTimers();
    node = new FakeNode();
    node.turn(body('NodeStarted', { term: 0 }));
  });
  afterEach(() => {
    expect(jest.getTimerCount()).toBe(0);
    expect(node.stream['subject'].observed).toBe(false);
    jest.useRealTimers();
  });

  test('gives the metrics at once when they satisfy the predicate, and sets no timer', async () => {
    node.turn(...electedIn(1));
    const waiting = waitFor(node, isLeader, { timeoutMs: 1000 });
    expect(jest.getTimerCount()).toBe(0);
    await expect(waiting).resolves.toBe(node.metrics.value);
  });

  test('waits for them', async () => {
    const waiting = waitFor(node, isLeader, { timeoutMs: 1000, signal: new AbortController().signal });
    node.turn(body('ReadServed'));
    node.turn(...electedIn(1));
    await expect(waiting).resolves.toMatchObject({ role: 'leader', term: 1 });
  });

  test('rejects with a TimeoutError that names the limit', async () => {
    const waiting = waitFor(node, never, { timeoutMs: 250 });
    jest.advanceTimersByTime(250);
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError', operation: 'waitFor', timeoutMs: 250 });
    await expect(waiting).rejects.toBeInstanceOf(TimeoutError);
  });

  test('a limit of 0 asks about this moment alone', async () => {
    const waiting = waitFor(node, never, { timeoutMs: 0 });
    jest.advanceTimersByTime(0);
    await expect(waiting).rejects.toBeInstanceOf(TimeoutError);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])('rejects a limit of %p, which no timer can keep', async (timeoutMs) => {
    await expect(waitFor(node, never, { timeoutMs })).rejects.toBeInstanceOf(ConfigError);
  });

  test('rejects with the signal’s reason, before or during the wait', async () => {
    const reason = new Error('changed my mind');
    const controller = new AbortController();
    const during = waitFor(node, never, { signal: controller.signal });
    controller.abort(reason);
    await expect(during).rejects.toBe(reason);
    node.turn(...electedIn(1));
    await expect(waitFor(node, isLeader, { signal: controller.signal })).rejects.toBe(reason);
  });

  test('leaves no listener on the signal', async () => {
    const { signal } = new AbortController();
    const add = jest.spyOn(signal, 'addEventListener');
    const remove = jest.spyOn(signal, 'removeEventListener');
    const waiting = waitFor(node, isLeader, { signal });
    node.turn(...electedIn(1));
    await waiting;
    expect([add.mock.calls.length, remove.mock.calls.length]).toEqual([1, 1]);
  });

  test('rejects with a StoppedError when the node stops first, or had stopped', async () => {
    const waiting = waitFor(node, never);
    node.stop();
    await expect(waiting).rejects.toMatchObject({ name: 'StoppedError', state: 'stopped' });
    await expect(waitFor(node, never)).rejects.toBeInstanceOf(StoppedError);
  });

  test('waits for the stop itself, too', async () => {
    const waiting = waitFor(node, ({ runningState }) => runningState === 'stopped');
    node.stop();
    await expect(waiting).resolves.toMatchObject({ runningState: 'stopped' });
  });

  test('rejects with the node’s own fault when it fails first', async () => {
    const waiting = waitFor(node, never);
    const fault = new Error('disk');
    node.fail(fault);
    await expect(waiting).rejects.toBe(fault);
  });

  test('rejects with what the predicate throws', async () => {
    const waiting = waitFor(node, ({ role }) => {
      if (role === 'leader') throw new Error('predicate');
      return false;
    });
    node.turn(...electedIn(1));
    await expect(waiting).rejects.toThrow('predicate');
  });

  test('a predicate that waits itself is no trouble', async () => {
    const inner: Promise<RaftMetrics>[] = [];
    const outer = waitFor(node, (metrics) => {
      if (isLeader(metrics)) inner.push(waitFor(node, isLeader));
      return isLeader(metrics);
    });
    node.turn(...electedIn(1));
    expect(await Promise.all([outer, ...inner])).toEqual([node.metrics.value, node.metrics.value]);
  });

  test('silent metrics wait for ever', async () => {
    const silent = { metrics: new CurrentValue(() => initialMetrics(), (subscriber) => NEVER.subscribe(subscriber)) };
    const outcome = jest.fn();
    void waitFor(silent, () => true).then(outcome, outcome);
    await Promise.resolve();
    expect(outcome).not.toHaveBeenCalled();
  });
});
