import type { EventType, RaftEventBody } from '../../../lib/core/events.js';
import { configurationOf } from '../../../lib/core/configuration.js';
import { initialMetrics } from '../../../lib/node/metrics/initial.js';
import type { RaftMetrics } from '../../../lib/node/metrics/metrics.js';
import { reduceMetrics } from '../../../lib/node/metrics/reduce.js';
import { EVENT_TYPES, THREE_VOTERS, body, deposedIn, electedIn, event, stampedAll } from '../../support/events.js';

const log = (index: number, term = 1) => ({ index, term });
const TWO = configurationOf({ a: 'a:1', b: 'b:1' });
const LEADING = [body('NodeStarted', { term: 0 }), ...electedIn(1)];

function after(...bodies: readonly RaftEventBody[]): RaftMetrics {
  return stampedAll(bodies).reduce(reduceMetrics, initialMetrics());
}

/** What the kinds do to a leader's metrics: the fields that change, and to what. */
const EFFECTS: Partial<Record<EventType, Record<string, unknown>>> = {
  NodeStarted: { role: 'follower', votedFor: null, lastLog: log(0, 0), committed: log(0, 0) },
  RoleChanged: { role: 'candidate' },
  FatalErrorRaised: { runningState: 'failed', fatalError: 'append: disk is full' },
  NodeStopped: { runningState: 'stopped' },
  EventLoopStalled: { eventLoopStallMaxMs: 120 },
  ElectionsPaused: { electionsPaused: true },
  ElectionStarted: { 'counters.electionsStarted': 2 },
  ElectionWon: { 'counters.electionsWon': 2 },
  ElectionLost: { 'counters.electionsLost': 1 },
  TermAdvanced: { leaderId: null },
  LeaderLost: { leaderId: null },
  LeadershipAcquired: { leadership: { term: 1, sinceAt: 170, noopIndex: 1, established: false, leaseValid: false } },
  LeadershipLost: { leadership: null, replication: {}, lastQuorumAckAt: null },
  EntriesPersisted: { persisted: log(1), 'latencies.append': { count: 1, sumMs: 2, maxMs: 2, lastMs: 2 } },
  LogTruncated: { lastLog: log(0, 0), 'counters.entriesTruncated': 1 },
  EntriesApplied: { applied: log(1), 'latencies.apply': { count: 1, sumMs: 1, maxMs: 1, lastMs: 1 } },
  LogCompacted: { compacted: log(1) },
  MembershipAppended: { 'membership.effectiveIndex': 1 },
  MembershipCommitted: { 'membership.committedIndex': 1 },
  ReplicationStarted: { 'replication.b.next': 2 },
  ReplicationStopped: { 'replication.b': undefined },
  ReplicationStateChanged: { 'replication.b.state': 'replicate' },
  ReplicationProgressed: { 'replication.b.matched': 1, 'replication.b.next': 2 },
  PeerContacted: { 'replication.b.lastContactAt': 170, 'replication.b.rttMs': 0.5 },
  PeerUnreachable: { unreachable: { b: 'connection refused' } },
  SnapshotSaved: { snapshot: log(1) },
  SnapshotSent: { 'counters.snapshotsSent': 1 },
  SnapshotInstalled: {
    lastLog: log(9),
    persisted: log(9),
    committed: log(9),
    applied: log(9),
    snapshot: log(9),
    compacted: log(9),
    'membership.effectiveIndex': 4,
    'membership.committedIndex': 4,
    'counters.snapshotsReceived': 1,
  },
  ProposalsAccepted: { 'counters.proposalsAccepted': 2, pendingProposals: 2 },
  ProposalRejected: { 'counters.proposalsRejected': 1 },
  ProposalsDropped: { 'counters.proposalsDropped': 1, pendingProposals: -1 },
  ProposalsCommitted: { 'counters.proposalsCommitted': 1, pendingProposals: -1, 'latencies.commit': { count: 1, sumMs: 4, maxMs: 4, lastMs: 4 } },
  ReadServed: { 'counters.readsServed': 3 },
  SessionOpened: { 'counters.sessionsOpened': 1 },
  SessionExpired: { 'counters.sessionsExpired': 1 },
  StorageStalled: { 'counters.storageStalls': 1 },
  MessageRejected: { 'counters.messagesRejected': 1 },
  MessagesDropped: { 'counters.messagesDropped': 5 },
  SubscriberFailed: { 'counters.subscriberErrors': 1 },
};

