import type { PeerMessage } from '../../lib/ports/transport.js';
import { defined } from '../support/defined.js';
import { MemoryCluster, outcomeOf, type NodeRun } from '../support/memory-cluster.js';

const S28 = 'S28 leader change: proposals in flight resolve as committed, as rejected, or as indeterminate, never wrongly:';

describe('a leader change with proposals in flight', () => {
  let cluster: MemoryCluster;
  let old: NodeRun;
  let others: NodeRun[];
  beforeEach(async () => {
    cluster = await MemoryCluster.started({ settings: { requestTimeoutMs: 60_000 } });
    old = await cluster.leader();
    others = cluster.others(old);
    await old.node.propose('before');
  });
  afterEach(() => cluster.stop());

  const otherIds = (): string[] => others.map(({ id }) => id);
  const droppedOf = (run: NodeRun): number => cluster.eventsOf(run.id, 'ProposalsDropped').reduce((sum, { count }) => sum + count, 0);

  test(`${S28} another leader's entry in its place rejects it, and it took no effect anywhere`, async () => {
    cluster.network.isolate(old.id);
    const inFlight = ['x', 'y'].map((word) => outcomeOf(old.node.propose(word)));
    await cluster.settle();
    const next = await cluster.leader(otherIds());
    await next.node.propose('instead');
    await next.node.propose('and more');
    expect(inFlight.map(({ state }) => state)).toEqual(['pending', 'pending']);
    cluster.network.heal();
    await cluster.until(() => inFlight.every(({ state }) => state !== 'pending'));
    for (const outcome of inFlight) expect(outcome.error).toMatchObject({ name: 'ProposalRejectedError' });
    await cluster.advance(500);
    for (const id of cluster.ids) expect(cluster.run(id).machine.words).toEqual(['before', 'instead', 'and more']);
    expect(cluster.eventsOf(old.id, 'ProposalsDropped')).toMatchObject([{ count: 2, reason: 'superseded' }]);
    expect(old.node.metrics.value.pendingProposals).toBe(0);
  });

  test(`${S28} an entry that the next leader holds commits under it, and resolves with its place and result`, async () => {
    const [first] = others;
    // The entry reaches one follower; the acknowledgement, and everything after it, is lost.
    cluster.network.intercept((from, to, message) => (message.type === 'append' && to === first?.id ? 'deliver' : from === old.id || to === old.id ? 'drop' : 'deliver'));
    const inFlight = outcomeOf(old.node.propose('x'));
    await cluster.settle();
    cluster.network.isolate(old.id);
    cluster.network.intercept(null);
    const next = await cluster.leader(otherIds());
    expect(next.id).toBe(first?.id);
    expect(inFlight.state).toBe('pending');
    expect(old.node.metrics.value.leadership).toBeNull();
    cluster.network.heal();
    await cluster.until(() => inFlight.state !== 'pending');
    expect(inFlight).toMatchObject({ state: 'resolved', value: { index: 4, term: 2, value: 2 } });
    for (const { machine } of others) expect(machine.words).toEqual(['before', 'x']);
  });

  test(`${S28} what is still in flight when its time is up, or the node stops, is indeterminate, whichever way it ends later`, async () => {
    cluster.network.isolate(old.id);
    const timed = outcomeOf(old.node.propose('x', { timeoutMs: 200 }));
    const stopped = outcomeOf(old.node.propose('y'));
    await cluster.advance(200);
    expect(timed).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError', reason: 'timeout' } });
    const stop = old.node.stop();
    await cluster.advance(2_000);
    await stop;
    expect(stopped).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError', reason: 'stopped' } });
    expect(droppedOf(old)).toBe(2);
    expect(old.node.metrics.value.pendingProposals).toBe(0);
  });

  test(`${S28} a proposal that waited for a turn when leadership went is handed on to the new leader, or refused as not led here`, async () => {
    cluster.network.isolate(old.id);
    await cluster.until(() => old.node.metrics.value.leadership === null);
    await expect(old.node.propose('x')).rejects.toMatchObject({ name: 'NotLeaderError', leaderId: null });
    const next = await cluster.leader(otherIds());
    cluster.network.heal();
    await cluster.until(() => old.node.metrics.value.leaderId === next.id);
    await expect(old.node.propose('y')).resolves.toMatchObject({ value: 2 });
    for (const { machine } of [next]) expect(machine.words).toEqual(['before', 'y']);
  });

  test(`${S28} a forwarded proposal whose leader falls before it answers is indeterminate, although it commits`, async () => {
    const follower = defined(others[0], 'a follower');
    await cluster.until(() => follower.node.metrics.value.leaderId === old.id);
    const lost: PeerMessage[] = [];
    cluster.network.intercept((_from, _to, message) => {
      if (message.type !== 'forwardReply') return 'deliver';
      lost.push(message);
      return 'drop';
    });
    const inFlight = outcomeOf(follower.node.propose('x'));
    await cluster.settle();
    cluster.crash(old.id);
    await cluster.settle();
    expect(lost).toMatchObject([{ outcome: { ok: true, value: expect.anything() } }]);
    expect(inFlight).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError', reason: 'connectionLost' } });
    await cluster.leader(otherIds());
    await cluster.advance(300);
    for (const { machine } of others) expect(machine.words).toEqual(['before', 'x']);
  });

  test(`${S28} over twenty changes of leader every answer is true: resolved ones are in every log, rejected ones in none`, async () => {
    const outcomes = new Map<string, ReturnType<typeof outcomeOf<unknown>>>();
    for (let round = 0; round < 20; round += 1) {
      const leader = await cluster.leader();
      for (const { id, node } of cluster.ids.map((each) => cluster.run(each))) {
        for (let i = 0; i < 3; i += 1) {
          const word = `${round}-${id}-${i}`;
          outcomes.set(word, outcomeOf<unknown>(node.propose(word, { timeoutMs: 1_500 })));
        }
      }
      // Cut off at another moment each time: before, while and after the entries travel.
      if (round % 3 > 0) await cluster.settle();
      cluster.network.isolate(leader.id);
      if (round % 2 === 0) outcomes.set(`${round}-late`, outcomeOf<unknown>(leader.node.propose(`${round}-late`, { timeoutMs: 1_500 })));
      await cluster.leader(cluster.others(leader).map(({ id }) => id));
      cluster.network.heal();
      await cluster.advance(200 + 100 * round);
    }
    await cluster.leader();
    await cluster.advance(3_000);
    const { words } = cluster.run('a').machine;
    for (const id of cluster.ids) expect(cluster.run(id).machine.words).toEqual(words);
    expect(new Set(words).size).toBe(words.length);
    const seen = new Set(words);
    const counts = { resolved: 0, rejected: 0, indeterminate: 0 };
    for (const [word, { state, error }] of outcomes) {
      expect(state).not.toBe('pending');
      if (state === 'resolved') {
        expect(seen).toContain(word);
        counts.resolved += 1;
      } else if ((error as Error).name === 'ProposalIndeterminateError') {
        counts.indeterminate += 1;
      } else {
        expect(['ProposalRejectedError', 'NotLeaderError', 'TimeoutError']).toContain((error as Error).name);
        expect(seen).not.toContain(word);
        counts.rejected += 1;
      }
    }
    expect(counts.resolved).toBeGreaterThan(50);
    expect(counts.rejected).toBeGreaterThan(5);
    expect(counts.indeterminate).toBeGreaterThan(5);
  });
});
