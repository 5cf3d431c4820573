import type { VoteRejection } from './events.js';
import { isAtLeastAsUpToDate, type NodeId } from './ids.js';
import type { PreVoteRequest, VoteRequest } from './messages.js';
import { becomeFollower, resetElectionTimer } from './roles.js';
import type { RaftState } from './state.js';
import { isHandedTo } from './transfer.js';

/**
 * Answers a pre-vote: would this server vote for the sender in that term? Changes nothing here, and is
 * refused in words, never by silence, so that a server with an old term learns the new one.
 */
export function handlePreVoteRequest(raft: RaftState, from: NodeId, request: PreVoteRequest): void {
  const rejection = preVoteRejection(raft, request);
  if (rejection === null) {
    raft.emit({ type: 'VoteGranted', term: raft.term, to: from, forTerm: request.term, preVote: true });
    raft.sendWhenDurable(from, { type: 'preVoteReply', term: request.term, granted: true });
    return;
  }
  raft.emit({ type: 'VoteRejected', term: raft.term, to: from, forTerm: request.term, preVote: true, reason: rejection });
  raft.sendWhenDurable(from, { type: 'preVoteReply', term: raft.term, granted: false });
}

function preVoteRejection(raft: RaftState, request: PreVoteRequest): VoteRejection | null {
  if (request.term <= raft.term) return 'staleTerm';
  if (hearsALeader(raft)) return 'leaderAlive';
  return isAtLeastAsUpToDate(request.lastLog, raft.persistedLast) ? null : 'logBehind';
}

/**
 * RequestVote (figure 2, §5.4.1). Who asks need not be in this server's configuration, nor need this
 * server believe itself a voter: it may not have the entry yet that says so (thesis §4.2.1).
 */
export function handleVoteRequest(raft: RaftState, from: NodeId, request: VoteRequest): void {
  if (request.term >= raft.term && !request.transfer && hearsALeader(raft)) {
    rejectVote(raft, from, request, 'leaderAlive');
    return;
  }
  if (request.term > raft.term) becomeFollower(raft, request.term, isHandedTo(raft, from) ? 'transferred' : 'higherTerm');
  const rejection = voteRejection(raft, from, request);
  if (rejection !== null) {
    rejectVote(raft, from, request, rejection);
    return;
  }
  if (raft.role.type === 'preCandidate') becomeFollower(raft, raft.term, 'votedForOther');
  if (raft.votedFor !== from) {
    raft.votedFor = from;
    raft.durability.stageHardState(false);
  }
  resetElectionTimer(raft);
  raft.emit({ type: 'VoteGranted', term: raft.term, to: from, forTerm: request.term, preVote: false });
  raft.sendWhenDurable(from, { type: 'voteReply', term: raft.term, granted: true });
}

function voteRejection(raft: RaftState, from: NodeId, request: VoteRequest): VoteRejection | null {
  if (request.term < raft.term) return 'staleTerm';
  if (raft.votedFor !== null && raft.votedFor !== from) return 'alreadyVoted';
  if (raft.leaderId !== null) return 'leaderAlive';
  return isAtLeastAsUpToDate(request.lastLog, raft.persistedLast) ? null : 'logBehind';
}

function rejectVote(raft: RaftState, from: NodeId, request: VoteRequest, reason: VoteRejection): void {
  raft.emit({ type: 'VoteRejected', term: raft.term, to: from, forTerm: request.term, preVote: false, reason });
  raft.sendWhenDurable(from, { type: 'voteReply', term: raft.term, granted: false });
}

/**
 * Stickiness (thesis §4.2.3, §6.4.1): within the least election timeout of hearing a leader no server helps
 * to replace it; a leader holds itself alive until check-quorum says otherwise. A server that has just started
 * waits as long, since it may have acknowledged a lease that it no longer remembers. The promise is about time
 * alone: learning a later term ends what this server knows of its leader, not the lease that it acknowledged.
 */
export function hearsALeader(raft: RaftState): boolean {
  if (raft.role.type === 'leader' || raft.now < raft.noVoteBefore) return true;
  return raft.now - raft.lastLeaderContactAt < raft.options.electionTimeoutMinMs;
}
