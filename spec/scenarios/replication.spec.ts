import type { Append, RaftMessage } from '../../lib/core/messages.js';
import { CoreCluster, entryOf, HEARTBEAT_MS, MIN_TIMEOUT_MS } from '../support/core-cluster.js';
import { defined } from '../support/defined.js';

function append(fields: Partial<Append>): Append {
  return { type: 'append', term: 2, round: 1, previous: { index: 1, term: 1 }, commit: 0, entries: [], ...fields };
}

describe('S16 Figure 7: every divergent follower log converges to the leader’s', () => {
  // §5.3, figure 7; l is the leader at the top of the figure
  const logs = {
    l: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6],
    a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
    b: [1, 1, 1, 4],
    c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    e: [1, 1, 1, 4, 4, 4, 4],
    f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  };

  it.each([1, 1 << 20])('with %i bytes an append', (maxAppendBytes) => {
    const ids = Object.keys(logs);
    const cluster = new CoreCluster({ ids, logs, terms: Object.fromEntries(ids.map((id) => [id, 7])), options: { maxAppendBytes } });
    cluster.elect('l');
    const { term } = cluster.status('l');
    for (const id of ids) {
      expect(cluster.terms(id)).toEqual([...logs.l, term]);
      expect(cluster.node(id).disk.read(1, 99)).toEqual(cluster.node('l').disk.read(1, 99));
    }
    cluster.runFor(HEARTBEAT_MS);
    for (const id of ids) expect(cluster.status(id).committed).toEqual({ index: 11, term });
  });
});

describe('S17 Figure 8: an entry of an old term is committed only through an entry of the current term', () => {
  // §5.4.2, figure 8 (c): s1 leads term 4; index 2 (term 2) comes to stand on a majority
  function atStepC(): CoreCluster {
    const cluster = new CoreCluster({
      ids: ['s1', 's2', 's3', 's4', 's5'],
      logs: { s1: [1, 2], s2: [1, 2], s3: [1], s4: [1], s5: [1, 3] },
      terms: { s1: 3, s2: 3, s3: 3, s4: 3, s5: 3 },
      options: { maxAppendBytes: 1 },
    });
    cluster.isCut = (_from, _to, type) => type === 'append';
    cluster.elect('s1');
    cluster.isCut = (from, to) => from === 's5' || to === 's5';
    for (const id of ['s2', 's3', 's4']) cluster.slowDisks.add(id);
    cluster.timeout('s1');
    // s3 takes index 2 to its disk; the no-op, index 3, stays in its memory.
    for (let i = 0; cluster.status('s3').persisted.index < 2; i += 1) {
      cluster.deliver();
      cluster.step('s1', ...cluster.node('s1').answerLogReads());
      if (cluster.status('s3').lastLog.index === 2) cluster.persist('s3');
      if (i > 20) throw new Error('s3 gets nothing');
    }
    cluster.deliver();
    cluster.deliver();
    return cluster;
  }

  it('(c) counting the old entry on a majority commits nothing', () => {
    const cluster = atStepC();
    const { peers, committed } = cluster.status('s1');
    expect([peers['s2']?.matched, peers['s3']?.matched]).toEqual([2, 2]);
    expect(committed.index).toBe(0);
  });

  it('(d) so that s5 may still replace it', () => {
    const cluster = atStepC();
    cluster.isCut = (from, to) => from === 's1' || to === 's1';
    for (const id of ['s2', 's3', 's4']) cluster.restart(id);
    cluster.slowDisks.clear();
    cluster.elect('s5');
    for (const id of ['s2', 's3', 's4']) expect(cluster.terms(id).slice(0, 2)).toEqual([1, 3]);
  });

  it('(e) or, once an entry of term 4 is on a majority, it is safe for ever', () => {
    const cluster = atStepC();
    cluster.slowDisks.clear();
    cluster.settle();
    expect(cluster.status('s1').committed.index).toBe(3);
    cluster.isCut = (from, to) => from === 's1' || to === 's1';
    cluster.runFor(50 * MIN_TIMEOUT_MS);
    expect(cluster.node('s5').eventsOf('LeadershipAcquired')).toEqual([]);
    expect(cluster.terms('s5').slice(0, 2)).toEqual([1, 2]);
  });
});

describe('S18 Conflict backtracking skips whole terms', () => {
  // §5.3, the optimisation
  const runs = (first: number): number[] => [1, ...Array.from({ length: 9_999 }, (_, i) => first + 2 * Math.floor(i / 100))];

  it('10,000 entries in 100 conflicting terms cost at most one probe a term', () => {
    const cluster = new CoreCluster({ logs: { a: runs(3), b: runs(3), c: runs(2) } });
    cluster.isCut = (from, to) => from === 'c' || to === 'c';
    cluster.elect('a');
    cluster.isCut = () => false;
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(cluster.terms('c')).toEqual(cluster.terms('a'));
    const probes = cluster.node('c').eventsOf('AppendRejected').filter(({ reason }) => reason === 'logMismatch');
    expect(probes.length).toBeGreaterThan(1);
    expect(probes.length).toBeLessThanOrEqual(102);
  });

  it('a follower that is merely 10,000 entries behind costs one, and one more for the heartbeat that overtakes it', () => {
    const cluster = new CoreCluster({ logs: { a: runs(3), b: runs(3), c: [1] } });
    cluster.elect('a');
    expect(cluster.terms('c')).toEqual(cluster.terms('a'));
    expect(cluster.node('c').eventsOf('AppendRejected').length).toBeLessThanOrEqual(2);
  });
});

