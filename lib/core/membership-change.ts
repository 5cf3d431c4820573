import { encodeConfiguration, isJoint, isVoter, type Configuration } from './configuration.js';
import { entryBytes } from './entry.js';
import { trackUncommitted, type Leadership } from './leadership.js';
import { appendEntries } from './log-changes.js';
import { afterJoint, jointOf, planChange, type MembershipChange } from './membership-plan.js';
import type { PeerProgress } from './progress.js';
import { quorumReached } from './quorum.js';
import { becomeFollower } from './roles.js';
import { plainLogId, type RaftState } from './state.js';
import { bestSuccessor } from './transfer.js';

/** After as many slow rounds of catching up (thesis §4.2.1) the leader says that a learner is held back. */
const PATIENT_ROUNDS = 10;

/**
 * Begins a change (§6, thesis §4.3). It takes effect as soon as it is appended, and is answered when its final
 * configuration is committed. Refused before an entry of the own term is committed (the single-server bug), while another
 * change is under way, and when it can't work.
 */
export function handleChangeMembership(raft: RaftState, id: number, change: MembershipChange, expected: number | null): void {
  const { leadership } = raft;
  const refusal = refusalOf(raft, leadership, expected);
  const plan = refusal === null ? planChange(raft.configuration, change) : { refusal };
  if (leadership === null || 'refusal' in plan) {
    const reason = 'refusal' in plan ? plan.refusal : 'notLeader';
    raft.emit({ type: 'MembershipRejected', term: raft.term, reason });
    answer(raft, id, reason);
    return;
  }
  appendConfiguration(raft, leadership, jointOf(raft.configuration, plan.target));
  leadership.change = { id };
}

/**
 * At the end of a leader's turn: leaves a joint configuration once it is committed, whoever began it; answers the
 * change that is done; promotes learners that caught up.
 */
export function advanceMembership(raft: RaftState, leadership: Leadership): void {
  const { effective } = raft.membership;
  if (raft.commitIndex < leadership.noopIndex || effective.index > raft.commitIndex) return;
  if (isJoint(effective.configuration)) {
    appendConfiguration(raft, leadership, afterJoint(effective.configuration));
    return;
  }
  if (leadership.change !== null) {
    answer(raft, leadership.change.id, null);
    leadership.change = null;
  }
  promoteCaughtUp(raft, leadership);
}

/** A leader that the committed configuration leaves out has done its part: it hands over and steps down (§6). */
export function stepDownWhenRemoved(raft: RaftState): void {
  const { effective } = raft.membership;
  if (raft.leadership === null || effective.index > raft.commitIndex || isVoter(effective.configuration, raft.id)) return;
  const successor = bestSuccessor(raft, raft.leadership);
  if (successor !== null) raft.send(successor.id, { type: 'timeoutNow', term: raft.term });
  becomeFollower(raft, raft.term, 'membership');
}

function refusalOf(raft: RaftState, leadership: Leadership | null, expected: number | null): string | null {
  const { effective } = raft.membership;
  if (leadership === null) return 'notLeader';
  if (raft.commitIndex < leadership.noopIndex) return 'the leader has not committed an entry of its own term yet; retry shortly';
  if (effective.index > raft.commitIndex || isJoint(effective.configuration)) return 'another change is under way';
  return expected === null || expected === effective.index ? null : `the configuration is at index ${effective.index}, not ${expected}`;
}

function appendConfiguration(raft: RaftState, leadership: Leadership, configuration: Configuration): void {
  const index = raft.log.last.index + 1;
  const entry = { index, term: raft.term, kind: 'configuration' as const, payload: encodeConfiguration(configuration) };
  appendEntries(raft, [entry]);
  trackUncommitted(leadership, index, entryBytes(entry));
  leadership.awaitedElsewhereThrough = index;
  raft.emit({ type: 'LatestLog', term: raft.term, logId: plainLogId(entry), first: index, count: 1, bytes: entry.payload.length, origin: 'membership' });
  leadership.commitDirty = true;
}

function answer(raft: RaftState, id: number, refusal: string | null): void {
  const { index, configuration } = raft.membership.effective;
  raft.outbox.membershipOutcomes.push({ id, index, configuration, refusal });
}

/**
 * Thesis §4.2.1: catching up goes in rounds, each to where the log ended when it began; a learner whose round
 * took less than an election timeout is close enough. Promoted only if the voters in touch would still be a quorum.
 *
 * The thesis gives up after ten rounds, for somebody waits for the change to end. Nobody waits here and a round costs
 * nothing, since a learner receives the log anyway: rounds go on, and what holds it back is told once.
 */
function promoteCaughtUp(raft: RaftState, leadership: Leadership): void {
  if (leadership.transfer !== null) return; // what is appended now would hold it up
  for (const learner of raft.configuration.learners) {
    const peer = leadership.peers.get(learner);
    if (peer === undefined || raft.configuration.nodes[learner]?.autoPromote !== true) continue;
    if (peer.catchUp === null) {
      peer.catchUp = { target: raft.log.last.index, startedAt: raft.now, rounds: 1 };
    } else if (peer.match >= peer.catchUp.target) {
      const isClose = raft.now - peer.catchUp.startedAt < raft.options.electionTimeoutMinMs;
      if (isClose && peer.match > 0 && leavesAQuorum(raft, leadership, learner)) {
        promote(raft, leadership, learner);
        return;
      }
      const { rounds } = peer.catchUp;
      if (isClose) tellHeldBack(raft, peer, 'quorumOutOfTouch', rounds);
      else if (rounds >= PATIENT_ROUNDS) tellHeldBack(raft, peer, 'slow', rounds);
      peer.catchUp = { target: raft.log.last.index, startedAt: raft.now, rounds: isClose ? rounds : rounds + 1 };
    }
  }
}

/** Why a learner is not promoted, whenever that changes. */
function tellHeldBack(raft: RaftState, peer: PeerProgress, reason: 'slow' | 'quorumOutOfTouch', rounds: number): void {
  if (peer.heldBack === reason) return;
  peer.heldBack = reason;
  raft.emit({ type: 'LearnerHeldBack', term: raft.term, learner: peer.id, reason, rounds });
}

function promote(raft: RaftState, leadership: Leadership, learner: string): void {
  const plan = planChange(raft.configuration, { promote: [learner] });
  if ('refusal' in plan) return;
  appendConfiguration(raft, leadership, jointOf(raft.configuration, plan.target));
  raft.emit({ type: 'LearnerPromoted', term: raft.term, learner, index: raft.log.last.index });
}

/** Whether the voters heard from within an election timeout, the new one among them, would be a quorum. */
function leavesAQuorum(raft: RaftState, leadership: Leadership, learner: string): boolean {
  const voters = [...raft.configuration.voters, learner];
  const since = raft.now - raft.options.electionTimeoutMinMs;
  const inTouch = (id: string): number => (id === raft.id || (leadership.peers.get(id)?.lastContactAt ?? -Infinity) >= since ? 1 : 0);
  return quorumReached({ ...raft.configuration, voters, votersOutgoing: [] }, inTouch) === 1;
}
