import type { Configuration } from '../../lib/core/configuration.js';
import { configurationOf } from '../../lib/core/configuration.js';
import type { EventOf, EventType, RaftEvent, RaftEventBody } from '../../lib/core/events.js';
import { ORIGIN, type LogId, type Term } from '../../lib/core/ids.js';
import type { BodyOf } from '../../lib/node/metrics/rule.js';

/** Three voters: a, b and c. */
export const THREE_VOTERS: Configuration = configurationOf({ a: 'a:1', b: 'b:1', c: 'c:1' });

/** One example of every kind, in term 1; `body` overrides single fields. */
const EXAMPLES: { readonly [K in EventType]: Omit<BodyOf<K>, 'type' | 'term'> } = {
  NodeStarted: {
    role: 'follower',
    votedFor: null,
    lastLog: ORIGIN,
    snapshot: ORIGIN,
    compacted: ORIGIN,
    committed: ORIGIN,
    applied: ORIGIN,
    configuration: THREE_VOTERS,
    configurationIndex: 0,
    committedConfiguration: THREE_VOTERS,
    committedConfigurationIndex: 0,
  },
  ClusterBootstrapped: { configuration: THREE_VOTERS },
  RoleChanged: { from: 'follower', to: 'candidate', reason: 'electionTimeout' },
  FatalErrorRaised: { operation: 'append', error: 'disk is full' },
  NodeStopped: { reason: 'requested' },
  EventLoopStalled: { stalledMs: 120 },
  ElectionTimeoutElapsed: { timeoutMs: 200 },
  ElectionTimeoutExtended: { lateMs: 900 },
  QuorumCheckExtended: { sleptMs: 900 },
  ElectionsPaused: { role: 'follower' },
  ElectionsResumed: { role: 'follower' },
  PreVoteStarted: { forTerm: 2 },
  PreVoteConcluded: { granted: true, by: ['a', 'b'], against: [] },
  ElectionStarted: { trigger: 'timeout' },
  VoteGranted: { to: 'b', forTerm: 1, preVote: false },
  VoteRejected: { to: 'b', forTerm: 1, preVote: false, reason: 'logBehind' },
  VoteReceived: { from: 'b', granted: true, preVote: false },
  ElectionWon: { durationMs: 12 },
  ElectionLost: { reason: 'timeout' },
  TermAdvanced: { from: 0, to: 1, cause: 'election' },
  HardStatePersisted: { persistedTerm: 1, votedFor: 'a' },
  NewLeader: { leaderId: 'a', previousLeaderId: null },
  LeaderLost: { previousLeaderId: 'a' },
  LeadershipAcquired: { noopIndex: 1 },
  LeadershipEstablished: { commitIndex: 1 },
  LeadershipLost: { reason: 'higherTerm' },
  LeaseChanged: { valid: true },
  LatestLog: { logId: { index: 1, term: 1 }, first: 1, count: 1, bytes: 32, origin: 'proposal' },
  EntriesPersisted: { through: { index: 1, term: 1 }, ioMs: 2 },
  LogTruncated: { after: ORIGIN, removed: 1, persisted: ORIGIN },
  AppendRejected: { from: 'b', reason: 'logMismatch', conflict: ORIGIN },
  CommitAdvanced: { from: 0, to: { index: 1, term: 1 } },
  EntriesApplied: { from: 1, to: { index: 1, term: 1 }, applyMs: 1 },
  LogCompacted: { through: { index: 1, term: 1 } },
  MembershipAppended: { configuration: THREE_VOTERS, index: 1, joint: false },
  MembershipCommitted: { configuration: THREE_VOTERS, index: 1 },
  MembershipRejected: { reason: 'another change is under way' },
  LearnerHeldBack: { learner: 'd', reason: 'slow', rounds: 10 },
  LearnerPromoted: { learner: 'd', index: 9 },
  LeadershipTransferStarted: { to: 'b' },
  TransferRejected: { to: 'z', reason: 'z is not a voter' },
  LeadershipTransferEnded: { to: 'b', outcome: 'transferred', reason: '' },
  SnapshotStarted: { trigger: 'policy', last: { index: 9, term: 1 } },
  SnapshotFailed: { error: 'disk full' },
  MembershipReverted: { configuration: THREE_VOTERS, index: 0 },
  ReplicationStarted: { peer: 'b', next: 2 },
  ReplicationStopped: { peer: 'b', reason: 'leadershipLost' },
  ReplicationStateChanged: { peer: 'b', state: 'replicate' },
  ReplicationProgressed: { peer: 'b', matched: 1, next: 2, inFlight: 0 },
  PeerContacted: { peer: 'b', rttMs: 0.5 },
  PeerUnreachable: { peer: 'b', error: 'connection refused' },
  PeerRecovered: { peer: 'b' },
  QuorumAcknowledged: { round: 1, since: 90 },
  SnapshotSaved: { last: { index: 1, term: 1 }, bytes: 100, ms: 3 },
  SnapshotSent: { peer: 'b', outcome: 'acknowledged', ms: 5 },
  SnapshotReceived: { from: 'b', last: { index: 9, term: 1 }, receivedBytes: 50, bytes: 100 },
  SnapshotInstalled: {
    last: { index: 9, term: 1 },
    lastLog: { index: 9, term: 1 },
    persisted: { index: 9, term: 1 },
    configuration: THREE_VOTERS,
    configurationIndex: 4,
  },
  ProposalsAccepted: { count: 2, first: 1 },
  ProposalRejected: { count: 1, reason: 'notLeader', leaderHint: null },
  ProposalsDropped: { count: 1, reason: 'superseded' },
  ProposalsCommitted: { count: 1, commitMs: 4 },
  ReadServed: { mode: 'linearizable', count: 3 },
  SessionOpened: { session: 7 },
  SessionExpired: { session: 7, index: 9, reason: 'idle', idleMs: 60_001 },
  SessionClosed: { session: 7, index: 9 },
  StorageStalled: { ms: 700 },
  CorruptionDetected: { where: 'log', action: 'stopped' },
  MessageRejected: { from: 'b', reason: 'unknown type' },
  MessagesDropped: { count: 5, queue: 'outbound' },
  SubscriberFailed: { error: 'boom', count: 1 },
};

