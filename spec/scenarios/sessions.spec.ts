import type { Applied } from '../../lib/node/raft-node.js';
import { ProposalIndeterminateError, SessionExpiredError } from '../../lib/ports/errors.js';
import { outcomeOf, type Outcome } from '../support/memory-cluster.js';
import { SessionCluster, type SessionClusterOptions, type SessionRun } from '../support/session-cluster.js';

describe('S58 a session', () => {
  let cluster: SessionCluster;
  const start = async (options: SessionClusterOptions = {}): Promise<void> => void (cluster = await SessionCluster.started(options));
  afterEach(() => cluster.stop());

  /** How often a word's command stands in the log of a node. */
  const timesInLog = async (run: SessionRun, word: string): Promise<number> => {
    let times = 0;
    run.node.committed().subscribe(({ command }) => (times += command.type === 'command' && command.command === word ? 1 : 0));
    await cluster.clock.settle();
    return times;
  };
  /** Drops every reply to a forwarded call, until told otherwise. */
  const loseReplies = (): void => cluster.network.intercept((_from, _to, message) => (message.type === 'forwardReply' ? 'drop' : 'deliver'));

  test('applies a command once and answers it, through the leader and through a follower', async () => {
    await start();
    for (const run of [await cluster.leader(), await cluster.follower()]) {
      const session = await cluster.session(run);
      const { index, value } = await cluster.during(session.propose(`from ${run.id}`));
      expect(index).toBeGreaterThan(session.id);
      expect(value).toBe((await cluster.words()).length);
      await cluster.during(session.close());
    }
    expect(await cluster.words()).toHaveLength(2);
  });

  test('a command whose answer is lost is proposed again, applied once, and returns the first result', async () => {
    await start();
    const follower = await cluster.follower();
    const session = await cluster.session(follower);
    loseReplies();
    const outcome = outcomeOf(session.propose('once'));
    await cluster.clock.advance(1_500); // the first attempt has timed out, the second one is applied
    expect((await cluster.leader()).list.words).toEqual(['once']);
    expect(outcome.state).toBe('pending');
    cluster.network.intercept(null);
    await cluster.until(() => outcome.state !== 'pending', 'the result');
    expect(outcome).toMatchObject({ state: 'resolved', value: { value: 1 } });
    expect((await cluster.words()).filter((word) => word === 'once')).toHaveLength(1);
    expect(await timesInLog(follower, 'once')).toBeGreaterThan(1);
  });

  test('a command that the leader applied before it died is answered by the next one with the first result', async () => {
    await start();
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    const session = await cluster.session(follower);
    const before = await cluster.during(session.propose('before'));
    loseReplies();
    const outcome = outcomeOf(session.propose('once'));
    await cluster.clock.advance(200);
    expect(leader.list.words).toEqual(['before', 'once']);
    cluster.crash(leader.id);
    cluster.network.intercept(null);
    await cluster.until(() => outcome.state !== 'pending', 'the result');
    expect(outcome).toMatchObject({ state: 'resolved', value: { index: before.index + 1, term: before.term, value: 2 } });
    expect(await cluster.words()).toEqual(['before', 'once']);
  });

  test('a leader that is cut off with the command in its log loses it, and the session has it applied by the new one', async () => {
    await start();
    const leader = await cluster.leader();
    const session = await cluster.session(leader);
    cluster.network.isolate(leader.id);
    const outcome = outcomeOf(session.propose('once'));
    await cluster.clock.advance(3_000);
    expect(outcome.state).toBe('pending');
    cluster.network.heal();
    await cluster.until(() => outcome.state !== 'pending', 'the result');
    expect(outcome).toMatchObject({ state: 'resolved', value: { value: 1 } });
    expect(await cluster.words()).toEqual(['once']);
  });

  test('sessions and results survive the restart of every node, with and without a snapshot', async () => {
    for (const snapshot of [false, true]) {
      await start();
      const { node } = await cluster.leader();
      const { value: opened } = await cluster.during(node.propose({ type: 'openSession', wallTime: cluster.clock.wallTime() }));
      if (opened.type !== 'opened') throw new Error('no session');
      const command = { type: 'command', session: opened.session, sequence: 1, ackedThrough: 0, wallTime: cluster.clock.wallTime(), command: 'once' } as const;
      const { value: first } = await cluster.during(node.propose(command));
      await cluster.clock.advance(500);
      if (snapshot) await cluster.during(Promise.all([...cluster.runs.values()].map((run) => run.node.takeSnapshot())), 'the snapshots');
      for (const id of cluster.ids) cluster.crash(id);
      for (const id of cluster.ids) await cluster.start(id);
      const again = await cluster.during((await cluster.leader()).node.propose(command));
      expect(again.value).toEqual(first);
      expect(await cluster.words()).toEqual(['once']);
      if (!snapshot) await cluster.stop();
    }
  });

  test('a node that was away gets the sessions with the leader\'s snapshot, and refuses repeats like the others', async () => {
    await start({ settings: { snapshotPolicy: { entries: 20, bytes: 1 << 20, keepEntries: 0 } } });
    const follower = await cluster.follower();
    const leader = await cluster.leader();
    const session = await cluster.session(leader);
    cluster.crash(follower.id);
    for (let i = 0; i < 50; i += 1) await cluster.during(session.propose(`w${i}`));
    await cluster.start(follower.id);
    await cluster.until(() => cluster.run(follower.id).list.words.length === 50, 'the snapshot');
    cluster.crash(leader.id);
    await cluster.leader();
    await cluster.during(cluster.run(follower.id).node.propose({ type: 'command', session: session.id, sequence: 50, ackedThrough: 0, wallTime: 0, command: 'w49' }));
    expect(await cluster.words()).toHaveLength(50);
  });

  test('an expired one is refused, on every node alike, and says so as an event', async () => {
    await start({ limits: { sessionTimeoutMs: 60_000 } });
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    const other = await cluster.session(leader);
    const session = await cluster.session(follower);
    await cluster.during(session.propose('in time'));
    cluster.network.isolate(follower.id); // its keep-alives get nowhere; the other one's move the time on
    await cluster.clock.advance(90_000);
    expect(other.state).toBe('open');
    cluster.network.heal();
    await cluster.until(() => session.state === 'expired', 'the refusal');
    await expect(session.propose('late')).rejects.toBeInstanceOf(SessionExpiredError);
    await cluster.during(other.propose('next'));
    expect(await cluster.words()).toEqual(['in time', 'next']);
    for (const { events } of cluster.runs.values()) {
      expect(events.filter(({ type }) => type === 'SessionOpened')).toHaveLength(2);
      expect(events.filter(({ type }) => type === 'SessionExpired')).toMatchObject([{ session: session.id, reason: 'idle' }]);
    }
    expect(leader.node.metrics.value.counters).toMatchObject({ sessionsOpened: 2, sessionsExpired: 1 });
  });

  test('a command that may have been applied before its session expired is indeterminate, not refused', async () => {
    await start({ limits: { sessionTimeoutMs: 3_000 } });
    const leader = await cluster.leader();
    const follower = await cluster.follower();
    const other = await cluster.session(leader);
    const session = await cluster.session(follower);
    loseReplies();
    const outcome = outcomeOf(session.propose('applied', { timeoutMs: 60_000 }));
    await cluster.clock.advance(500);
    cluster.network.isolate(follower.id);
    await cluster.clock.advance(10_000);
    cluster.network.heal();
    cluster.network.intercept(null);
    await cluster.until(() => outcome.state !== 'pending', 'the verdict');
    expect(outcome).toMatchObject({ state: 'rejected', error: { reason: 'sessionExpired', cause: { name: 'SessionExpiredError' } } });
    expect(outcome.error).toBeInstanceOf(ProposalIndeterminateError);
    expect(await cluster.words()).toEqual(['applied']);
    await cluster.during(other.close());
  });

  test('keeps itself alive while it is idle, and not after it is closed', async () => {
    await start({ limits: { sessionTimeoutMs: 3_000 } });
    const run = await cluster.leader();
    const session = await cluster.session(run);
    await cluster.clock.advance(20_000);
    await cluster.during(session.propose('still here'));
    await cluster.during(session.close());
    const { lastLog } = run.node.metrics.value;
    await cluster.clock.advance(20_000);
    expect(run.node.metrics.value.lastLog).toEqual(lastLog);
    expect(await cluster.words()).toEqual(['still here']);
    expect(run.events.filter(({ type }) => type === 'SessionExpired')).toEqual([]);
    await expect(session.propose('x')).rejects.toMatchObject({ name: 'SessionExpiredError', reason: 'closed' });
  });

  test('no command is lost or applied twice while leaders come and go', async () => {
    await start();
    const client = await cluster.follower();
    const session = await cluster.session(client);
    const outcomes: Outcome<Applied<number>>[] = [];
    for (let round = 0; round < 6; round += 1) {
      for (let i = 0; i < 5; i += 1) outcomes.push(outcomeOf(session.propose(`${round}.${i}`, { timeoutMs: 60_000 })));
      await cluster.clock.advance(round * 7);
      const leader = await cluster.leader();
      cluster.network.isolate(leader.id);
      await cluster.clock.advance(1_200);
      cluster.network.heal();
    }
    await cluster.until(() => outcomes.every(({ state }) => state !== 'pending'), 'every result');
    expect(outcomes.map(({ state }) => state)).toEqual(outcomes.map(() => 'resolved'));
    const words = await cluster.words();
    expect(words).toHaveLength(30);
    expect(new Set(words).size).toBe(30);
    expect(outcomes.map(({ value }) => words[(value?.value ?? 0) - 1])).toEqual(outcomes.map((_, at) => `${Math.floor(at / 5)}.${at % 5}`));
  });
});

