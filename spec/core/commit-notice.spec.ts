import { CoreCluster, HEARTBEAT_MS } from '../support/core-cluster.js';

const DELAY_MS = 5;

/** A leader, `a`, with an idle cluster, at rest, in the middle between two heartbeats. */
function led(): CoreCluster {
  const cluster = new CoreCluster({ options: { commitNoticeDelayMs: DELAY_MS } });
  cluster.elect('a');
  cluster.runFor(HEARTBEAT_MS);
  cluster.timeout('a');
  cluster.settle();
  return cluster;
}

/** Proposes, and lets all but time do its work: `a` and the two others hold it. */
function replicated(cluster: CoreCluster, command: string): number {
  const index = cluster.propose('a', command);
  cluster.settle();
  expect(cluster.status('a').committed.index).toBe(index);
  return index;
}

const committed = (cluster: CoreCluster): number[] => ['b', 'c'].map((id) => cluster.status(id).committed.index);

describe('how followers learn what is committed', () => {
  it('by the next append, without a message of its own', () => {
    const cluster = led();
    const first = replicated(cluster, 'x');
    expect(committed(cluster)).toEqual([first - 1, first - 1]);
    cluster.now += DELAY_MS / 2;
    cluster.propose('a', 'y');
    expect(cluster.wire.map(({ to, message }) => [to, message.type])).toEqual([['b', 'append'], ['c', 'append']]);
    cluster.settle();
    expect(committed(cluster)).toEqual([first, first]);
  });

  it('by a message when no append leaves in time, the time counted from the first that is held back', () => {
    const cluster = led();
    const first = replicated(cluster, 'x');
    const dueAt = cluster.now + DELAY_MS;
    expect(cluster.node('a').core.wakeAt).toBe(dueAt);
    cluster.now = dueAt - 1;
    cluster.tick('a');
    expect(cluster.wire).toEqual([]);
    cluster.timeout('a');
    expect(cluster.now).toBe(dueAt);
    expect(cluster.sent('heartbeat').map(({ commit }) => commit)).toEqual([first, first]);
    expect(cluster.node('a').core.wakeAt).toBeGreaterThan(dueAt);
    cluster.settle();
    expect(committed(cluster)).toEqual([first, first]);
  });

  it('time starts anew behind an append', () => {
    const cluster = led();
    replicated(cluster, 'x');
    cluster.now += DELAY_MS - 1;
    const second = replicated(cluster, 'y');
    expect(committed(cluster)).toEqual([second - 1, second - 1]);
    expect(cluster.node('a').core.wakeAt).toBe(cluster.now + DELAY_MS);
  });

  it('at once when somebody may wait for it elsewhere: for a forwarded command', () => {
    const cluster = led();
    cluster.step('a', { type: 'propose', payloads: [Uint8Array.of(1)], isAwaitedElsewhere: true });
    cluster.settle();
    expect(committed(cluster)).toEqual(Array(2).fill(cluster.status('a').committed.index));
    const next = replicated(cluster, 'y'); // for which nobody does
    expect(committed(cluster)).toEqual([next - 1, next - 1]);
  });

  it('for a read, which a follower answers once it has applied as much; one by lease is the leader\'s own', () => {
    const cluster = led();
    const index = replicated(cluster, 'x');
    cluster.step('a', { type: 'read', id: 1, lease: true });
    cluster.settle();
    expect(committed(cluster)).toEqual([index - 1, index - 1]);
    cluster.step('a', { type: 'read', id: 2, lease: false });
    cluster.settle();
    expect(cluster.node('a').reads).toEqual([1, 2].map((id) => ({ id, index, refusal: null })));
    expect(committed(cluster)).toEqual([index, index]);
  });

  it('for a change of the configuration', () => {
    const cluster = led();
    cluster.step('a', { type: 'changeMembership', id: 1, change: { remove: ['c'] }, expected: null });
    cluster.settle();
    expect(cluster.node('a').core.committedMembership.index).toBe(cluster.status('a').committed.index);
    expect(cluster.status('b').committed).toEqual(cluster.status('a').committed);
  });

  it('a new leader\'s first entry too, by which it serves', () => {
    const cluster = new CoreCluster({ options: { commitNoticeDelayMs: DELAY_MS } });
    cluster.elect('a');
    expect(committed(cluster)).toEqual([2, 2]);
  });
});
