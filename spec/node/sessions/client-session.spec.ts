import { Subject } from 'rxjs';
import { initialMetrics } from '../../../lib/node/metrics/initial.js';
import type { RaftMetrics } from '../../../lib/node/metrics/metrics.js';
import type { CallOptions, ObservableValue } from '../../../lib/node/raft-node.js';
import { openSession } from '../../../lib/node/sessions/open-session.js';
import type { SessionNode } from '../../../lib/node/sessions/persistent-proposer.js';
import type { CallSignal } from '../../../lib/ports/call-signal.js';
import { ConfigError, NotLeaderError, OverloadedError, ProposalIndeterminateError, ProposalRejectedError, StoppedError, TimeoutError } from '../../../lib/ports/errors.js';
import { ManualClock } from '../../support/manual-clock.js';
import { outcomeOf } from '../../support/memory-cluster.js';
import { SessionCluster } from '../../support/session-cluster.js';
import type { WordCommand, WordResult } from '../../support/session-entries.js';

/** A node that answers as the test says; opens session 1 with a window of two. */
class ScriptedNode implements SessionNode<string, number> {
  readonly metrics = { value: { ...initialMetrics('a', 'run-1'), runningState: 'running' } as RaftMetrics } as unknown as ObservableValue<RaftMetrics>; // the value alone is read
  readonly serverMetrics = new Subject<RaftMetrics>();
  readonly proposed: (WordCommand & { readonly signal?: CallSignal | undefined; readonly timeoutMs?: number | undefined })[] = [];
  /** What each command after the first comes to. */
  answer: (command: WordCommand, attempt: number) => Promise<WordResult> = (command) =>
    Promise.resolve(command.type === 'command' ? { type: 'applied', index: 10 + command.sequence, term: 2, value: command.sequence } : { type: 'kept' });

  propose(command: WordCommand, { signal, timeoutMs }: CallOptions = {}): Promise<{ index: number; term: number; value: WordResult }> {
    this.proposed.push({ ...command, signal, timeoutMs });
    const opened: WordResult = { type: 'opened', session: 1, sessionTimeoutMs: 3_000, maxResultsPerSession: 2 };
    const value = command.type === 'openSession' ? Promise.resolve(opened) : this.answer(command, this.proposed.length);
    return value.then((result) => ({ index: 99, term: 9, value: result }));
  }

  commands(): string[] {
    return this.proposed.flatMap((command) => (command.type === 'command' ? [`${command.command}#${command.sequence} ack ${command.ackedThrough}`] : []));
  }

  /** Another leader is known. */
  leads(leaderId: string, term: number): void {
    this.serverMetrics.next({ ...this.metrics.value, leaderId, term });
  }
}

