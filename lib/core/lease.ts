import type { NodeId } from './ids.js';
import type { Leadership } from './leadership.js';
import type { PeerProgress } from './progress.js';
import { quorumReached } from './quorum.js';
import { becomeFollower } from './roles.js';
import type { RaftState } from './state.js';

/**
 * The first thing in a leader's turn, before any read is served: a lease that ran out is gone, and a leader
 * that no quorum has answered for an election timeout steps down (check-quorum, thesis §6.2), unless it slept meanwhile.
 */
export function checkLeadershipDeadlines(raft: RaftState, leadership: Leadership): void {
  const sleptMs = raft.now - leadership.lastTurnAt;
  leadership.lastTurnAt = raft.now;
  if (raft.now < leaseDeadline(raft, leadership)) return;
  if (isQuorumAlone(raft)) {
    leadership.heartbeatDeadline = raft.now; // those whose answers carried the lease have left: a round of its own carries it on
    return;
  }
  if (leadership.leaseValid) {
    leadership.leaseValid = false;
    raft.emit({ type: 'LeaseChanged', term: raft.term, valid: false });
  }
  if (raft.now < checkQuorumDeadline(raft, leadership)) return;
  if (mayHaveOverslept(raft, leadership, sleptMs)) {
    leadership.awakeSince = raft.now;
    raft.emit({ type: 'QuorumCheckExtended', term: raft.term, sleptMs });
  } else {
    becomeFollower(raft, raft.term, 'quorumLost');
  }
}

/**
 * A leader that took no turn for two heartbeats did not get the thread: that nobody was heard is no news of the others. Without
 * its lease, it gets one more election timeout, and only one, to hear from a quorum.
 */
function mayHaveOverslept(raft: RaftState, leadership: Leadership, sleptMs: number): boolean {
  return sleptMs >= 2 * raft.options.heartbeatIntervalMs && leadership.awakeSince <= Math.max(leadership.rounds.quorumSince, leadership.sinceAt);
}

/** When the leader must have stopped to answer from its lease: before any voter may help to replace it, drift included. */
export function leaseDeadline(raft: RaftState, leadership: Leadership): number {
  return leadership.rounds.quorumSince + raft.options.electionTimeoutMinMs * (1 - raft.options.leaseDriftMargin);
}

/** When a leader that no quorum answers steps down (thesis §6.2). */
export function checkQuorumDeadline(raft: RaftState, leadership: Leadership): number {
  return Math.max(leadership.rounds.quorumSince, leadership.sinceAt, leadership.awakeSince) + raft.options.electionTimeoutMinMs;
}

/** The only voter: nobody can replace it, however long it slept. */
function isQuorumAlone(raft: RaftState): boolean {
  return quorumReached(raft.configuration, (id) => (id === raft.id ? 1 : 0)) === 1;
}

/** A peer answered, echoing a round: it was still a follower of this leader when that round had begun. */
export function noteContact(raft: RaftState, leadership: Leadership, peer: PeerProgress, round: number): void {
  if (round <= peer.ackedRound || round > leadership.rounds.current) return;
  const since = leadership.rounds.startOf(round);
  peer.ackedRound = round;
  peer.lastContactAt = raft.now;
  if (since !== undefined) peer.rttMs = raft.now - since;
  raft.emit({ type: 'PeerContacted', term: raft.term, peer: peer.id, rttMs: peer.rttMs });
  settleRound(raft, leadership);
}

/** Counts who echoed what; only current voters count, and the leader itself is always in touch. */
export function settleRound(raft: RaftState, leadership: Leadership): void {
  const { rounds } = leadership;
  const echoed = (id: NodeId): number => (id === raft.id ? rounds.current : (leadership.peers.get(id)?.ackedRound ?? 0));
  if (!rounds.acknowledge(quorumReached(raft.configuration, echoed))) return;
  raft.emit({ type: 'QuorumAcknowledged', term: raft.term, round: rounds.quorum, since: rounds.quorumSince });
  const valid = !leadership.isLeaseVoid && raft.now < leaseDeadline(raft, leadership);
  if (valid === leadership.leaseValid) return;
  leadership.leaseValid = valid;
  raft.emit({ type: 'LeaseChanged', term: raft.term, valid });
}
