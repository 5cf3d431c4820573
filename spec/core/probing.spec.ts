import { CoreCluster, HEARTBEAT_MS } from '../support/core-cluster.js';
import { heal, ledByA } from '../support/core-membership.js';

/** Counts the appends that reach `b` meanwhile: those with entries, and those without. */
function appendsToB(cluster: CoreCluster, meanwhile: () => void): { full: number; empty: number } {
  const counts = { full: 0, empty: 0 };
  const inject = cluster.inject.bind(cluster);
  cluster.inject = (from, to, message) => {
    if (to === 'b' && message.type === 'append') counts[message.entries.length > 0 ? 'full' : 'empty'] += 1;
    inject(from, to, message);
  };
  meanwhile();
  cluster.inject = inject;
  return counts;
}

/** `b` lost its connection for a moment while entries waited for its disk, and is probed. */
function probedWithASlowDisk(): CoreCluster {
  const cluster = ledByA('abc');
  cluster.slowDisks.add('b');
  cluster.propose('a', 'x', 'y', 'z');
  cluster.settle();
  cluster.step('a', { type: 'connection', peer: 'b', up: false, error: 'reset' }, { type: 'connection', peer: 'b', up: true, error: '' });
  expect(cluster.status('a').peers['b']).toMatchObject({ state: 'probe' });
  return cluster;
}

describe('probing a peer whose answer does not come', () => {
  // §5.3; the peer answers heartbeats at once, and an append only when its disk has it
  it('the entries go to a slow disk once, not once more with every heartbeat', () => {
    const cluster = probedWithASlowDisk();
    const { full, empty } = appendsToB(cluster, () => cluster.runFor(50 * HEARTBEAT_MS));
    expect(full).toBe(1);
    expect(empty).toBeGreaterThan(0);
    expect(empty).toBeLessThanOrEqual(51);
    cluster.slowDisks.clear();
    cluster.settle();
    expect(cluster.status('a').peers['b']).toMatchObject({ state: 'replicate', matched: cluster.status('a').lastLog.index });
  });

  it('nor do reads, which begin rounds as fast as they are answered, bring more than one question a round', () => {
    const cluster = probedWithASlowDisk();
    const { full, empty } = appendsToB(cluster, () => {
      for (let id = 1; id <= 50; id += 1) {
        cluster.step('a', { type: 'read', id, lease: false });
        cluster.settle();
      }
    });
    expect(empty).toBeLessThanOrEqual(51);
    expect(full).toBe(1);
  });

  it('an append that was lost is found out by the next heartbeat, and the entries go again', () => {
    const cluster = ledByA('abc');
    cluster.step('a', { type: 'connection', peer: 'b', up: false, error: 'reset' }, { type: 'connection', peer: 'b', up: true, error: '' });
    cluster.isCut = (_from, to, type) => to === 'b' && type === 'append';
    cluster.propose('a', 'x');
    cluster.settle();
    heal(cluster);
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(cluster.status('a').peers['b']).toMatchObject({ state: 'replicate', matched: cluster.status('a').lastLog.index });
  });

  it('a rejection that was lost is asked for again', () => {
    const cluster = ledByA('abc', '', { logs: { a: [1, 1, 1, 1], b: [1], c: [1, 1, 1, 1] } });
    cluster.isCut = (from, _to, type) => from === 'b' && (type === 'appendReply' || type === 'appendRejected');
    cluster.step('a', { type: 'connection', peer: 'b', up: false, error: 'reset' }, { type: 'connection', peer: 'b', up: true, error: '' });
    cluster.runFor(10 * HEARTBEAT_MS);
    heal(cluster);
    cluster.runFor(3 * HEARTBEAT_MS);
    expect(cluster.status('b').lastLog).toEqual(cluster.status('a').lastLog);
  });

  it('a peer whose connection is gone is sent nothing but heartbeats until it answers one', () => {
    const cluster = ledByA('abc');
    cluster.step('a', { type: 'connection', peer: 'b', up: false, error: 'reset' });
    cluster.isCut = (_from, to) => to === 'b';
    cluster.propose('a', 'x');
    cluster.runFor(HEARTBEAT_MS);
    expect(appendsToB(cluster, () => cluster.runFor(5 * HEARTBEAT_MS))).toEqual({ full: 0, empty: 0 });
    heal(cluster);
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(cluster.status('b').lastLog).toEqual(cluster.status('a').lastLog);
  });
});

describe('entries that went with a probe', () => {
  /** `a` has just won; what it appends stays in `b`'s memory. */
  const elected = (cluster: CoreCluster): void => {
    cluster.timeout('a');
    while (!cluster.node('a').core.isLeader) {
      cluster.deliver();
      for (const id of ['a', 'b', 'c']) cluster.persist(id);
    }
    cluster.slowDisks.add('b');
    cluster.settle();
  };

  // §5.3; the peer says at once that the entry before them is there, and once more when they are on its disk
  it('are not sent again, nor read again, once the entry before them has been found', () => {
    const cluster = new CoreCluster({ logs: { a: [1, 1, 1], b: [1], c: [1, 1, 1] } });
    let reads = 0;
    cluster.onTurn = (_id, _inputs, { logReads }) => (reads += logReads.filter(({ peer }) => peer === 'b').length);
    expect(appendsToB(cluster, () => cluster.elect('a'))).toEqual({ full: 2, empty: 0 }); // one is refused, one is taken
    expect(reads).toBe(1);
    expect(cluster.status('a').peers['b']).toMatchObject({ state: 'replicate', matched: 4, inFlight: 0 });
  });

  it('are under way, and count against the window, until they are on its disk', () => {
    const cluster = new CoreCluster({ options: { maxInflightMessages: 1 } });
    elected(cluster);
    expect(cluster.status('a').peers['b']).toMatchObject({ state: 'replicate', matched: 1, next: 3, inFlight: 1 });
    cluster.propose('a', 'x');
    expect(cluster.sent('append', { to: 'b' })).toEqual([]);
    cluster.persist('b');
    cluster.deliver({ from: 'b' });
    expect(cluster.sent('append', { to: 'b' })).toMatchObject([{ previous: { index: 2 } }]);
  });

  it('are sent again when the peer crashed before its disk had them', () => {
    const cluster = new CoreCluster();
    elected(cluster);
    expect(cluster.status('b')).toMatchObject({ lastLog: { index: 2 }, persisted: { index: 1 } });
    cluster.restart('b');
    cluster.slowDisks.clear();
    cluster.runFor(3 * HEARTBEAT_MS);
    expect(cluster.status('b').committed).toEqual(cluster.status('a').lastLog);
  });
});
