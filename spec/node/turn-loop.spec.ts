import type { RaftEvent } from '../../lib/core/events.js';
import type { ObservedTurn } from '../../lib/node/turn-loop.js';
import { MemoryCluster } from '../support/memory-cluster.js';

describe('the turn loop', () => {
  test('a turn carries its effects out, then emits metrics once, then publishes its events in order', async () => {
    const trace: string[] = [];
    const cluster = new MemoryCluster({ ids: ['a'] });
    const { node, options } = cluster.create('a', { turnObserver: () => trace.push('turn') });
    const append = options.storage.append.bind(options.storage);
    options.storage.append = (write) => {
      if (write.id > 0) trace.push('effect');
      return append(write);
    };
    node.metrics.subscribe(() => trace.push('metrics'));
    node.events.subscribe((event) => trace.push(event.type));
    await node.start();
    await cluster.leader();
    trace.length = 0;
    await node.propose('x');
    await cluster.settle();
    expect(trace.join(' ')).toBe(
      ['effect metrics LatestLog ProposalsAccepted turn', 'metrics EntriesPersisted CommitAdvanced turn', 'metrics EntriesApplied ProposalsCommitted turn'].join(' '),
    );
    await cluster.stop();
  });

  test('metrics are current inside every event handler: seq covers the event, and never a later turn', async () => {
    const turns: ObservedTurn[] = [];
    const seen: { event: RaftEvent; seq: number; turn: number }[] = [];
    const cluster = new MemoryCluster({ ids: ['a'] });
    const { node } = cluster.create('a', { turnObserver: (turn) => turns.push(turn) });
    node.events.subscribe((event) => seen.push({ event, seq: node.metrics.value.seq, turn: turns.length }));
    await node.start();
    await cluster.leader();
    await node.propose('x');
    await cluster.settle();
    let last = 0;
    turns.forEach((turn, i) => {
      last += turn.events.length;
      for (const { seq } of seen.filter((each) => each.turn === i)) expect(seq).toBe(last);
    });
    expect(seen.length).toBe(last);
    await cluster.stop();
  });

  test('metrics emit once a turn that has events, and never otherwise', async () => {
    let withEvents = 0;
    let turns = 0;
    const cluster = new MemoryCluster({
      ids: ['a'],
      settings: {
        turnObserver: ({ events }) => {
          turns += 1;
          if (events.length > 0) withEvents += 1;
        },
      },
    });
    const { node } = cluster.create('a');
    let emissions = -1; // the current value, on subscription
    node.metrics.subscribe(() => (emissions += 1));
    await node.start();
    await cluster.leader();
    await Promise.all(Array.from({ length: 100 }, (_, i) => node.propose(`x${i}`)));
    await cluster.advance(1_000);
    expect(emissions).toBe(withEvents);
    expect(turns).toBeGreaterThanOrEqual(withEvents);
    await cluster.stop();
  });

  test('proposals of one moment share one turn, one write and one event', async () => {
    const cluster = await MemoryCluster.started({ ids: ['a'] });
    const { node } = await cluster.leader();
    const before = cluster.events('a').length;
    const results = await Promise.all(Array.from({ length: 50 }, (_, i) => node.propose(`x${i}`)));
    expect(results.map(({ value }) => value)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    const types = cluster.events('a').slice(before).map(({ type }) => type);
    expect(types.filter((type) => type === 'LatestLog')).toHaveLength(1);
    expect(types.filter((type) => type === 'ProposalsCommitted')).toHaveLength(1);
    await cluster.stop();
  });

  test('a proposal made inside an event handler takes the next turn, without recursion and without waiting for time to pass', async () => {
    const cluster = await MemoryCluster.started({ ids: ['a'] });
    const { node } = await cluster.leader();
    const trace: string[] = [];
    let isAnswered = false;
    node.events.subscribe(({ type }) => {
      trace.push(type);
      // The last event of an otherwise quiet turn: nothing else brings the next one about.
      if (type !== 'EntriesApplied' || trace.filter((each) => each === type).length > 1) return;
      trace.push('(');
      void node.propose('inner').then(() => (isAnswered = true));
      trace.push(')');
    });
    const at = cluster.clock.now();
    await node.propose('outer');
    await cluster.settle();
    expect(isAnswered).toBe(true);
    expect(cluster.clock.now()).toBe(at);
    expect(trace.slice(trace.indexOf('('), trace.indexOf('(') + 2)).toEqual(['(', ')']);
    expect(cluster.run('a').machine.words).toEqual(['outer', 'inner']);
    await cluster.stop();
  });

  test('a read made inside an event handler is answered without waiting for time to pass', async () => {
    const cluster = await MemoryCluster.started({ ids: ['a'] });
    const { node } = await cluster.leader();
    let answer: string[] | null = null;
    node.events.subscribe(({ type }) => {
      if (type === 'EntriesApplied') void node.read('').then((words) => (answer = words));
    });
    await node.propose('x');
    await cluster.settle();
    expect(answer).toEqual(['x']);
    await cluster.stop();
  });

  test('a loop that is busy for long lets go of the thread', async () => {
    const cluster = new MemoryCluster({ ids: ['a'] });
    let yields = 0;
    const yieldNow = cluster.clock.yield.bind(cluster.clock);
    cluster.clock.yield = (callback) => {
      yields += 1;
      yieldNow(callback);
    };
    await cluster.start('a');
    const { node } = await cluster.leader();
    yields = 0;
    let answered = 0;
    node.events.subscribe(({ type }) => {
      if (type !== 'ProposalsCommitted') return;
      cluster.clock.block(2);
      answered += 1;
      if (answered < 20) void node.propose('again');
    });
    await node.propose('first');
    await cluster.settle();
    expect(answered).toBe(20);
    // 20 turns of 2 ms and more, 5 ms at a stretch.
    expect(yields).toBeGreaterThanOrEqual(6);
    await cluster.stop();
  });

  test('a timer that comes while the loop lets others in leaves the turn to what it has put off', async () => {
    let turns = 0;
    const cluster = new MemoryCluster({ ids: ['a'] });
    await cluster.start('a', { turnObserver: () => (turns += 1) });
    const { node } = await cluster.leader();
    const yielded: (() => void)[] = [];
    cluster.clock.yield = (callback) => void yielded.push(callback);
    cluster.clock.block(5); // as if it had been busy
    const applied = node.propose('x');
    await cluster.settle();
    expect(yielded).toHaveLength(1);
    turns = 0;
    await cluster.advance(150); // a heartbeat falls due
    expect(turns).toBe(0);
    yielded.shift()?.();
    expect(turns).toBe(1);
    await expect(applied).resolves.toMatchObject({ value: 1 });
    await cluster.stop();
  });

  test('what nobody waits for shares the turn of what comes next: one proposal after the other takes each follower two turns', async () => {
    const turns = { a: 0, b: 0, c: 0 };
    const cluster = new MemoryCluster();
    for (const id of ['a', 'b', 'c'] as const) await cluster.start(id, { turnObserver: () => (turns[id] += 1) });
    const leader = await cluster.leader();
    await leader.node.propose('first');
    await cluster.settle();
    for (const id of ['a', 'b', 'c'] as const) turns[id] = 0;
    for (let i = 0; i < 100; i += 1) await leader.node.propose('again');
    // append and acknowledge; commit and apply come along with the next append
    for (const { node } of cluster.others(leader)) expect(turns[node.id as keyof typeof turns]).toBeLessThanOrEqual(210);
    expect(turns[leader.node.id as keyof typeof turns]).toBeLessThanOrEqual(310);
    await cluster.stop();
  });

  test('and gets a turn without time passing when nothing comes', async () => {
    const cluster = await MemoryCluster.started({ settings: { commitNoticeDelayMs: 0 } });
    const leader = await cluster.leader();
    const at = cluster.clock.now();
    await leader.node.propose('x');
    await cluster.settle();
    expect(cluster.clock.now()).toBe(at);
    const { applied } = leader.node.metrics.value;
    for (const { node } of cluster.others(leader)) expect(node.metrics.value).toMatchObject({ applied, committed: applied });
    await cluster.stop();
  });

  test('a node that stops tells first of all that its machine has applied, whatever moment it is', async () => {
    for (let microtasks = 0; microtasks <= 30; microtasks += 1) {
      const cluster = await MemoryCluster.started({ settings: { commitNoticeDelayMs: 0 } });
      const leader = await cluster.leader();
      await leader.node.propose('first');
      await cluster.settle();
      const [{ node, machine }] = cluster.others(leader) as [ReturnType<typeof cluster.run>];
      const before = node.metrics.value.applied.index - machine.words.length;
      const outcome = leader.node.propose('last');
      for (let i = 0; i < microtasks; i += 1) await Promise.resolve();
      const stopping = node.stop();
      await outcome;
      await cluster.settle();
      await stopping;
      expect(node.metrics.value.applied.index - machine.words.length).toBe(before);
      await cluster.stop();
    }
  });

  test('a fault in the turn that a stop brings about is no orderly end', async () => {
    const cluster = await MemoryCluster.started({ settings: { commitNoticeDelayMs: 0 } });
    const leader = await cluster.leader();
    const [{ node, machine }] = cluster.others(leader) as [ReturnType<typeof cluster.run>];
    let stopping = Promise.resolve();
    node.events.subscribe({ next: ({ type }) => void (type === 'LatestLog' && (stopping = node.stop())), error: () => undefined });
    machine.apply = () => {
      throw new Error('no more');
    };
    void leader.node.propose('x').catch(() => undefined);
    await cluster.settle();
    await stopping;
    expect(node.metrics.value.runningState).toBe('failed');
    await cluster.stop();
  });

  test('an effect that throws stops the node with a FatalError; who waits is answered, and what the turn did is told', async () => {
    const cluster = await MemoryCluster.started({ ids: ['a'] });
    const run = await cluster.leader();
    const before = cluster.events('a').length;
    run.options.storage.append = () => {
      throw new Error('a storage that throws at once');
    };
    await expect(run.node.propose('x')).rejects.toMatchObject({ name: 'ProposalIndeterminateError', reason: 'fatalError' });
    expect(run.node.metrics.value.runningState).toBe('failed');
    expect(run.ended).toMatchObject({ name: 'FatalError', operation: 'turn' });
    const told = ['LatestLog', 'ProposalsAccepted', 'LeaseChanged', 'LeadershipLost', 'LeaderLost', 'RoleChanged', 'FatalErrorRaised', 'NodeStopped'];
    expect(cluster.events('a').slice(before).map(({ type }) => type)).toEqual(told);
    expect(run.node.metrics.value.lastLog.index).toBe(3);
  });
});
