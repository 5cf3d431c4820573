import type { EventType, RaftEvent } from '../../lib/core/events.js';
import { EVENT_TYPES } from '../support/events.js';
import { SCENES, type Scene } from '../support/event-scenarios.js';

/** How a real node comes to publish each kind. A new kind does not compile until it is told here. */
const REACHED_BY: Readonly<Record<EventType, Scene>> = {
  NodeStarted: 'a cluster starts, is given commands and queries, and stops',
  ClusterBootstrapped: 'a cluster starts, is given commands and queries, and stops',
  RoleChanged: 'a cluster starts, is given commands and queries, and stops',
  NodeStopped: 'a cluster starts, is given commands and queries, and stops',
  ElectionTimeoutElapsed: 'a cluster starts, is given commands and queries, and stops',
  PreVoteStarted: 'a cluster starts, is given commands and queries, and stops',
  PreVoteConcluded: 'a cluster starts, is given commands and queries, and stops',
  ElectionStarted: 'a cluster starts, is given commands and queries, and stops',
  VoteGranted: 'a cluster starts, is given commands and queries, and stops',
  VoteReceived: 'a cluster starts, is given commands and queries, and stops',
  ElectionWon: 'a cluster starts, is given commands and queries, and stops',
  TermAdvanced: 'a cluster starts, is given commands and queries, and stops',
  HardStatePersisted: 'a cluster starts, is given commands and queries, and stops',
  NewLeader: 'a cluster starts, is given commands and queries, and stops',
  LeadershipAcquired: 'a cluster starts, is given commands and queries, and stops',
  LeadershipEstablished: 'a cluster starts, is given commands and queries, and stops',
  LeadershipLost: 'a cluster starts, is given commands and queries, and stops',
  LeaseChanged: 'a cluster starts, is given commands and queries, and stops',
  LatestLog: 'a cluster starts, is given commands and queries, and stops',
  EntriesPersisted: 'a cluster starts, is given commands and queries, and stops',
  CommitAdvanced: 'a cluster starts, is given commands and queries, and stops',
  EntriesApplied: 'a cluster starts, is given commands and queries, and stops',
  ReplicationStarted: 'a cluster starts, is given commands and queries, and stops',
  ReplicationStopped: 'a cluster starts, is given commands and queries, and stops',
  ReplicationStateChanged: 'a cluster starts, is given commands and queries, and stops',
  ReplicationProgressed: 'a cluster starts, is given commands and queries, and stops',
  PeerContacted: 'a cluster starts, is given commands and queries, and stops',
  QuorumAcknowledged: 'a cluster starts, is given commands and queries, and stops',
  ProposalsAccepted: 'a cluster starts, is given commands and queries, and stops',
  ProposalsCommitted: 'a cluster starts, is given commands and queries, and stops',
  ProposalRejected: 'a cluster starts, is given commands and queries, and stops',
  ReadServed: 'a cluster starts, is given commands and queries, and stops',
  LeaderLost: 'a leader is cut off with proposals in its log, and comes back',
  LogTruncated: 'a leader is cut off with proposals in its log, and comes back',
  AppendRejected: 'a node that lost its disk needs what is compacted',
  ProposalsDropped: 'a leader is cut off with proposals in its log, and comes back',
  PeerUnreachable: 'a leader is cut off with proposals in its log, and comes back',
  PeerRecovered: 'a leader is cut off with proposals in its log, and comes back',
  VoteRejected: 'a follower does not hear the leader and asks for votes',
  ElectionLost: 'no vote reaches its candidate',
  EventLoopStalled: 'a process does not get the thread',
  ElectionTimeoutExtended: 'a process does not get the thread',
  QuorumCheckExtended: 'a process does not get the thread',
  StorageStalled: 'a disk hangs, and then fails',
  FatalErrorRaised: 'a disk hangs, and then fails',
  CorruptionDetected: 'a bit flips in the log of a node that is down',
  MembershipAppended: 'a node with an empty store is taken in',
  MembershipCommitted: 'a node with an empty store is taken in',
  SnapshotSent: 'a node that lost its disk needs what is compacted',
  SubscriberFailed: 'a reporter throws',
  MembershipReverted: 'two leaders that no node of ours elected write a configuration, replace it, talk nonsense, flood, and send a snapshot',
  MessageRejected: 'two leaders that no node of ours elected write a configuration, replace it, talk nonsense, flood, and send a snapshot',
  MessagesDropped: 'two leaders that no node of ours elected write a configuration, replace it, talk nonsense, flood, and send a snapshot',
  SnapshotReceived: 'two leaders that no node of ours elected write a configuration, replace it, talk nonsense, flood, and send a snapshot',
  SnapshotStarted: 'a machine can\'t be saved, then can, and a node that was away gets what was saved',
  SnapshotFailed: 'a machine can\'t be saved, then can, and a node that was away gets what was saved',
  SnapshotSaved: 'a machine can\'t be saved, then can, and a node that was away gets what was saved',
  SnapshotInstalled: 'a machine can\'t be saved, then can, and a node that was away gets what was saved',
  LogCompacted: 'a machine can\'t be saved, then can, and a node that was away gets what was saved',
  ElectionsPaused: 'a server joins and is promoted, a change is refused, and leadership is handed over',
  ElectionsResumed: 'a server joins and is promoted, a change is refused, and leadership is handed over',
  LearnerHeldBack: 'a learner would leave the cluster without a quorum',
  LearnerPromoted: 'a server joins and is promoted, a change is refused, and leadership is handed over',
  MembershipRejected: 'a server joins and is promoted, a change is refused, and leadership is handed over',
  LeadershipTransferStarted: 'a server joins and is promoted, a change is refused, and leadership is handed over',
  TransferRejected: 'a server joins and is promoted, a change is refused, and leadership is handed over',
  LeadershipTransferEnded: 'a server joins and is promoted, a change is refused, and leadership is handed over',
  SessionOpened: 'a client\'s session is opened, another one left idle, and the first one closed',
  SessionExpired: 'a client\'s session is opened, another one left idle, and the first one closed',
  SessionClosed: 'a client\'s session is opened, another one left idle, and the first one closed',
};

describe('every kind of event', () => {
  const published = new Map<string, readonly RaftEvent[]>();

  beforeAll(async () => {
    for (const [scene, play] of Object.entries(SCENES)) published.set(scene, await play());
  }, 30_000);

  const typesIn = (scene: string): Set<string> => new Set(published.get(scene)?.map(({ type }) => type));

  test.each(EVENT_TYPES.map((type) => [type, REACHED_BY[type]] as const))('%s is published when %s', (type, scene) => {
    expect(typesIn(scene)).toContain(type);
  });

  test('no scene publishes a kind that the schema does not know, and each names its node, its run and its time', () => {
    for (const events of published.values()) {
      for (const { type, seq, runId, nodeId, at, wallTime, term } of events) {
        expect(EVENT_TYPES).toContain(type);
        expect(runId.startsWith(`${nodeId}-`)).toBe(true);
        expect(seq).toBeGreaterThan(0);
        expect(wallTime - at).toBe(1_700_000_000_000);
        expect(term).toBeGreaterThanOrEqual(0);
      }
    }
  });
});
