import { configurationOf, encodeConfiguration, type Configuration } from '../../lib/core/configuration.js';
import type { Entry } from '../../lib/core/entry.js';
import type { Append, InstallSnapshot } from '../../lib/core/messages.js';
import { CoreCluster, entryOf } from '../support/core-cluster.js';

const THREE = configurationOf({ a: 'a:1', b: 'b:1', c: 'c:1' });
const WITH_D: Configuration = { ...THREE, learners: ['d'], nodes: { ...THREE.nodes, d: { address: 'd:1' } } };
const JOINT: Configuration = { voters: ['a', 'c'], votersOutgoing: ['a', 'b', 'c'], learners: [], nodes: THREE.nodes };
const WITHOUT_B: Configuration = configurationOf({ a: 'a:1', c: 'c:1' });

const change = (index: number, term: number, configuration: Configuration): Entry => ({ index, term, kind: 'configuration', payload: encodeConfiguration(configuration) });

const append = (term: number, previous: { index: number; term: number }, entries: readonly Entry[], commit = 0): Append => ({ type: 'append', term, round: 1, previous, commit, entries });

const snapshotAt = (index: number, configuration: Configuration, configurationIndex: number, fields: Partial<InstallSnapshot> = {}): InstallSnapshot => ({
  type: 'installSnapshot',
  term: 2,
  round: 1,
  snapshot: { last: { index, term: 1 }, configuration, configurationIndex, bytes: 1 },
  attempt: 1,
  offset: 0,
  data: new Uint8Array(1),
  checksum: 0,
  done: true,
  ...fields,
});

function effective(cluster: CoreCluster, id: string): unknown {
  const { index, configuration } = cluster.status(id).effective;
  return [index, configuration];
}

describe('S35 A configuration entry that is truncated is rolled back to the previous, the initial, or the snapshot’s', () => {
  // thesis §4.1
  it('to the previous one, then to the initial one', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'b', append(2, { index: 1, term: 1 }, [change(2, 2, WITH_D), change(3, 2, WITHOUT_B)]));
    expect(effective(cluster, 'b')).toEqual([3, WITHOUT_B]);
    expect(cluster.status('b').role).toBe('learner');
    cluster.inject('c', 'b', append(3, { index: 2, term: 2 }, [entryOf(3, 3)]));
    expect(effective(cluster, 'b')).toEqual([2, WITH_D]);
    expect(cluster.status('b').role).toBe('follower');
    cluster.inject('a', 'b', append(4, { index: 1, term: 1 }, [entryOf(2, 4)]));
    expect(effective(cluster, 'b')).toEqual([1, THREE]);
    cluster.settle();
    cluster.restart('b');
    expect(effective(cluster, 'b')).toEqual([1, THREE]);
  });

  it('to the snapshot’s, whose own entry is long gone', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'b', snapshotAt(50, WITH_D, 20));
    cluster.persist('b');
    cluster.step('b', ...cluster.node('b').install(snapshotAt(50, WITH_D, 20)));
    cluster.inject('a', 'b', append(2, { index: 50, term: 1 }, [change(51, 2, WITHOUT_B)]));
    expect(effective(cluster, 'b')).toEqual([51, WITHOUT_B]);
    cluster.inject('c', 'b', append(3, { index: 50, term: 1 }, [entryOf(51, 3)]));
    expect(effective(cluster, 'b')).toEqual([20, WITH_D]);
  });

  it('a committed one is never rolled back', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'b', append(2, { index: 1, term: 1 }, [change(2, 2, WITH_D)], 2));
    expect(cluster.status('b').committedConfiguration).toEqual({ index: 2, configuration: WITH_D });
    cluster.inject('c', 'b', append(3, { index: 1, term: 1 }, [entryOf(2, 3)]));
    expect(effective(cluster, 'b')).toEqual([2, WITH_D]);
  });

  it('one that is appended and not committed is in force after a restart', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'b', append(2, { index: 1, term: 1 }, [change(2, 2, WITH_D)]));
    cluster.persist('b');
    cluster.restart('b');
    expect(effective(cluster, 'b')).toEqual([2, WITH_D]);
    expect(cluster.status('b').committedConfiguration.index).toBe(0);
  });
});

