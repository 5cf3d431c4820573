import type { NodeId } from '../../lib/core/ids.js';
import type { ConnectionInput } from '../../lib/core/inputs.js';
import { CoreCluster, HEARTBEAT_MS, MAX_TIMEOUT_MS, MIN_TIMEOUT_MS, type ClusterOptions, type Envelope } from '../support/core-cluster.js';
import { members } from '../support/core-membership.js';
import { defined } from '../support/defined.js';

/** An eighth of the range of timeouts: what the first waits beyond the least one. */
const FIRST_MS = (MAX_TIMEOUT_MS - MIN_TIMEOUT_MS) / 8;

const lost = (peer: NodeId): ConnectionInput => ({ type: 'connection', peer, up: false, error: 'connection reset' });

/** A cluster that `a` leads; all have just heard of it. */
function led(options: ClusterOptions = {}): CoreCluster {
  const cluster = new CoreCluster(options);
  cluster.elect('a');
  cluster.runFor(HEARTBEAT_MS);
  cluster.settle();
  return cluster;
}

/** Its process dies: nothing comes from it any more, and the others' connections to it break. */
function kill(cluster: CoreCluster, id: NodeId): void {
  cluster.isCut = (from, to) => from === id || to === id;
  for (const other of cluster.nodes.keys()) if (other !== id) cluster.step(other, lost(id));
}

const campaigns = (cluster: CoreCluster, id: NodeId): number => cluster.node(id).eventsOf('PreVoteStarted').length;

