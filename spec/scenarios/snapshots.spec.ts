import { encodeConfiguration } from '../../lib/core/configuration.js';
import type { InstallSnapshot } from '../../lib/core/messages.js';
import { HEARTBEAT_MS, MAX_TIMEOUT_MS, type CoreCluster } from '../support/core-cluster.js';
import { change, heal, isolate, ledByA, members, membership } from '../support/core-membership.js';
import { installWhole, runWithSnapshots, snapshotFrom } from '../support/core-snapshots.js';
import { defined } from '../support/defined.js';

/** `a` leads; `c` has missed all but the first entries, which `a` has compacted: it is sent a snapshot. */
function behind(entries = 20): CoreCluster {
  const cluster = ledByA('abc');
  isolate(cluster, 'c');
  cluster.propose('a', ...Array.from({ length: entries }, (_, i) => `x${i}`));
  cluster.runFor(HEARTBEAT_MS);
  cluster.step('a', ...cluster.node('a').compact(entries));
  heal(cluster);
  cluster.runFor(2 * HEARTBEAT_MS);
  expect(cluster.status('a').peers['c']?.state).toBe('snapshot');
  expect(cluster.node('a').snapshotSends.splice(0)).toEqual(['c']);
  return cluster;
}

const part = (chunk: InstallSnapshot, offset: number, length: number): InstallSnapshot => ({ ...chunk, offset, data: new Uint8Array(length), done: offset + length >= chunk.snapshot.bytes });

describe('S24 A slow follower whose needed entries were compacted receives a snapshot, never a bogus previous term', () => {
  it('even while its window is full of appends that were lost', () => {
    const cluster = ledByA('abc', '', { options: { maxInflightMessages: 2, maxAppendBytes: 64 } });
    cluster.isCut = (from, to, type) => [from, to].includes('c') && (type === 'append' || type === 'appendReply');
    cluster.propose('a', ...Array.from({ length: 20 }, () => 'x'));
    cluster.runFor(HEARTBEAT_MS);
    cluster.step('a', ...cluster.node('a').compact(20));
    cluster.runFor(3 * HEARTBEAT_MS); // its heartbeats are answered: the leader asks after what it sent, and can't name it any more
    expect(cluster.status('a').peers['c']?.state).toBe('snapshot');
    expect(cluster.node('a').snapshotSends).toEqual(['c']);
    heal(cluster);
    runWithSnapshots(cluster, 5 * HEARTBEAT_MS);
    expect(cluster.status('c').applied).toEqual(cluster.status('a').lastLog);
  });

  it('even while its entries are being read from storage', () => {
    const cluster = ledByA('abc', '', { options: { logCacheBytes: 0 } });
    cluster.isCut = (from, to) => [from, to].includes('c');
    cluster.propose('a', ...Array.from({ length: 20 }, () => 'x'));
    cluster.runFor(HEARTBEAT_MS);
    heal(cluster);
    const { next = 0 } = cluster.status('a').peers['c'] ?? {};
    cluster.inject('c', 'a', { type: 'appendRejected', term: 2, round: cluster.node('a').core.round, rejected: next - 1, hint: cluster.status('c').lastLog });
    const reads = cluster.node('a').answerLogReads();
    expect(reads).toMatchObject([{ type: 'entriesRead', peer: 'c' }]);
    cluster.step('a', ...cluster.node('a').compact(18), ...reads); // the answer overtakes the compaction, and reaches beyond it
    expect(cluster.status('a').peers['c']?.state).toBe('snapshot');
    runWithSnapshots(cluster, 5 * HEARTBEAT_MS);
    expect(cluster.status('c').applied).toEqual(cluster.status('a').lastLog);
  });
});

describe('S36 A snapshot carries a joint configuration; who restores from it leaves the joint configuration once it leads', () => {
  // §6, §7
  it('taken while joint, it is what its receiver starts from', () => {
    const cluster = ledByA('abc', '', { configuration: members('abc', 'd') });
    cluster.settle();
    cluster.isCut = (_from, _to, type) => type === 'append';
    change(cluster, 'a', { promote: ['d'], remove: ['b'] });
    cluster.persist('a');
    cluster.isCut = (_from, to) => to === 'b';
    cluster.runFor(2 * HEARTBEAT_MS);
    const joint = defined(cluster.node('a').eventsOf('MembershipAppended').find((event) => event.joint));
    const { configuration, index: configurationIndex } = joint;
    const chunk: InstallSnapshot = { ...part(blank(cluster), 0, 8), snapshot: { last: { index: configurationIndex, term: 2 }, configuration, configurationIndex, bytes: 8 } };
    cluster.isCut = () => true;
    cluster.take();
    cluster.inject('a', 'b', chunk);
    installWhole(cluster, 'b', chunk);
    expect([membership(cluster, 'b'), cluster.status('b').role]).toEqual(['acd|abc', 'follower']);
    cluster.restart('b');
    expect(membership(cluster, 'b')).toBe('acd|abc');
  });

  const blank = (cluster: CoreCluster): InstallSnapshot => ({
    type: 'installSnapshot',
    term: cluster.status('a').term,
    round: cluster.node('a').core.round,
    snapshot: { last: { index: 0, term: 0 }, configuration: members('abc'), configurationIndex: 1, bytes: 8 },
    attempt: 1,
    offset: 0,
    data: new Uint8Array(0),
    checksum: 0,
    done: false,
  });
});