describe('S36 A snapshot carries a joint configuration; a receiver that is only in the outgoing voters accepts it', () => {
  // §6, §7
  it('it stays a voter, and an election needs both majorities', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'b', snapshotAt(50, JOINT, 40));
    cluster.persist('b');
    cluster.step('b', ...cluster.node('b').install(snapshotAt(50, JOINT, 40)));
    expect(cluster.status('b')).toMatchObject({ role: 'follower', committed: { index: 50 }, committedConfiguration: { index: 40, configuration: JOINT } });
    cluster.timeout('b');
    const grant = { type: 'preVoteReply', term: 3, granted: true } as const;
    cluster.inject('a', 'b', grant); // two of the outgoing three, one of the incoming two
    expect(cluster.status('b').role).toBe('preCandidate');
    cluster.inject('c', 'b', grant);
    expect(cluster.status('b').role).toBe('candidate');
  });
});

describe('S42 A snapshot whose last entry the follower already has fast-forwards its commit and keeps the suffix', () => {
  it('nothing is installed, the log stays, and the answer says so', () => {
    const cluster = new CoreCluster({ logs: { b: [1, 1, 1, 1, 1] } });
    cluster.inject('a', 'b', snapshotAt(3, THREE, 1));
    cluster.persist('b');
    expect(cluster.status('b')).toMatchObject({ committed: { index: 3 }, lastLog: { index: 5 }, snapshot: { index: 0 } });
    expect(cluster.node('b').snapshotChunks).toEqual([]);
    expect(cluster.sent('installSnapshotReply')).toMatchObject([{ installed: true, matched: 3 }]);
  });
});

describe('S43 A stale snapshot (index ≤ committed) is ignored and acknowledged with the commit index', () => {
  it('even one that differs from what is committed here', () => {
    const cluster = new CoreCluster({ logs: { b: [1, 1, 1, 1, 1] } });
    cluster.inject('a', 'b', append(2, { index: 5, term: 1 }, [], 5));
    cluster.inject('a', 'b', snapshotAt(2, WITH_D, 2));
    cluster.persist('b');
    expect(cluster.sent('installSnapshotReply')).toMatchObject([{ installed: true, matched: 5 }]);
    expect(cluster.status('b')).toMatchObject({ lastLog: { index: 5 }, snapshot: { index: 0 }, effective: { index: 1 } });
  });

  it('an installation that ends after the log caught up changes nothing', () => {
    const cluster = new CoreCluster({ logs: { b: [1, 1, 1, 1, 1] } });
    cluster.inject('a', 'b', append(2, { index: 5, term: 1 }, [], 5));
    cluster.step('b', { type: 'snapshotInstalled', snapshot: snapshotAt(4, WITH_D, 2).snapshot });
    expect(cluster.status('b')).toMatchObject({ lastLog: { index: 5 }, snapshot: { index: 0 }, effective: { index: 1 } });
  });
});

describe('S44 A new term arrives during installation: no stale reply, the right term', () => {
  it('the installed snapshot is acknowledged to the leader of today', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'b', snapshotAt(50, THREE, 1));
    cluster.inject('c', 'b', { type: 'heartbeat', term: 3, round: 4, commit: 0 });
    cluster.persist('b');
    cluster.take();
    cluster.step('b', ...cluster.node('b').install(snapshotAt(50, THREE, 1)));
    expect(cluster.wire.map(({ to }) => to)).toEqual(['c', 'c']);
    expect(cluster.sent('installSnapshotReply')).toMatchObject([{ term: 3, round: 4, installed: true, matched: 50 }]);
    expect(cluster.sent('appendReply')).toMatchObject([{ term: 3, matched: 50 }]);
  });

  it('while the new term is not on the disk, nothing leaves; without a leader, nothing is said', () => {
    const cluster = new CoreCluster();
    cluster.inject('a', 'b', snapshotAt(50, THREE, 1));
    cluster.inject('c', 'b', { type: 'heartbeat', term: 3, round: 4, commit: 0 });
    cluster.step('b', { type: 'snapshotInstalled', snapshot: snapshotAt(50, THREE, 1).snapshot });
    expect(cluster.wire).toEqual([]);
    cluster.inject('a', 'b', { type: 'voteRequest', term: 4, lastLog: { index: 99, term: 3 }, transfer: true });
    cluster.node('b').disk.install(snapshotAt(50, THREE, 1).snapshot);
    cluster.persist('b');
    expect(cluster.wire.map(({ to, message }) => [to, message.type])).toEqual([['a', 'voteReply']]);
  });
});
