import type { EventType } from '../core/events.js';

/**
 * Every kind of event. The essential ones tell a person how the cluster fares: who leads, who votes, what
 * failed. The routine ones are the log's and the network's steady traffic.
 */
const KINDS: Readonly<Record<EventType, 'essential' | 'routine'>> = Object.freeze({
  NodeStarted: 'essential',
  ClusterBootstrapped: 'essential',
  RoleChanged: 'essential',
  FatalErrorRaised: 'essential',
  NodeStopped: 'essential',
  EventLoopStalled: 'essential',
  ElectionTimeoutElapsed: 'routine',
  ElectionTimeoutExtended: 'essential',
  QuorumCheckExtended: 'essential',
  ElectionsPaused: 'essential',
  ElectionsResumed: 'essential',
  PreVoteStarted: 'routine',
  PreVoteConcluded: 'routine',
  ElectionStarted: 'essential',
  VoteGranted: 'routine',
  VoteRejected: 'routine',
  VoteReceived: 'routine',
  ElectionWon: 'essential',
  ElectionLost: 'essential',
  TermAdvanced: 'routine',
  HardStatePersisted: 'routine',
  NewLeader: 'essential',
  LeaderLost: 'essential',
  LeadershipAcquired: 'routine',
  LeadershipEstablished: 'essential',
  LeadershipLost: 'essential',
  LeadershipTransferStarted: 'essential',
  LeadershipTransferEnded: 'essential',
  TransferRejected: 'essential',
  LeaseChanged: 'routine',
  LatestLog: 'routine',
  EntriesPersisted: 'routine',
  LogTruncated: 'essential',
  AppendRejected: 'routine',
  CommitAdvanced: 'routine',
  EntriesApplied: 'routine',
  LogCompacted: 'essential',
  MembershipAppended: 'routine',
  MembershipCommitted: 'essential',
  MembershipReverted: 'essential',
  MembershipRejected: 'essential',
  LearnerPromoted: 'essential',
  LearnerHeldBack: 'essential',
  ReplicationStarted: 'routine',
  ReplicationStopped: 'routine',
  ReplicationStateChanged: 'routine',
  ReplicationProgressed: 'routine',
  PeerContacted: 'routine',
  PeerUnreachable: 'essential',
  PeerRecovered: 'essential',
  QuorumAcknowledged: 'routine',
  SnapshotStarted: 'routine',
  SnapshotFailed: 'essential',
  SnapshotSaved: 'essential',
  SnapshotSent: 'essential',
  SnapshotReceived: 'routine',
  SnapshotInstalled: 'essential',
  ProposalsAccepted: 'routine',
  ProposalRejected: 'routine',
  ProposalsDropped: 'routine',
  ProposalsCommitted: 'routine',
  ReadServed: 'routine',
  SessionOpened: 'routine',
  SessionExpired: 'essential',
  SessionClosed: 'routine',
  StorageStalled: 'essential',
  CorruptionDetected: 'essential',
  MessageRejected: 'essential',
  MessagesDropped: 'routine',
  SubscriberFailed: 'essential',
});

/** Every kind, in the order of the event catalogue. */
export const EVENT_TYPES: readonly EventType[] = Object.freeze(Object.keys(KINDS) as EventType[]);

/** The kinds that a person watches, in the order of the event catalogue. */
export const ESSENTIAL_EVENTS: readonly EventType[] = Object.freeze((Object.keys(KINDS) as EventType[]).filter((type) => KINDS[type] === 'essential'));

export function isEventType(text: string): text is EventType {
  return Object.hasOwn(KINDS, text);
}