describe('S45 The target crashes mid-snapshot: the leader probes again; transfer starts over, never mixes', () => {
  it('a failed transfer is not begun again before the peer has shown that it lives', () => {
    const cluster = behind();
    cluster.inject('a', 'c', part(snapshotFrom(cluster, 'a'), 0, 40));
    cluster.take();
    cluster.restart('c');
    isolate(cluster, 'c');
    cluster.step('a', { type: 'snapshotSendEnded', peer: 'c', outcome: 'failed', ms: 5 });
    cluster.runFor(3 * HEARTBEAT_MS);
    expect(cluster.status('a').peers['c']?.state).toBe('probe');
    expect(cluster.node('a').snapshotSends).toEqual([]);
    expect(cluster.node('a').eventsOf('SnapshotSent')).toMatchObject([{ peer: 'c', outcome: 'failed' }]);
    heal(cluster);
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(cluster.node('a').snapshotSends).toEqual(['c']);
    runWithSnapshots(cluster, 2 * HEARTBEAT_MS);
    expect(cluster.status('c').applied).toEqual(cluster.status('a').lastLog);
  });

  it('a crash between the last chunk and the installation leaves the old state', () => {
    const cluster = behind();
    const before = cluster.status('c').lastLog;
    const chunk = snapshotFrom(cluster, 'a');
    cluster.inject('a', 'c', chunk);
    cluster.step('c', ...cluster.node('c').stage(chunk));
    cluster.settle();
    cluster.restart('c');
    expect(cluster.status('c')).toMatchObject({ lastLog: before, snapshot: { index: 0 } });
  });
});

describe('S46 Two snapshots in quick succession, or a snapshot while one is being sent', () => {
  it('a newer one of the leader’s own leaves the transfer alone; what it brings is where the peer goes on', () => {
    const cluster = behind();
    const old = snapshotFrom(cluster, 'a');
    cluster.propose('a', 'y', 'z');
    cluster.runFor(HEARTBEAT_MS);
    cluster.step('a', ...cluster.node('a').compact(old.snapshot.last.index - 1));
    expect(cluster.status('a').peers['c']?.state).toBe('snapshot');
    cluster.inject('a', 'c', old);
    installWhole(cluster, 'c', old);
    cluster.settle();
    expect(cluster.status('a').peers['c']).toMatchObject({ state: 'replicate' });
    cluster.runFor(HEARTBEAT_MS);
    expect(cluster.status('c').applied).toEqual(cluster.status('a').lastLog);
  });

  it('when the log behind the old one is gone meanwhile, the newer one follows', () => {
    const cluster = behind();
    const old = snapshotFrom(cluster, 'a');
    cluster.propose('a', 'y', 'z');
    cluster.runFor(HEARTBEAT_MS);
    cluster.step('a', ...cluster.node('a').compact(cluster.status('a').applied.index));
    cluster.inject('a', 'c', old);
    installWhole(cluster, 'c', old);
    cluster.settle();
    expect(cluster.node('a').snapshotSends).toEqual(['c']);
    runWithSnapshots(cluster, 2 * HEARTBEAT_MS);
    expect(cluster.status('c').applied).toEqual(cluster.status('a').lastLog);
  });

  it('an older one that is saved late doesn’t take the newer one’s place', () => {
    const cluster = behind();
    const { snapshot } = cluster.status('a');
    const configuration = members('abc');
    cluster.step('a', { type: 'snapshotSaved', snapshot: { last: { index: 5, term: 2 }, configuration, configurationIndex: 1, bytes: 1 }, ms: 1 });
    expect(cluster.status('a').snapshot).toEqual(snapshot);
    expect(cluster.node('a').eventsOf('SnapshotSaved')).toHaveLength(1);
  });
});