describe('a client session', () => {
  let clock: ManualClock;
  let node: ScriptedNode;
  const never = () => new Promise<WordResult>(() => undefined);
  const open = (options: Parameters<typeof openSession>[1] = {}) => openSession<string, number>(node, { clock, ...options });
  beforeEach(() => {
    clock = new ManualClock();
    node = new ScriptedNode();
  });

  test('gives where the command was applied first, not where the last attempt stands', async () => {
    const session = await open();
    await expect(session.propose('x')).resolves.toEqual({ index: 11, term: 2, value: 1 });
    expect(session.id).toBe(1);
  });

  test('keeps to the machine\'s window: the rest waits in order, and what is answered is acknowledged', async () => {
    const session = await open();
    const answers: ((result: WordResult) => void)[] = [];
    node.answer = () => new Promise((resolve) => answers.push(resolve));
    const outcomes = ['a', 'b', 'c', 'd'].map((each) => outcomeOf(session.propose(each)));
    await clock.settle();
    expect(node.commands()).toEqual(['a#1 ack 0', 'b#2 ack 0']);
    answers[1]?.({ type: 'applied', index: 5, term: 1, value: 0 }); // the second alone makes no room: the first is not acknowledged
    await clock.settle();
    expect(node.commands()).toHaveLength(2);
    answers[0]?.({ type: 'applied', index: 4, term: 1, value: 0 });
    await clock.settle();
    expect(node.commands().slice(2)).toEqual(['c#3 ack 2', 'd#4 ack 2']);
    expect(outcomes.map(({ state }) => state)).toEqual(['resolved', 'resolved', 'pending', 'pending']);
  });

  test('a command that waits may be aborted or run out of time: it uses no sequence, and nothing is left of it', async () => {
    const session = await open({ maxWaiting: 2 });
    node.answer = never;
    const controller = new AbortController();
    const first = outcomeOf(session.propose('a', { signal: controller.signal }));
    const second = outcomeOf(session.propose('b', { signal: controller.signal }));
    const timed = outcomeOf(session.propose('c', { timeoutMs: 100 }));
    const aborted = outcomeOf(session.propose('d', { signal: controller.signal }));
    await expect(session.propose('e')).rejects.toBeInstanceOf(OverloadedError);
    await clock.advance(100);
    expect(timed).toMatchObject({ state: 'rejected', error: { name: 'TimeoutError' } });
    controller.abort(new Error('enough'));
    await clock.settle();
    expect(aborted.error).toEqual(new Error('enough'));
    expect(node.proposed.filter(({ signal }) => signal?.aborted === true)).toHaveLength(2);
    void [first, second];
  });

  test.each([
    ['no leader', new NotLeaderError(null, null) as Error],
    ['a transfer', new ProposalRejectedError('leadership is being transferred') as Error],
    ['too much work', new OverloadedError('x', 1)],
    ['an attempt that did not get its turn', new TimeoutError('propose', 1)],
    ['a leader that stops', new StoppedError('stopping (the leader)')],
    ['a lost connection', new ProposalIndeterminateError('connectionLost')],
  ])('tries again after %s, with the same sequence', async (_what, error) => {
    const session = await open();
    const { answer } = node;
    node.answer = (command, attempt) => (attempt < 5 ? Promise.reject(error) : answer(command, attempt));
    const outcome = outcomeOf(session.propose('x'));
    await clock.advance(1_000);
    expect(outcome).toMatchObject({ state: 'resolved', value: { value: 1 } });
    expect(node.commands()).toEqual(['x#1 ack 0', 'x#1 ack 0', 'x#1 ack 0', 'x#1 ack 0']);
  });

  test('tries again at once when another leader is known, and not because the same one is named again', async () => {
    const session = await open();
    node.leads('a', 1);
    node.answer = (_command, attempt) => (node.proposed[attempt - 1]?.signal === undefined ? never() : new Promise((_resolve, reject) => node.proposed[attempt - 1]?.signal?.addEventListener('abort', () => reject(new ProposalIndeterminateError('aborted')))));
    const outcome = outcomeOf(session.propose('x'));
    await clock.settle();
    node.leads('a', 1);
    await clock.settle();
    expect(node.commands()).toHaveLength(1);
    node.leads('b', 2);
    await clock.settle();
    expect(node.commands()).toHaveLength(2);
    expect(outcome.state).toBe('pending');
  });

  test('each attempt may take twice as long as the one before, within the time of the call', async () => {
    const session = await open({ attemptTimeoutMs: 100 });
    node.answer = () => Promise.reject(new NotLeaderError(null, null));
    const outcome = outcomeOf(session.propose('x', { timeoutMs: 500 }));
    await clock.advance(500);
    expect(node.proposed.slice(1).map(({ timeoutMs }) => timeoutMs)).toEqual([100, 200, 400, 360, 200]);
    expect(outcome).toMatchObject({ state: 'rejected', error: { name: 'TimeoutError', cause: { name: 'NotLeaderError' } } });
  });

  test('an error that trying again does not mend is the caller\'s, or indeterminate when an attempt may have taken effect', async () => {
    const session = await open();
    node.answer = () => Promise.reject(new TypeError('can\'t encode'));
    await expect(session.propose('x')).rejects.toThrow('can\'t encode');
    node.answer = (_command, attempt) => Promise.reject(attempt === 3 ? new ProposalIndeterminateError('connectionLost') : new TypeError('gone'));
    const outcome = outcomeOf(session.propose('y'));
    await clock.advance(100);
    expect(outcome.error).toEqual(new ProposalIndeterminateError('connectionLost'));
  });

  test('refusals have their errors', async () => {
    const session = await open();
    for (const [reason, error] of [['resultLost', ProposalIndeterminateError], ['malformed', ProposalRejectedError]] as const) {
      node.answer = () => Promise.resolve({ type: 'refused', reason });
      await expect(session.propose('x')).rejects.toBeInstanceOf(error);
    }
    node.answer = () => Promise.resolve({ type: 'kept' });
    await expect(session.propose('x')).rejects.toBeInstanceOf(ProposalRejectedError);
    expect(session.state).toBe('open');
  });

  test('is kept alive after a third of its time without a command, carrying the acknowledgement, and no oftener', async () => {
    const session = await open();
    const keptAt = (): number => node.proposed.filter(({ type }) => type === 'keepAlive').length;
    await clock.advance(999);
    expect(keptAt()).toBe(0);
    await session.propose('x');
    await clock.advance(999);
    expect(keptAt()).toBe(0);
    await clock.advance(1);
    expect(node.proposed.at(-1)).toMatchObject({ type: 'keepAlive', session: 1, ackedThrough: 1, wallTime: clock.wallTime() });
    await clock.advance(1_000);
    expect(keptAt()).toBe(2);
    await session.close();
    await clock.advance(10_000);
    expect(keptAt()).toBe(2);
    expect(node.proposed.at(-1)).toMatchObject({ type: 'closeSession', session: 1 });
    expect(clock.pendingTimers).toBe(0);
  });

  test('whose keep-alive is refused has expired: what waits is refused with it', async () => {
    const session = await open();
    const { answer } = node;
    node.answer = (command, attempt) => (command.type === 'keepAlive' ? Promise.resolve({ type: 'refused', reason: 'noSession' }) : command.type === 'command' ? never() : answer(command, attempt));
    const outcomes = ['a', 'b', 'c'].map((each) => outcomeOf(session.propose(each, { timeoutMs: 9_000 })));
    await clock.advance(1_000);
    expect(session.state).toBe('expired');
    expect(outcomes.map(({ state }) => state)).toEqual(['pending', 'pending', 'rejected']);
    await expect(session.propose('d')).rejects.toMatchObject({ name: 'SessionExpiredError', reason: 'expired' });
  });

  test('closing waits for what is under way, takes nothing new, and happens once', async () => {
    const session = await open();
    let finish: (result: WordResult) => void = () => undefined;
    const { answer } = node;
    node.answer = (command, attempt) => (command.type === 'command' ? new Promise((resolve) => (finish = resolve)) : answer(command, attempt));
    const outcome = outcomeOf(session.propose('x'));
    const closed = outcomeOf(session.close());
    expect(session.close()).toBe(session.close());
    await clock.settle();
    expect(closed.state).toBe('pending');
    await expect(session.propose('y')).rejects.toMatchObject({ name: 'SessionExpiredError', reason: 'closed' });
    finish({ type: 'applied', index: 4, term: 1, value: 7 });
    await clock.settle();
    expect([outcome.state, closed.state]).toEqual(['resolved', 'resolved']);
  });

  test('ends quietly with its node: no keep-alive, no timer, and closing it is done at once', async () => {
    const session = await open();
    node.serverMetrics.complete();
    await clock.advance(10_000);
    expect(node.proposed).toHaveLength(1);
    await session.close();
    expect(clock.pendingTimers).toBe(0);
  });

  test('closing that ran out of time leaves what is under way to its own end, which the node\'s end is', async () => {
    const session = await open();
    node.answer = () => Promise.reject(new ProposalIndeterminateError('connectionLost'));
    const outcome = outcomeOf(session.propose('x', { timeoutMs: 60_000 }));
    const closed = outcomeOf(session.close({ timeoutMs: 5_000 }));
    await clock.advance(5_001);
    expect([outcome.state, closed.state]).toEqual(['pending', 'rejected']);
    node.answer = () => Promise.reject(new StoppedError('stopped'));
    node.serverMetrics.complete();
    await clock.settle(); // no time passes: nothing waits for a timer of a node that is gone
    expect(outcome).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError' } });
    expect(clock.pendingTimers).toBe(0);
  });

  test('opening through a node that ends is refused as stopped, whether an attempt may stand in the log or not', async () => {
    Object.assign(node.metrics.value, { runningState: 'failed' });
    jest.spyOn(node, 'propose').mockRejectedValueOnce(new ProposalIndeterminateError('fatalError')).mockRejectedValue(new StoppedError('failed'));
    const outcome = outcomeOf(open());
    await clock.settle();
    node.serverMetrics.complete();
    await clock.settle();
    expect(outcome).toMatchObject({ state: 'rejected', error: { name: 'StoppedError', state: 'failed' } });
  });

  test('opening has limits too, and options are checked', async () => {
    jest.spyOn(node, 'propose').mockRejectedValue(new NotLeaderError(null, null));
    const timed = outcomeOf(open({ timeoutMs: 300 }));
    await clock.advance(300);
    expect(timed).toMatchObject({ state: 'rejected', error: { name: 'TimeoutError' } });
    jest.spyOn(node, 'propose').mockRejectedValue(new ProposalIndeterminateError('connectionLost'));
    const uncertain = outcomeOf(open({ timeoutMs: 300 }));
    await clock.advance(300);
    expect(uncertain).toMatchObject({ state: 'rejected', error: { name: 'TimeoutError', operation: 'openSession' } });
    await expect(open({ signal: AbortSignal.abort(new Error('no')) })).rejects.toThrow('no');
    for (const options of [{ timeoutMs: 0 }, { attemptTimeoutMs: 0 }, { requestTimeoutMs: NaN }, { maxWaiting: -1 }]) await expect(open(options)).rejects.toBeInstanceOf(ConfigError);
    expect(clock.pendingTimers).toBe(0);
  });

  test('more commands than the window holds, on real nodes, each once', async () => {
    const cluster = await SessionCluster.started({ limits: { maxResultsPerSession: 3 } });
    const session = await cluster.session(await cluster.follower());
    const words = Array.from({ length: 40 }, (_, at) => `w${at}`);
    const results = await cluster.during(Promise.all(words.map((each) => session.propose(each))));
    expect(results.map(({ value }) => value)).toEqual(words.map((_, at) => at + 1));
    expect(await cluster.words()).toEqual(words);
    await cluster.stop();
  });
});