describe('S19 Duplicated, reordered or delayed append responses and rejections never move matched backwards nor next to or below it', () => {
  it('every reply of the term, again and in every state of the peer', () => {
    const cluster = new CoreCluster();
    const replies: RaftMessage[] = [];
    cluster.elect('a');
    for (const round of [1, 2, 3]) {
      cluster.propose('a', `x${round}`);
      while (cluster.deliver({ to: 'b' }) > 0) cluster.persist('b');
      replies.push(...cluster.wire.filter(({ from }) => from === 'b').map(({ message }) => message));
      cluster.settle();
    }
    for (let rejected = 0; rejected < 8; rejected += 1) {
      for (const hint of [0, 1, 3, 9]) replies.push({ type: 'appendRejected', term: 2, round: 1, rejected, hint: { index: hint, term: 1 } });
    }
    for (const down of [false, true]) {
      for (const message of [...replies, ...replies].reverse()) {
        if (down) cluster.step('a', { type: 'connection', peer: 'b', up: false, error: 'reset' });
        const before = defined(cluster.status('a').peers['b']);
        cluster.inject('b', 'a', message);
        const after = defined(cluster.status('a').peers['b']);
        expect(after.matched).toBeGreaterThanOrEqual(before.matched);
        expect(after.next).toBeGreaterThan(after.matched);
      }
    }
    cluster.runFor(3 * HEARTBEAT_MS);
    expect(cluster.status('b').committed).toEqual(cluster.status('a').lastLog);
  });

  it('a rejection of what was acknowledged since does not even end pipelining', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    cluster.inject('b', 'a', { type: 'appendRejected', term: 2, round: 1, rejected: 2, hint: { index: 0, term: 0 } });
    expect(cluster.status('a').peers['b']).toMatchObject({ state: 'replicate', matched: 2, next: 3 });
  });

  it('an acknowledgement past the end of the log is refused and reported', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    cluster.inject('b', 'a', { type: 'appendReply', term: 2, round: 1, matched: 99, willing: true });
    expect(cluster.status('a').peers['b']?.matched).toBe(2);
    expect(cluster.node('a').eventsOf('MessageRejected')).toHaveLength(1);
  });
});

describe('S20 An append acknowledgement that completes after the term or role changed acknowledges nothing', () => {
  const two = append({ entries: [entryOf(2, 2), entryOf(3, 2)] });

  it('entries of the old leader that become durable under the new one are not acknowledged to it', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'b', two);
    cluster.inject('a', 'b', two); // once more: an acknowledgement is owed as soon as more is durable
    cluster.inject('c', 'b', { type: 'heartbeat', term: 3, round: 1, commit: 0 });
    cluster.persist('b');
    expect(cluster.status('b').persisted).toEqual({ index: 3, term: 2 });
    expect(cluster.wire.map(({ to, message }) => [to, message.type])).toEqual([['c', 'heartbeatReply']]);
  });

  it('A-B-A: a write whose entries were cut meanwhile marks only what both logs share', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'b', two); //                                                          write 1: 2..3 of term 2
    cluster.inject('c', 'b', append({ term: 3, entries: [entryOf(2, 3)] })); //                   write 2: 2 of term 3
    cluster.inject('a', 'b', append({ term: 4, entries: [entryOf(2, 4), entryOf(3, 4), entryOf(4, 4)] })); // write 3: 2..4 of term 4
    cluster.persist('b', 1);
    expect(cluster.status('b').persisted).toEqual({ index: 1, term: 1 });
    cluster.persist('b', 1);
    expect(cluster.status('b').persisted).toEqual({ index: 1, term: 1 });
    expect(cluster.wire).toEqual([]);
    cluster.persist('b', 1);
    expect(cluster.status('b').persisted).toEqual({ index: 4, term: 4 });
    expect(cluster.sent('appendReply')).toMatchObject([{ term: 4, matched: 4 }]);
    expect(cluster.node('b').disk.read(2, 9).map(({ term }) => term)).toEqual([4, 4, 4]);
  });

  it('a leader that stepped down commits nothing when its own disk catches up', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    cluster.slowDisks.add('a');
    cluster.isCut = (from) => from === 'c';
    cluster.propose('a', 'x');
    cluster.settle();
    cluster.inject('b', 'a', { type: 'heartbeatReply', term: 9, round: 1, willing: true });
    const { committed } = cluster.status('a');
    cluster.persist('a');
    expect(cluster.status('a')).toMatchObject({ role: 'follower', committed });
  });

  it('a refused entry ends what is acknowledged, though the own log goes on', () => {
    const cluster = new CoreCluster({ logs: { b: [1, 1, 1, 1] } });
    const unreadable = { index: 3, term: 2, kind: 'configuration', payload: new Uint8Array([123]) } as const;
    cluster.inject('a', 'b', append({ commit: 4, previous: { index: 1, term: 1 }, entries: [entryOf(2, 1), unreadable, entryOf(4, 2)] }));
    cluster.persist('b');
    expect(cluster.sent('appendReply')).toMatchObject([{ matched: 2 }]);
    expect(cluster.status('b')).toMatchObject({ committed: { index: 2 }, lastLog: { index: 4, term: 1 } });
  });
});

describe('S21 A rejected append from the current leader still refreshes the election timer', () => {
  it('the log does not fit; the leader is alive', () => {
    const cluster = new CoreCluster();
    cluster.now += MIN_TIMEOUT_MS - 1;
    cluster.inject('a', 'b', append({ previous: { index: 5, term: 1 } }));
    cluster.persist('b');
    expect(cluster.sent('appendRejected')).toMatchObject([{ rejected: 5, hint: { index: 1, term: 1 } }]);
    expect(cluster.node('b').core.wakeAt).toBeGreaterThanOrEqual(cluster.now + MIN_TIMEOUT_MS);
  });
});