describe('S49 Sending a snapshot holds neither heartbeats nor new appends back', () => {
  it('while one peer waits for its snapshot, the others commit and its own heartbeats go on', () => {
    const cluster = behind();
    const chunk = snapshotFrom(cluster, 'a');
    for (let i = 0; i < 20; i += 1) {
      const index = cluster.propose('a', `y${i}`);
      cluster.settle();
      expect(cluster.status('b').committed.index).toBe(index);
      cluster.inject('a', 'c', part(chunk, i, 1));
      cluster.runFor(HEARTBEAT_MS);
    }
    expect(cluster.leader).toBe('a');
    expect(cluster.status('c')).toMatchObject({ leaderId: 'a', term: 2 });
    expect(cluster.status('a').peers['c']).toMatchObject({ state: 'snapshot', lastContactAt: cluster.now });
  });
});

describe('Installing races with appends', () => {
  it('what the leader appended beside the last chunk, and had acknowledged, is not lost to the snapshot', () => {
    const cluster = behind();
    const chunk = snapshotFrom(cluster, 'a');
    const { lastLog } = cluster.status('c');
    cluster.inject('a', 'c', chunk);
    cluster.take();
    // The transfer's end crossed an append that reaches past the snapshot: the log is there before the snapshot is staged.
    const entries = defined(cluster.node('b').core.entries(lastLog.index + 1, cluster.status('b').lastLog.index, Infinity));
    cluster.inject('a', 'c', { type: 'append', term: 2, round: 1, previous: lastLog, commit: 1, entries });
    cluster.persist('c');
    expect(cluster.sent('appendReply', { from: 'c' }).at(-1)?.matched).toBe(cluster.status('b').lastLog.index);
    cluster.step('c', ...cluster.node('c').stage(chunk));
    expect(cluster.node('c').core.restoring).toBeNull();
    expect(cluster.status('c')).toMatchObject({ lastLog: cluster.status('b').lastLog, committed: chunk.snapshot.last });
  });

  it('an append that doesn’t reach the snapshot changes nothing: it is staged, and its bytes are what counts', () => {
    const cluster = behind();
    const chunk = snapshotFrom(cluster, 'a');
    const { lastLog } = cluster.status('c');
    cluster.inject('a', 'c', chunk);
    cluster.inject('a', 'c', { type: 'append', term: 2, round: 1, previous: lastLog, commit: 1, entries: defined(cluster.node('b').core.entries(lastLog.index + 1, lastLog.index + 2, Infinity)) });
    cluster.step('c', ...cluster.node('c').stage(chunk));
    for (let i = 0; i < 5; i += 1) cluster.timeout('c');
    expect(cluster.status('c').role).toBe('follower'); // it is being replaced: no campaign
    cluster.step('c', { type: 'campaign' });
    expect(cluster.status('c').role).toBe('follower');
    cluster.step('c', ...cluster.node('c').persist(), ...cluster.node('c').install(chunk));
    expect(cluster.status('c')).toMatchObject({ lastLog: chunk.snapshot.last, persisted: chunk.snapshot.last, applied: chunk.snapshot.last });
  });

  it('writes in flight when it is installed make nothing durable that is not', () => {
    const cluster = behind();
    const chunk = snapshotFrom(cluster, 'a');
    const { lastLog } = cluster.status('c');
    cluster.slowDisks.add('c');
    cluster.inject('a', 'c', { type: 'append', term: 2, round: 1, previous: lastLog, commit: 1, entries: [{ index: lastLog.index + 1, term: 2, kind: 'configuration', payload: encodeConfiguration(members('ab')) }] });
    cluster.inject('a', 'c', chunk);
    cluster.step('c', ...cluster.node('c').stage(chunk));
    const late = cluster.node('c').persist();
    cluster.step('c', ...cluster.node('c').install(chunk), ...late);
    expect(cluster.status('c')).toMatchObject({ persisted: chunk.snapshot.last, role: 'follower' });
    expect(membership(cluster, 'c')).toBe('abc');
    cluster.slowDisks.clear();
    cluster.runFor(2 * MAX_TIMEOUT_MS);
    expect(cluster.status('c').applied).toEqual(cluster.status('a').lastLog);
  });

  it('one that could not be put in force frees the node: it takes entries and campaigns again', () => {
    const cluster = behind();
    const chunk = snapshotFrom(cluster, 'a');
    cluster.inject('a', 'c', chunk);
    cluster.step('c', ...cluster.node('c').stage(chunk));
    cluster.step('c', { type: 'snapshotAbandoned' });
    expect(cluster.node('c').core.restoring).toBeNull();
    isolate(cluster, 'c');
    cluster.timeout('c');
    expect(cluster.status('c').role).toBe('preCandidate');
  });
});
