import type { Input } from '../../lib/core/inputs.js';
import type { NodeId } from '../../lib/core/ids.js';
import type { RaftMessage } from '../../lib/core/messages.js';
import { CoreCluster } from '../support/core-cluster.js';

/** A leader with an idle cluster, at rest. */
function led(): CoreCluster {
  const cluster = new CoreCluster();
  cluster.elect('a');
  cluster.settle();
  return cluster;
}

/** Asks of the one message that is on its way between the two. */
function isAwaited(cluster: CoreCluster, from: NodeId, to: NodeId, type: RaftMessage['type']): boolean {
  const [message, ...more] = cluster.sent(type, { from, to });
  expect(more).toEqual([]);
  return cluster.node(to).core.isAwaited({ type: 'message', from, message: message as RaftMessage });
}

const persisted = (writeId: number): Input => ({ type: 'persisted', writeId, ioMs: 0 });

describe('whether somebody waits for what an input brings', () => {
  it('an append is answered; a notice of what is committed is not', () => {
    const cluster = led();
    cluster.propose('a', 'x');
    expect(isAwaited(cluster, 'a', 'b', 'append')).toBe(true);
    cluster.deliver({ to: 'b' });
    cluster.persist('a');
    cluster.persist('b');
    cluster.deliver({ from: 'b' });
    expect(isAwaited(cluster, 'a', 'b', 'heartbeat')).toBe(false);
    cluster.settle();
    expect(cluster.status('b').committed).toEqual(cluster.status('a').committed);
  });

  it('a heartbeat of a new round is', () => {
    const cluster = led();
    cluster.timeout('a');
    expect(isAwaited(cluster, 'a', 'b', 'heartbeat')).toBe(true);
  });

  it('the acknowledgement that commits is waited for, the one after it is not', () => {
    const cluster = led();
    cluster.propose('a', 'x');
    cluster.deliver();
    for (const id of ['a', 'b', 'c']) cluster.persist(id);
    expect(isAwaited(cluster, 'b', 'a', 'appendReply')).toBe(true);
    cluster.deliver({ from: 'b' });
    expect(isAwaited(cluster, 'c', 'a', 'appendReply')).toBe(false);
  });

  it('nor is it left waiting when there are entries to be sent in its place', () => {
    const cluster = new CoreCluster({ options: { maxInflightMessages: 1 } });
    cluster.elect('a');
    cluster.settle();
    cluster.propose('a', 'x');
    cluster.propose('a', 'y'); // the window is full
    cluster.deliver();
    for (const id of ['a', 'b', 'c']) cluster.persist(id);
    cluster.deliver({ from: 'b' });
    expect(isAwaited(cluster, 'c', 'a', 'appendReply')).toBe(true);
  });

  it("the leader's disk is waited for when it decides, and not before", () => {
    const cluster = led();
    cluster.propose('a', 'x');
    const { core, writes } = cluster.node('a');
    const [write] = writes;
    expect(core.isAwaited(persisted(write?.id ?? 0))).toBe(false);
    cluster.deliver({ to: 'b' });
    cluster.persist('b');
    cluster.deliver({ from: 'b' });
    expect(core.isAwaited(persisted(write?.id ?? 0))).toBe(true);
  });

  it("a follower's disk is always, and everybody's when term or vote are on their way to it", () => {
    const cluster = led();
    cluster.propose('a', 'x');
    cluster.deliver({ to: 'b' });
    expect(cluster.node('b').core.isAwaited(persisted(cluster.node('b').writes[0]?.id ?? 0))).toBe(true);
    cluster.timeout('c');
    expect(cluster.node('c').core.isAwaited(persisted(cluster.node('c').writes[0]?.id ?? 0))).toBe(true);
  });
});
