import type { Append } from '../../lib/core/messages.js';
import { CoreCluster, entryOf } from '../support/core-cluster.js';

const append = (fields: Partial<Append> = {}): Append => ({ type: 'append', term: 2, round: 1, previous: { index: 1, term: 1 }, commit: 0, entries: [entryOf(2, 2)], ...fields });

describe('acknowledging the first entries of a term', () => {
  // figure 2: nothing leaves before the term is on the disk
  it('term and entries become durable in one write: that is one acknowledgement', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'b', append());
    cluster.persist('b');
    expect(cluster.wire).toMatchObject([{ to: 'a', message: { type: 'appendReply', term: 2, round: 1, matched: 2 } }]);
  });

  it('the term first: the entry before them is acknowledged at once, so that the leader may stream, and they later', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'b', { type: 'heartbeat', term: 2, round: 1, commit: 0 });
    cluster.inject('a', 'b', append());
    cluster.persist('b', 1);
    expect(cluster.take().map(({ message }) => message)).toMatchObject([{ type: 'heartbeatReply' }, { type: 'appendReply', matched: 1 }]);
    cluster.persist('b');
    expect(cluster.wire).toMatchObject([{ message: { type: 'appendReply', matched: 2 } }]);
  });

  it('entries of the old term that become durable with the new one don’t take the place of its acknowledgement', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'b', append());
    cluster.inject('c', 'b', append({ term: 3, entries: [] }));
    cluster.persist('b');
    expect(cluster.wire).toMatchObject([{ to: 'c', message: { type: 'appendReply', term: 3, matched: 1 } }]);
  });
});
