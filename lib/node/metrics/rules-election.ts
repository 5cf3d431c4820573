import { reduceLeadership } from './leadership.js';
import { leavesMetrics, type FoldRules } from './rule.js';

type ElectionKind =
  | 'RoleChanged'
  | 'ElectionTimeoutElapsed'
  | 'ElectionTimeoutExtended'
  | 'QuorumCheckExtended'
  | 'ElectionsPaused'
  | 'ElectionsResumed'
  | 'PreVoteStarted'
  | 'PreVoteConcluded'
  | 'ElectionStarted'
  | 'VoteGranted'
  | 'VoteRejected'
  | 'VoteReceived'
  | 'ElectionWon'
  | 'ElectionLost'
  | 'TermAdvanced'
  | 'HardStatePersisted'
  | 'NewLeader'
  | 'LeaderLost'
  | 'LeadershipAcquired'
  | 'LeadershipEstablished'
  | 'LeadershipLost'
  | 'LeaseChanged'
  | 'LeadershipTransferStarted'
  | 'LeadershipTransferEnded'
  | 'TransferRejected';

/** Terms, votes and who leads. */
export const electionRules: FoldRules<ElectionKind> = {
  RoleChanged(draft, event) {
    draft.role = event.to;
  },
  ElectionTimeoutElapsed: leavesMetrics,
  ElectionTimeoutExtended: leavesMetrics,
  QuorumCheckExtended: leavesMetrics,
  ElectionsPaused(draft) {
    draft.electionsPaused = true;
  },
  ElectionsResumed(draft) {
    draft.electionsPaused = false;
  },
  PreVoteStarted: leavesMetrics,
  PreVoteConcluded: leavesMetrics,
  ElectionStarted(draft) {
    draft.counters.electionsStarted += 1;
  },
  /** `votedFor` is the vote on disk: `HardStatePersisted` sets it. */
  VoteGranted: leavesMetrics,
  VoteRejected: leavesMetrics,
  VoteReceived: leavesMetrics,
  ElectionWon(draft) {
    draft.counters.electionsWon += 1;
  },
  ElectionLost(draft) {
    draft.counters.electionsLost += 1;
  },
  /** §5.2: a leader leads its own term only; a new term has none yet. */
  TermAdvanced(draft, event) {
    draft.term = event.to;
    draft.leaderId = null;
  },
  HardStatePersisted(draft, event) {
    draft.persistedTerm = event.persistedTerm;
    draft.votedFor = event.votedFor;
  },
  NewLeader(draft, event) {
    draft.leaderId = event.leaderId;
  },
  LeaderLost(draft) {
    draft.leaderId = null;
  },

  LeadershipAcquired(draft, event, at) {
    draft.leadership = reduceLeadership(draft.leadership, event, at);
  },
  LeadershipEstablished(draft, event, at) {
    draft.leadership = reduceLeadership(draft.leadership, event, at);
  },
  LeaseChanged(draft, event, at) {
    draft.leadership = reduceLeadership(draft.leadership, event, at);
  },
  /** What only a leader knows ends with its leadership. */
  LeadershipLost(draft, event, at) {
    draft.leadership = reduceLeadership(draft.leadership, event, at);
    draft.peers.clear();
    draft.lastQuorumAckAt = null;
  },
  LeadershipTransferStarted: leavesMetrics,
  LeadershipTransferEnded: leavesMetrics,
  TransferRejected: leavesMetrics,
};