describe('what each kind of event does to the metrics', () => {
  test.each(EVENT_TYPES)('%s changes these fields and no other', (type) => {
    const before = after(...LEADING);
    const changed = after(...LEADING, body(type, {}));
    const effects = EFFECTS[type] ?? {};
    const expected = Object.entries(effects).reduce<unknown>((value, [path, to]) => replaced(value, path.split('.'), to), { ...before, seq: changed.seq });
    expect(changed).toEqual(expected);
  });

  test('NodeStarted seeds every metric that outlives a run', () => {
    const metrics = after(
      body('NodeStarted', {
        term: 7,
        role: 'learner',
        votedFor: 'b',
        lastLog: log(20, 6),
        snapshot: log(10, 3),
        compacted: log(8, 2),
        committed: log(11, 4),
        applied: log(10, 3),
        configuration: THREE_VOTERS,
        configurationIndex: 15,
        committedConfiguration: TWO,
        committedConfigurationIndex: 4,
      }),
    );
    expect(metrics).toMatchObject({
      nodeId: 'a',
      runId: 'run-1',
      runningState: 'running',
      role: 'learner',
      term: 7,
      persistedTerm: 7,
      votedFor: 'b',
      lastLog: log(20, 6),
      persisted: log(20, 6),
      snapshot: log(10, 3),
      compacted: log(8, 2),
      committed: log(11, 4),
      applied: log(10, 3),
      membership: { effective: THREE_VOTERS, effectiveIndex: 15, committed: TWO, committedIndex: 4 },
    });
  });

  test('a leader’s metrics show its leadership and each peer', () => {
    const metrics = after(...LEADING, body('PeerContacted', { peer: 'c', rttMs: 2 }));
    expect(metrics.leadership).toEqual({ term: 1, sinceAt: 90, noopIndex: 1, established: true, leaseValid: true });
    expect(Object.keys(metrics.replication)).toEqual(['b', 'c']);
    expect(metrics.replication['c']).toEqual({ state: 'probe', matched: 0, next: 1, inFlight: 0, lastContactAt: 170, rttMs: 2 });
    expect(metrics.lastQuorumAckAt).toBe(90);
  });

  test('nothing that only a leader knows survives its leadership', () => {
    expect(after(...LEADING, ...deposedIn(1))).toMatchObject({ role: 'follower', leadership: null, leaderId: null, lastQuorumAckAt: null });
    const late = after(...LEADING, ...deposedIn(1), body('PeerContacted'), body('ReplicationProgressed'), body('ReplicationStateChanged'), body('LeaseChanged'));
    expect(late.replication).toEqual({});
    expect(late.leadership).toBeNull();
  });

  test('a failed node stays failed when it stops, and keeps why', () => {
    const metrics = after(body('NodeStarted'), body('FatalErrorRaised'), body('NodeStopped', { reason: 'fatalError' }));
    expect(metrics).toMatchObject({ runningState: 'failed', fatalError: 'append: disk is full' });
  });

  test('pending proposals are the accepted ones that are neither committed nor dropped', () => {
    const metrics = after(
      body('ProposalsAccepted', { count: 10 }),
      body('ProposalsCommitted', { count: 4 }),
      body('ProposalsDropped', { count: 3 }),
      body('ProposalRejected', { count: 2 }),
    );
    expect(metrics.pendingProposals).toBe(3);
  });

  test('latencies keep count, sum, greatest and last', () => {
    const metrics = after(body('EntriesPersisted', { ioMs: 2 }), body('EntriesPersisted', { ioMs: 9 }), body('EntriesPersisted', { ioMs: 4 }));
    expect(metrics.latencies.append).toEqual({ count: 3, sumMs: 15, maxMs: 9, lastMs: 4 });
  });

  test('a truncated configuration gives way to the one before', () => {
    const appended = [body('NodeStarted'), body('MembershipAppended', { configuration: TWO, index: 5 })];
    expect(after(...appended).membership).toMatchObject({ effective: TWO, effectiveIndex: 5, committedIndex: 0 });
    const reverted = after(...appended, body('MembershipReverted', { configuration: THREE_VOTERS, index: 2 }));
    expect(reverted.membership).toMatchObject({ effective: THREE_VOTERS, effectiveIndex: 2, committed: THREE_VOTERS, committedIndex: 0 });
  });

  test('installing a snapshot before the configuration in force commits nothing of it', () => {
    const metrics = after(body('NodeStarted'), body('SnapshotInstalled', { configuration: TWO, configurationIndex: 12, lastLog: log(12) }));
    expect(metrics.membership).toMatchObject({ effective: TWO, effectiveIndex: 12, committed: THREE_VOTERS, committedIndex: 0 });
  });

  test('a snapshot older than the commit index does not take it back', () => {
    const metrics = after(body('NodeStarted'), body('CommitAdvanced', { to: log(30) }), body('SnapshotInstalled'));
    expect(metrics.committed).toEqual(log(30));
  });

  test('a peer is unreachable until it recovers', () => {
    expect(after(body('PeerUnreachable'), body('PeerUnreachable', { peer: 'c', error: 'reset' }), body('PeerRecovered')).unreachable).toEqual({ c: 'reset' });
    expect(after(body('NodeStarted'), body('PeerUnreachable', { peer: 'c' }), body('MembershipAppended', { configuration: TWO })).unreachable).toEqual({}); // removed: not missed
    const quiet = after(body('NodeStarted'));
    expect(reduceMetrics(quiet, event(2, 'PeerRecovered')).unreachable).toBe(quiet.unreachable);
  });

  test('a snapshot that failed to arrive does not count as sent', () => {
    expect(after(body('SnapshotSent', { outcome: 'failed' })).counters.snapshotsSent).toBe(0);
  });

  test('the longest stall of the event loop is kept', () => {
    expect(after(body('EventLoopStalled', { stalledMs: 300 }), body('EventLoopStalled', { stalledMs: 20 })).eventLoopStallMaxMs).toBe(300);
  });
});

function replaced(value: unknown, path: readonly string[], to: unknown): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return to;
  const object = value as Record<string, unknown>;
  return { ...object, [head]: replaced(object[head], rest, to) };
}