/** Every kind of event, in the order of the schema. */
export const EVENT_TYPES = Object.keys(EXAMPLES) as EventType[];

/** An event as the core states it: an example of its kind with some fields replaced; term 1 unless told. */
export function body<K extends EventType>(type: K, fields: Partial<BodyOf<K>> = {}): RaftEventBody {
  return { term: 1, ...EXAMPLES[type], ...fields, type } as unknown as RaftEventBody;
}

/** A published event: `seq` is its time too (`at` = 10 × seq), so that traces read easily. */
export function event<K extends EventType>(seq: number, type: K, fields: Partial<BodyOf<K>> = {}): EventOf<K> {
  return stamped(body(type, fields), seq) as unknown as EventOf<K>;
}

/** Stamps bodies as one run of node `a`, gapless from `firstSeq`. */
export function stampedAll(bodies: readonly RaftEventBody[], firstSeq = 1): RaftEvent[] {
  return bodies.map((each, i) => stamped(each, firstSeq + i));
}

export function stamped(each: RaftEventBody, seq: number): RaftEvent {
  return { ...each, seq, runId: 'run-1', nodeId: 'a', at: 10 * seq, wallTime: 1_700_000_000_000 + seq };
}

/** The events by which node `a` comes to lead in a term, from its campaign to a valid lease. */
export function electedIn(term: Term, noop: LogId = { index: term, term }): RaftEventBody[] {
  return [
    body('TermAdvanced', { term, from: term - 1, to: term }),
    body('ElectionStarted', { term }),
    body('RoleChanged', { term, from: 'follower', to: 'candidate', reason: 'electionTimeout' }),
    body('HardStatePersisted', { term, persistedTerm: term, votedFor: 'a' }),
    body('ElectionWon', { term }),
    body('RoleChanged', { term, from: 'candidate', to: 'leader', reason: 'electionWon' }),
    body('NewLeader', { term, leaderId: 'a', previousLeaderId: null }),
    body('LeadershipAcquired', { term, noopIndex: noop.index }),
    body('ReplicationStarted', { term, peer: 'b', next: noop.index }),
    body('ReplicationStarted', { term, peer: 'c', next: noop.index }),
    body('LatestLog', { term, logId: noop, first: noop.index, origin: 'noop' }),
    body('CommitAdvanced', { term, from: noop.index - 1, to: noop }),
    body('QuorumAcknowledged', { term }),
    body('LeadershipEstablished', { term, commitIndex: noop.index }),
    body('LeaseChanged', { term, valid: true }),
  ];
}

/** The events by which node `a` stops leading, by default because another term began. */
export function deposedIn(term: Term, reason: 'higherTerm' | 'quorumLost' | 'stopped' = 'higherTerm'): RaftEventBody[] {
  return [
    body('LeaseChanged', { term, valid: false }),
    body('LeadershipLost', { term, reason }),
    body('RoleChanged', { term, from: 'leader', to: 'follower', reason: 'higherTerm' }),
    body('LeaderLost', { term, previousLeaderId: 'a' }),
  ];
}
