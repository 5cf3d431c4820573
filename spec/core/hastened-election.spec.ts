import { configurationOf } from '../../lib/core/configuration.js';
import type { NodeId } from '../../lib/core/ids.js';
import type { ConnectionInput } from '../../lib/core/inputs.js';
import { CoreCluster, HEARTBEAT_MS, MAX_TIMEOUT_MS, MIN_TIMEOUT_MS, type ClusterOptions } from '../support/core-cluster.js';
import { members } from '../support/core-membership.js';

/** An eighth of the range of timeouts: how long one waits for another. */
const TURN_MS = (MAX_TIMEOUT_MS - MIN_TIMEOUT_MS) / 8;

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
  it.each([1, 2, 3, 4, 5, 6, 7, 8])('campaign one after the other, and the first wins before the second does (seed %i)', (seed) => {
    const cluster = led({ options: { seed } });
    const before = ['b', 'c'].map((id) => campaigns(cluster, id));
    kill(cluster, 'a');
    cluster.runFor(MIN_TIMEOUT_MS + TURN_MS + 1);
    expect(cluster.status('b')).toMatchObject({ role: 'leader' });
    cluster.runFor(MAX_TIMEOUT_MS);
    expect(['b', 'c'].map((id, i) => campaigns(cluster, id) - (before[i] ?? 0))).toEqual([1, 0]);
    expect(cluster.node('b').eventsOf('ElectionTimeoutElapsed').at(-1)?.timeoutMs).toBeLessThanOrEqual(MIN_TIMEOUT_MS + TURN_MS);
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
      cluster.now += TURN_MS / 2;
      cluster.step('c', { type: 'connection', peer: 'a', up: true, error: '' });
    }
    expect(cluster.now - heardAt).toBeLessThanOrEqual(MAX_TIMEOUT_MS + TURN_MS);
  });

  it('do not campaign at once when they slept meanwhile, and what the leader said may wait unread (S14)', () => {
    const cluster = led();
    cluster.isCut = () => true;
    const before = campaigns(cluster, 'b');
    cluster.now += 5 * MAX_TIMEOUT_MS;
    cluster.step('b', lost('a'));
    expect(campaigns(cluster, 'b')).toBe(before);
    expect(cluster.node('b').eventsOf('ElectionTimeoutExtended')).toHaveLength(1);
    expect(cluster.node('b').core.wakeAt).toBeGreaterThanOrEqual(cluster.now + MIN_TIMEOUT_MS);
  });

  it('are as before once they hear the leader again', () => {
    const cluster = led();
    for (const id of ['b', 'c']) cluster.step(id, lost('a'));
    const hastened = ['b', 'c'].map((id) => cluster.node(id).core.wakeAt);
    cluster.runFor(2 * HEARTBEAT_MS);
    for (const [i, id] of ['b', 'c'].entries()) expect(cluster.node(id).core.wakeAt).toBeGreaterThan(hastened[i] ?? 0);
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

  it('let the one of higher priority go first, and wait for nobody who is gone, too', () => {
    const prior = new CoreCluster({ configuration: members('abc', '', { c: { priority: 1 } }) });
    prior.step('c', { type: 'pauseElections', paused: true });
    prior.elect('a');
    prior.runFor(HEARTBEAT_MS);
    prior.step('c', { type: 'pauseElections', paused: false });
    kill(prior, 'a');
    prior.runFor(MIN_TIMEOUT_MS + TURN_MS + 1);
    expect(prior.leader).toBe('c');
    const five = led({ ids: ['a', 'b', 'c', 'd', 'e'], configuration: configurationOf({ a: 'a:1', b: 'b:1', c: 'c:1', d: 'd:1', e: 'e:1' }) });
    five.isCut = (from, to) => [from, to].some((id) => id === 'a' || id === 'b');
    for (const id of ['c', 'd', 'e']) for (const gone of ['b', 'a']) five.step(id, lost(gone));
    five.runFor(MIN_TIMEOUT_MS + TURN_MS + 1);
    expect(five.status('c')).toMatchObject({ role: 'leader' });
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