describe('servers whose connection to the leader breaks', () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('let the first campaign soon after the least timeout, and stand back for it (seed %i)', (seed) => {
    const cluster = led({ options: { seed } });
    const before = ['b', 'c'].map((id) => campaigns(cluster, id));
    const heardAt = cluster.now - HEARTBEAT_MS;
    kill(cluster, 'a');
    expect(cluster.node('c').core.wakeAt).toBeGreaterThanOrEqual(heardAt + (MIN_TIMEOUT_MS + MAX_TIMEOUT_MS) / 2);
    cluster.runFor(MIN_TIMEOUT_MS + FIRST_MS + 1);
    expect(cluster.status('b')).toMatchObject({ role: 'leader' });
    cluster.runFor(MAX_TIMEOUT_MS);
    expect(['b', 'c'].map((id, i) => campaigns(cluster, id) - (before[i] ?? 0))).toEqual([1, 0]);
    expect(cluster.node('b').eventsOf('ElectionTimeoutElapsed').at(-1)?.timeoutMs).toBeLessThanOrEqual(MIN_TIMEOUT_MS + FIRST_MS);
  });

  it('do not campaign while another may still be held by the least timeout', () => {
    const cluster = led();
    const heardAt = cluster.now;
    kill(cluster, 'a');
    for (const id of ['b', 'c']) expect(cluster.node(id).core.wakeAt).toBeGreaterThan(heardAt - HEARTBEAT_MS + MIN_TIMEOUT_MS);
  });

  it('wait no longer than the greatest timeout, however often the connection comes and goes', () => {
    const cluster = led();
    const heardAt = cluster.now;
    cluster.isCut = () => true;
    const before = campaigns(cluster, 'c');
    while (campaigns(cluster, 'c') === before) {
      cluster.step('c', lost('a'));
      cluster.now += FIRST_MS / 2;
      cluster.step('c', { type: 'connection', peer: 'a', up: true, error: '' });
    }
    expect(cluster.now - heardAt).toBeLessThanOrEqual(MAX_TIMEOUT_MS + FIRST_MS);
  });

  it.each([1, 5, 10, 15])('split no vote although what they say takes %i ms', (oneWayMs) => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const cluster = led({ options: { seed } });
      const { term } = cluster.status('a');
      kill(cluster, 'a');
      let underWay: { readonly envelope: Envelope; readonly at: number }[] = [];
      const end = cluster.now + MAX_TIMEOUT_MS;
      for (; cluster.now < end; cluster.now += 0.5) {
        for (const id of ['b', 'c']) {
          if (cluster.node(id).core.wakeAt <= cluster.now) cluster.tick(id);
          cluster.persist(id);
        }
        underWay.push(...cluster.take().map((envelope) => ({ envelope, at: cluster.now + oneWayMs })));
        for (const { envelope: { from, to, message }, at } of underWay) if (at <= cluster.now && to !== 'a') cluster.inject(from, to, message);
        underWay = underWay.filter(({ at }) => at > cluster.now);
      }
      expect([seed, cluster.status('b')]).toMatchObject([seed, { role: 'leader', term: term + 1 }]);
    }
  });

  it.each([
    ['in the turn that finds the timer late', false],
    ['in the turn after it', true],
  ])('do not campaign at once when they slept, for what the leader said may wait unread: told %s (S14)', (_, isLater) => {
    for (const id of ['b', 'c']) {
      const cluster = led();
      cluster.isCut = () => true;
      const before = campaigns(cluster, id);
      cluster.now += 5 * MAX_TIMEOUT_MS;
      if (isLater) cluster.tick(id);
      cluster.step(id, lost('a'));
      expect(campaigns(cluster, id)).toBe(before);
      expect(cluster.node(id).eventsOf('ElectionTimeoutExtended')).toHaveLength(1);
      expect(cluster.node(id).core.wakeAt).toBeGreaterThanOrEqual(cluster.now + MIN_TIMEOUT_MS);
      cluster.timeout(id);
      const { timeoutMs } = defined(cluster.node(id).eventsOf('ElectionTimeoutElapsed').at(-1));
      expect(timeoutMs).toBeGreaterThanOrEqual(MIN_TIMEOUT_MS);
      expect(timeoutMs).toBeLessThanOrEqual(MAX_TIMEOUT_MS);
    }
  });

  it('are as before once they hear the leader again', () => {
    const cluster = led();
    for (const id of ['b', 'c']) cluster.step(id, lost('a'));
    const middle = (MIN_TIMEOUT_MS + MAX_TIMEOUT_MS) / 2;
    const isLong = Array.from({ length: 20 }, () => {
      cluster.runFor(HEARTBEAT_MS);
      return ['b', 'c'].map((id) => cluster.node(id).core.wakeAt - cluster.now > middle);
    });
    for (const each of [0, 1]) expect(new Set(isLong.map((of) => of[each]))).toEqual(new Set([true, false]));
    cluster.runFor(3 * MAX_TIMEOUT_MS);
    expect(cluster.leader).toBe('a');
  });

  it('change nothing when the leader is there for the others', () => {
    const cluster = led();
    const { term } = cluster.status('a');
    cluster.isCut = (from, to) => (from === 'a' && to === 'b') || (from === 'b' && to === 'a');
    cluster.step('b', lost('a'));
    cluster.runFor(5 * MAX_TIMEOUT_MS);
    expect(cluster.status('a')).toMatchObject({ role: 'leader', term });
    expect(campaigns(cluster, 'c')).toBe(0);
  });

  it('take no heed of a connection to anybody else', () => {
    const cluster = led();
    const { wakeAt } = cluster.node('b').core;
    cluster.step('b', lost('c'));
    expect(cluster.node('b').core.wakeAt).toBe(wakeAt);
  });

  it('let the one of higher priority go first', () => {
    const cluster = new CoreCluster({ configuration: members('abc', '', { c: { priority: 1 } }) });
    cluster.step('c', { type: 'pauseElections', paused: true });
    cluster.elect('a');
    cluster.runFor(HEARTBEAT_MS);
    cluster.step('c', { type: 'pauseElections', paused: false });
    kill(cluster, 'a');
    cluster.runFor(MIN_TIMEOUT_MS + FIRST_MS + 1);
    expect(cluster.leader).toBe('c');
  });

  it('elect another when the first is gone, too, whichever they miss first: never more than one of them is the first', () => {
    const cluster = led({ ids: ['a', 'b', 'c', 'd', 'e'] });
    cluster.isCut = (from, to) => [from, to].some((id) => id === 'a' || id === 'b');
    for (const gone of ['a', 'b']) cluster.step('c', lost(gone));
    for (const gone of ['b', 'a']) for (const id of ['d', 'e']) cluster.step(id, lost(gone));
    const due = ['c', 'd', 'e'].map((id) => cluster.node(id).core.wakeAt);
    expect(new Set(due).size).toBe(3);
    expect(Math.min(...due)).toBeGreaterThanOrEqual(cluster.now - HEARTBEAT_MS + (MIN_TIMEOUT_MS + MAX_TIMEOUT_MS) / 2);
    cluster.runFor(5 * MAX_TIMEOUT_MS);
    expect(['c', 'd', 'e']).toContain(cluster.leader);
  });

  it('are not the first while they give leadership away: who stepped down keeps its timeout', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    cluster.settle();
    cluster.step('a', { type: 'stepDown' });
    cluster.elect('b');
    cluster.settle();
    const { wakeAt } = cluster.node('a').core;
    cluster.step('a', lost('b'));
    expect(cluster.node('a').core.wakeAt).toBe(wakeAt);
  });

  it('start no election that is not theirs to start', () => {
    const cluster = led({ configuration: members('abc', 'd'), ids: ['a', 'b', 'c', 'd'] });
    cluster.step('b', { type: 'pauseElections', paused: true });
    kill(cluster, 'a');
    cluster.isCut = () => true;
    cluster.runFor(3 * MAX_TIMEOUT_MS);
    expect(['b', 'd'].map((id) => campaigns(cluster, id))).toEqual([0, 0]);
    expect(campaigns(cluster, 'c')).toBeGreaterThan(0);
  });
});