describe('S60 a session\'s call', () => {
  let cluster: SessionCluster;
  beforeEach(async () => void (cluster = await SessionCluster.started()));
  afterEach(() => cluster.stop());

  test('ends with its time limit or its signal, indeterminate once the command may be in a log, and its late result is dropped', async () => {
    const leader = await cluster.leader();
    const session = await cluster.session(leader);
    cluster.network.isolate(leader.id);
    const controller = new AbortController();
    const timed = outcomeOf(session.propose('timed', { timeoutMs: 500 }));
    const aborted = outcomeOf(session.propose('aborted', { signal: controller.signal }));
    await cluster.clock.advance(400);
    controller.abort();
    await cluster.clock.settle();
    expect(aborted).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError', reason: 'aborted' } });
    await cluster.clock.advance(100);
    expect(timed).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError', reason: 'timeout' } });
    cluster.network.heal();
    await cluster.clock.advance(2_000);
    await cluster.during(session.propose('after'));
    const words = await cluster.words();
    expect(words.at(-1)).toBe('after');
  });

  test('that was aborted before, or finds no leader in time, did not happen', async () => {
    const follower = await cluster.follower();
    const session = await cluster.session(follower);
    await expect(session.propose('x', { signal: AbortSignal.abort(new Error('gone')) })).rejects.toThrow('gone');
    cluster.network.isolate(follower.id);
    await cluster.clock.advance(3_000);
    const timed = outcomeOf(session.propose('y', { timeoutMs: 700 }));
    const controller = new AbortController();
    const aborted = outcomeOf(session.propose('z', { signal: controller.signal }));
    await cluster.clock.advance(699);
    expect([timed.state, aborted.state]).toEqual(['pending', 'pending']);
    controller.abort(new Error('enough'));
    await cluster.clock.advance(1);
    expect(timed).toMatchObject({ state: 'rejected', error: { name: 'TimeoutError' } });
    expect(aborted).toMatchObject({ state: 'rejected', error: { message: 'enough' } });
    cluster.network.heal();
    expect(await cluster.words()).toEqual([]);
  });

  test('ends when the node does, and leaves no timer behind', async () => {
    const follower = await cluster.follower();
    const session = await cluster.session(follower);
    cluster.network.isolate(follower.id);
    await cluster.clock.advance(3_000);
    const outcome = outcomeOf(session.propose('x', { timeoutMs: 60_000 }));
    await cluster.clock.advance(100);
    const stopped = follower.node.stop();
    await cluster.clock.advance(3_000);
    await stopped;
    expect(outcome).toMatchObject({ state: 'rejected', error: { name: 'StoppedError' } });
    cluster.runs.delete(follower.id);
    await cluster.during(session.close());
    await cluster.stop();
    expect(cluster.clock.pendingTimers).toBe(0);
  });
});
