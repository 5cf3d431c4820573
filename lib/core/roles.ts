import type { LeadershipLossReason, RoleChangeReason } from './events.js';
import type { NodeId, Term } from './ids.js';
import { invariant } from './invariant.js';
import { concludeHandover, suspendTransfer } from './transfer.js';
import { visibleRole, type RaftState, type RoleState } from './state.js';

/** Enters a role and says so. Leaving leadership ends everything that belongs to it. */
export function enterRole(raft: RaftState, role: RoleState, reason: RoleChangeReason): void {
  const from = visibleRole(raft);
  if (raft.role.type === 'leader' && role.type !== 'leader') endLeadership(raft, reason);
  raft.role = role;
  const to = visibleRole(raft);
  if (from !== to) raft.emit({ type: 'RoleChanged', term: raft.term, from, to, reason });
}

/**
 * "If RPC request or response contains term T > currentTerm: set currentTerm = T, convert to follower"
 * (figure 2); also how a candidate yields to the leader of its own term.
 */
export function becomeFollower(raft: RaftState, term: Term, reason: RoleChangeReason): void {
  invariant(term >= raft.term, () => `term would go back from ${raft.term} to ${term}`);
  endCandidacy(raft, reason);
  if (raft.role.type !== 'follower') enterRole(raft, { type: 'follower' }, reason);
  if (term > raft.term) {
    setLeader(raft, null);
    advanceTerm(raft, term, null, 'message');
  }
}

/** Moves to a later term, with the vote that is given in it from the start. */
export function advanceTerm(raft: RaftState, term: Term, votedFor: NodeId | null, cause: 'election' | 'message'): void {
  const from = raft.term;
  raft.term = term;
  raft.votedFor = votedFor;
  raft.leaderMatched = 0;
  raft.leaderRound = 0;
  raft.answeredRound = 0;
  raft.ackOwed = false;
  raft.acknowledgedThrough = 0;
  raft.durability.stageHardState(true);
  raft.emit({ type: 'TermAdvanced', term, from, to: term, cause });
}

/** Records who leads, or that nobody is known to. */
export function setLeader(raft: RaftState, leaderId: NodeId | null): void {
  const previousLeaderId = raft.leaderId;
  if (previousLeaderId === leaderId) return;
  raft.leaderId = leaderId;
  if (leaderId !== null) {
    raft.emit({ type: 'NewLeader', term: raft.term, leaderId, previousLeaderId });
    concludeHandover(raft, leaderId);
  } else if (previousLeaderId !== null) {
    raft.emit({ type: 'LeaderLost', term: raft.term, previousLeaderId });
  }
}

/** A fresh, random election timeout from now (§5.2). */
export function resetElectionTimer(raft: RaftState): void {
  const { electionTimeoutMinMs, electionTimeoutMaxMs } = raft.options;
  raft.electionTimeoutMs = raft.random.between(electionTimeoutMinMs, electionTimeoutMaxMs);
  raft.electionDeadline = raft.now + raft.electionTimeoutMs;
}

/** Says how a (pre-)candidacy ended; nothing for other roles. */
export function endCandidacy(raft: RaftState, reason: RoleChangeReason): void {
  if (raft.role.type === 'candidate') {
    raft.emit({ type: 'ElectionLost', term: raft.term, reason: electionLossReason(reason) });
  } else if (raft.role.type === 'preCandidate') {
    const { votes } = raft.role;
    raft.emit({ type: 'PreVoteConcluded', term: raft.term, granted: false, by: votersWho(votes, true), against: votersWho(votes, false) });
  }
}

/** Who answered so, in the order of their answers. */
export function votersWho(votes: ReadonlyMap<NodeId, boolean>, granted: boolean): NodeId[] {
  return [...votes].filter(([, vote]) => vote === granted).map(([id]) => id);
}

function endLeadership(raft: RaftState, reason: RoleChangeReason): void {
  const leadership = raft.leadership;
  if (leadership === null) return;
  for (const { id } of [...leadership.waitingReads, ...leadership.confirmingReads]) {
    raft.outbox.reads.push({ id, index: 0, refusal: 'leadershipLost' });
  }
  if (leadership.change !== null) {
    const { index, configuration } = raft.membership.effective;
    raft.outbox.membershipOutcomes.push({ id: leadership.change.id, index, configuration, refusal: 'leadershipLost' });
  }
  suspendTransfer(raft, leadership);
  if (leadership.leaseValid) raft.emit({ type: 'LeaseChanged', term: raft.term, valid: false });
  for (const peer of leadership.peers.keys()) raft.emit({ type: 'ReplicationStopped', term: raft.term, peer, reason: 'leadershipLost' });
  raft.emit({ type: 'LeadershipLost', term: raft.term, reason: leadershipLossReason(reason) });
  setLeader(raft, null);
  resetElectionTimer(raft);
}

function leadershipLossReason(reason: RoleChangeReason): LeadershipLossReason {
  switch (reason) {
    case 'quorumLost':
    case 'transferred':
    case 'requested':
    case 'stopped':
    case 'fatalError':
      return reason;
    case 'membership':
      return 'removed';
    default:
      return 'higherTerm';
  }
}

function electionLossReason(reason: RoleChangeReason): 'rejected' | 'timeout' | 'higherTerm' | 'otherLeader' | 'stopped' {
  switch (reason) {
    case 'electionTimeout':
      return 'timeout';
    case 'electionLost':
      return 'rejected';
    case 'leaderDiscovered':
      return 'otherLeader';
    case 'stopped':
    case 'fatalError':
      return 'stopped';
    default:
      return 'higherTerm';
  }
}
