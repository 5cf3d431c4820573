import { isVoter, priorityOf } from './configuration.js';
import type { NodeId, Term } from './ids.js';
import type { PreVoteReply, VoteReply } from './messages.js';
import { becomeLeader } from './leader.js';
import { voteResult } from './quorum.js';
import { advanceTerm, becomeFollower, endCandidacy, enterRole, resetElectionTimer, setLeader, votersWho } from './roles.js';
import { visibleRole, type RaftState } from './state.js';
import { hearsALeader } from './vote.js';

/** Of the range of election timeouts: the first server waits so long, since the others may have heard the leader a little later. */
const FIRST_SHARE = 1 / 8;

/** Called at the end of every turn: campaigns when the timer of a voter has run out (§5.2). */
export function checkElectionTimeout(raft: RaftState): void {
  if (raft.role.type === 'leader' || raft.now < raft.electionDeadline) return;
  const lateMs = raft.now - raft.electionDeadline;
  const timeoutMs = raft.electionTimeoutMs;
  resetElectionTimer(raft);
  if (isReceivingInVain(raft)) {
    raft.installing = null;
    return;
  }
  if (!mayCampaign(raft)) return;
  // A timer this late means that the process slept; the leader's heartbeats may be waiting unread. Once, not for ever.
  if (lateMs >= raft.options.heartbeatIntervalMs && !raft.hasOverslept) {
    raft.hasOverslept = true;
    raft.emit({ type: 'ElectionTimeoutExtended', term: raft.term, lateMs });
    return;
  }
  raft.hasOverslept = false;
  raft.emit({ type: 'ElectionTimeoutElapsed', term: raft.term, timeoutMs });
  startPreVote(raft, 'timeout');
}

/**
 * The connection to the leader broke, as it does at once when the leader's process dies. Timeouts are random so that servers which
 * know nothing of each other seldom campaign together (§5.2). Those that were just told the same agree on who is first: it comes
 * soon after the least timeout, before which nobody helps to replace a leader, and the others stand back, each for a random time in
 * the upper half of the range. When the leader is heard again, all is as before.
 */
export function hastenElection(raft: RaftState, lost: NodeId): void {
  if (raft.role.type !== 'follower' || raft.leaderId !== lost || !mayCampaign(raft) || !raft.isWilling || raft.now >= raft.electionDeadline) return;
  const { electionTimeoutMinMs, electionTimeoutMaxMs } = raft.options;
  const startedAt = raft.electionDeadline - raft.electionTimeoutMs;
  const isFirst = otherVoters(raft).every((id) => id === lost || !comesBefore(raft, id));
  const first = Math.max(startedAt + electionTimeoutMinMs, raft.now) + FIRST_SHARE * (electionTimeoutMaxMs - electionTimeoutMinMs);
  const deadline = isFirst ? Math.min(first, raft.electionDeadline) : (raft.electionDeadline + startedAt + electionTimeoutMaxMs) / 2;
  raft.electionTimeoutMs = deadline - startedAt;
  raft.electionDeadline = deadline;
}

/** By priority, then by name. What else one knows of the others, such as who is unreachable, may differ from server to server. */
function comesBefore({ id, configuration }: RaftState, other: NodeId): boolean {
  return (priorityOf(configuration, other) - priorityOf(configuration, id) || (other < id ? 1 : -1)) > 0;
}

/**
 * Neither a chunk nor any other word of a leader for a whole timeout: whoever sent the snapshot is gone, and none is pending
 * any more. Should it go on after all, what is here still counts.
 */
function isReceivingInVain(raft: RaftState): boolean {
  return raft.installing !== null && raft.restoring === null;
}

/** A voter whose state is not being replaced by a snapshot. */
function isElectable(raft: RaftState): boolean {
  return mayBeNeeded(raft) && raft.installing === null && raft.restoring === null;
}

/**
 * Thesis §4.2.2: "the server that is not part of its own latest configuration should still start new elections, as it might
 * still be needed until the C_new entry is committed". It has no vote of its own there, and leads until then.
 *
 *     a, b:    … joint {c d e from a b c}   {c d e}     no others' log is as long: only they can win
 *     c, d, e: … joint {c d e from a b c}               a and b refuse them, and with them the old majority
 */
function mayBeNeeded({ id, configuration, membership }: RaftState): boolean {
  return isVoter(configuration, id) || (membership.preceding !== null && isVoter(membership.preceding.configuration, id));
}

/** Whether this server starts elections at present. */
function mayCampaign(raft: RaftState): boolean {
  return isElectable(raft) && !raft.electionsPaused;
}

/** Maintenance: pauses or resumes this server's own elections. */
export function handlePauseElections(raft: RaftState, paused: boolean): void {
  if (raft.electionsPaused === paused) return;
  raft.electionsPaused = paused;
  raft.emit({ type: paused ? 'ElectionsPaused' : 'ElectionsResumed', term: raft.term, role: visibleRole(raft) });
}

/**
 * The application asks for an election: like a timeout, but now. Its own vote is refused, as any other would be, while it
 * hears a leader: that one may have a lease which this server acknowledged (thesis §6.4.1), and with a second server that
 * hears nobody it would be replaced before the lease is over.
 */
export function handleCampaign(raft: RaftState): void {
  if (raft.role.type === 'leader' || !isElectable(raft)) return;
  if (hearsALeader(raft)) {
    raft.emit({ type: 'VoteRejected', term: raft.term, to: raft.id, forTerm: raft.term + 1, preVote: true, reason: 'leaderAlive' });
    return;
  }
  resetElectionTimer(raft);
  startPreVote(raft, 'requested');
}

/** The leader wants this server in its place (thesis §3.10): no pre-vote, since the leader itself gives way. */
export function handleTimeoutNow(raft: RaftState, from: NodeId, term: Term): void {
  if (term !== raft.term || raft.leaderId !== from || raft.role.type !== 'follower' || !mayCampaign(raft) || !raft.isWilling) return;
  startElection(raft, 'transfer');
}

/** Gives leadership up and leaves the next election to others; a leader of lower priority does not hand it straight back. */
export function handleStepDown(raft: RaftState): void {
  if (raft.role.type !== 'leader') return;
  becomeFollower(raft, raft.term, 'requested');
  raft.electionDeadline += 2 * raft.options.electionTimeoutMaxMs;
  raft.standsBackUntil = raft.now + 2 * raft.options.electionTimeoutMaxMs;
}

/** Asks whether an election could be won, without touching any term (thesis §9.6). Forgets the leader and all earlier answers. */
function startPreVote(raft: RaftState, trigger: 'timeout' | 'requested'): void {
  endCandidacy(raft, 'electionTimeout');
  setLeader(raft, null);
  const votes = new Map([[raft.id, true]]);
  enterRole(raft, { type: 'preCandidate', votes, trigger }, trigger === 'requested' ? 'requested' : 'electionTimeout');
  raft.emit({ type: 'PreVoteStarted', term: raft.term, forTerm: raft.term + 1 });
  for (const peer of otherVoters(raft)) {
    raft.send(peer, { type: 'preVoteRequest', term: raft.term + 1, lastLog: durableLast(raft) });
  }
  concludePreVote(raft, votes, trigger);
}

/** Counts a pre-vote; a refusal with a later term ends the round. */
export function handlePreVoteReply(raft: RaftState, from: NodeId, reply: PreVoteReply): void {
  if (!reply.granted && reply.term > raft.term) {
    becomeFollower(raft, reply.term, 'higherTerm');
    return;
  }
  if (raft.role.type !== 'preCandidate' || (reply.granted && reply.term !== raft.term + 1)) return;
  raft.role.votes.set(from, reply.granted);
  raft.emit({ type: 'VoteReceived', term: raft.term, from, granted: reply.granted, preVote: true });
  concludePreVote(raft, raft.role.votes, raft.role.trigger);
}

function concludePreVote(raft: RaftState, votes: ReadonlyMap<NodeId, boolean>, trigger: 'timeout' | 'requested'): void {
  const result = voteResult(raft.configuration, (id) => votes.get(id));
  if (result === 'pending') return;
  if (result === 'lost') {
    becomeFollower(raft, raft.term, 'electionLost');
    return;
  }
  raft.emit({ type: 'PreVoteConcluded', term: raft.term, granted: true, by: votersWho(votes, true), against: votersWho(votes, false) });
  startElection(raft, trigger);
}

/**
 * "Increment currentTerm, vote for self, reset election timer, send RequestVote to all other servers"
 * (figure 2). The requests wait until term and vote are durable, and so does the own vote.
 */
function startElection(raft: RaftState, trigger: 'timeout' | 'requested' | 'transfer'): void {
  setLeader(raft, null); // told by its leader to campaign, it still had one, who does not lead the new term
  advanceTerm(raft, raft.term + 1, raft.id, 'election');
  enterRole(raft, { type: 'candidate', votes: new Map(), startedAt: raft.now }, trigger === 'transfer' ? 'transferred' : 'preVoteWon');
  resetElectionTimer(raft);
  raft.emit({ type: 'ElectionStarted', term: raft.term, trigger });
  for (const peer of otherVoters(raft)) {
    raft.sendWhenDurable(peer, { type: 'voteRequest', term: raft.term, lastLog: durableLast(raft), transfer: trigger === 'transfer' });
  }
}

/** Term and vote reached the disk: now the own vote counts. */
export function countOwnVote(raft: RaftState): void {
  if (raft.role.type !== 'candidate' || raft.durability.persistedTerm !== raft.term || raft.durability.persistedVote !== raft.id) return;
  countVote(raft, raft.id, true);
}

/** Counts a vote (§5.2); a later term ends the candidacy. */
export function handleVoteReply(raft: RaftState, from: NodeId, reply: VoteReply): void {
  if (reply.term > raft.term) {
    becomeFollower(raft, reply.term, 'higherTerm');
    return;
  }
  if (raft.role.type !== 'candidate' || reply.term !== raft.term) return;
  raft.emit({ type: 'VoteReceived', term: raft.term, from, granted: reply.granted, preVote: false });
  countVote(raft, from, reply.granted);
}

function countVote(raft: RaftState, from: NodeId, granted: boolean): void {
  if (raft.role.type !== 'candidate') return;
  const { votes, startedAt } = raft.role;
  if (!votes.has(from)) votes.set(from, granted);
  const result = voteResult(raft.configuration, (id) => votes.get(id));
  if (result === 'lost') becomeFollower(raft, raft.term, 'electionLost');
  if (result !== 'won') return;
  raft.emit({ type: 'ElectionWon', term: raft.term, durationMs: raft.now - startedAt });
  becomeLeader(raft);
}

function otherVoters(raft: RaftState): NodeId[] {
  const { voters, votersOutgoing } = raft.configuration;
  return [...new Set([...voters, ...votersOutgoing])].filter((id) => id !== raft.id);
}

function durableLast(raft: RaftState): { index: number; term: number } {
  const { index, term } = raft.persistedLast;
  return { index, term };
}
