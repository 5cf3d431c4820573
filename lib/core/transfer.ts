import { priorityOf } from './configuration.js';
import type { NodeId } from './ids.js';
import type { Leadership } from './leadership.js';
import type { PeerProgress } from './progress.js';
import type { TransferOutcome } from './output.js';
import type { RaftState } from './state.js';

/** How a transfer that was begun can end. */
type Ended = Exclude<TransferOutcome['outcome'], 'refused'>;

/**
 * Begins to hand leadership over (thesis §3.10): proposals are refused from here on; once the target holds the
 * whole log it is told to campaign at once. After `timeoutMs` writes resume.
 */
export function handleTransfer(raft: RaftState, id: number, to: NodeId | null, timeoutMs: number): void {
  const { leadership } = raft;
  if (leadership === null) return refuse(raft, id, to, 'notLeader');
  if (leadership.transfer !== null) return refuse(raft, id, to, 'another transfer is under way');
  const target = to ?? bestSuccessor(raft, leadership)?.id ?? null;
  if (target === null) return refuse(raft, id, to, 'no other voter is in touch and would take over');
  if (target === raft.id) return refuse(raft, id, to, 'this node leads already');
  if (!raft.configuration.voters.includes(target)) return refuse(raft, id, to, `${target} is not a voter`);
  if (leadership.peers.get(target)?.isWilling === false) return refuse(raft, id, to, unwilling(target));
  leadership.transfer = { id, to: target, deadline: raft.now + timeoutMs, isSent: false };
  raft.emit({ type: 'LeadershipTransferStarted', term: raft.term, to: target });
}

/** At the end of a leader's turn: sends TimeoutNow when the target is ready, or gives up. */
export function advanceTransfer(raft: RaftState, leadership: Leadership): void {
  if (leadership.transfer === null) preferPriority(raft, leadership);
  const { transfer } = leadership;
  if (transfer === null) return;
  if (!raft.configuration.voters.includes(transfer.to)) {
    endTransfer(raft, leadership, 'aborted', `${transfer.to} is no longer a voter`);
  } else if (raft.now >= transfer.deadline) {
    endTransfer(raft, leadership, 'timedOut', '');
  } else if (leadership.peers.get(transfer.to)?.isWilling === false) {
    // Writes need not wait. If it was told to campaign already it may still do so later: the lease stays void.
    endTransfer(raft, leadership, 'aborted', unwilling(transfer.to));
  } else if (!transfer.isSent && leadership.peers.get(transfer.to)?.match === raft.log.last.index) {
    transfer.isSent = true;
    // From here on another server may win at any time, stickiness or not: this term's lease is void for good.
    leadership.isLeaseVoid = true;
    if (leadership.leaseValid) {
      leadership.leaseValid = false;
      raft.emit({ type: 'LeaseChanged', term: raft.term, valid: false });
    }
    raft.send(transfer.to, { type: 'timeoutNow', term: raft.term });
  }
}

/** The connection to a transfer's target broke: writes need not wait for it any longer. */
export function abandonTarget(raft: RaftState, leadership: Leadership, id: NodeId): void {
  if (leadership.transfer?.to === id) endTransfer(raft, leadership, 'aborted', `${id} is unreachable`);
}

/** Leadership ended while a transfer was under way. A target that was told to campaign may win: the next leader tells. */
export function suspendTransfer(raft: RaftState, leadership: Leadership): void {
  const { transfer } = leadership;
  if (transfer === null) return;
  if (!transfer.isSent) {
    endTransfer(raft, leadership, 'aborted', 'leadership was lost another way');
    return;
  }
  leadership.transfer = null;
  raft.handover = transfer;
}

/** Somebody leads: the target, and the transfer is done, or it is not and never will be. */
export function concludeHandover(raft: RaftState, leaderId: NodeId): void {
  const { handover } = raft;
  if (handover === null) return;
  raft.handover = null;
  if (leaderId === handover.to) answer(raft, handover.id, handover.to, 'transferred', '');
  else answer(raft, handover.id, handover.to, 'aborted', `${leaderId} was elected instead`);
}

/** At the end of a turn without leadership: no leader was heard of in time. */
export function expireHandover(raft: RaftState): void {
  const { handover } = raft;
  if (handover === null || raft.now < handover.deadline) return;
  raft.handover = null;
  answer(raft, handover.id, handover.to, 'timedOut', '');
}

/** The node ends: nobody here will learn who leads next. */
export function abandonHandover(raft: RaftState): void {
  const { handover } = raft;
  raft.handover = null;
  if (handover !== null) answer(raft, handover.id, handover.to, 'aborted', 'the node stops');
}

/** Whether this leader told that server to take its place. */
export function isHandedTo(raft: RaftState, candidate: NodeId): boolean {
  const transfer = raft.leadership?.transfer ?? null;
  return transfer !== null && transfer.isSent && transfer.to === candidate;
}

/** The voter that would lose least: the longest durable log, then the latest contact. Null when none is in touch and would take over. */
export function bestSuccessor(raft: RaftState, leadership: Leadership): PeerProgress | null {
  const since = raft.now - raft.options.electionTimeoutMinMs;
  let best: PeerProgress | null = null;
  for (const peer of leadership.peers.values()) {
    if (!raft.configuration.voters.includes(peer.id) || !peer.isWilling || (peer.lastContactAt ?? -Infinity) < since) continue;
    if (best === null || peer.match > best.match || (peer.match === best.match && (peer.lastContactAt ?? 0) > (best.lastContactAt ?? 0))) best = peer;
  }
  return best;
}

/**
 * A voter of higher priority that holds all that is committed, and would campaign, gets leadership. While it is handed
 * over no command is taken, so an attempt that comes to nothing makes the next one wait longer: 10 election timeouts, 20, … 320.
 */
function preferPriority(raft: RaftState, leadership: Leadership): void {
  if (!leadership.established || raft.now < leadership.nextPriorityCheckAt) return;
  leadership.nextPriorityCheckAt = raft.now + raft.options.electionTimeoutMaxMs;
  const since = raft.now - raft.options.electionTimeoutMinMs;
  let best: NodeId | null = null;
  for (const peer of leadership.peers.values()) {
    // Under load no peer ever holds the whole log; the transfer itself waits until this one does.
    const isReady = peer.isWilling && peer.match >= raft.commitIndex && (peer.lastContactAt ?? -Infinity) >= since && raft.configuration.voters.includes(peer.id);
    if (isReady && priorityOf(raft.configuration, peer.id) > priorityOf(raft.configuration, best ?? raft.id)) best = peer.id;
  }
  if (best === null) return;
  leadership.nextPriorityCheckAt = raft.now + raft.options.electionTimeoutMaxMs * 10 * 2 ** Math.min(leadership.priorityAttempts, 5);
  leadership.priorityAttempts += 1;
  handleTransfer(raft, 0, best, raft.options.electionTimeoutMaxMs);
}

function unwilling(target: NodeId): string {
  return `${target} takes no leadership at present: its elections are paused, or it has just stepped down`;
}

function endTransfer(raft: RaftState, leadership: Leadership, outcome: Ended, reason: string): void {
  const { transfer } = leadership;
  leadership.transfer = null;
  if (transfer !== null) answer(raft, transfer.id, transfer.to, outcome, reason);
}

function answer(raft: RaftState, id: number, to: NodeId, outcome: Ended, reason: string): void {
  raft.emit({ type: 'LeadershipTransferEnded', term: raft.term, to, outcome, reason });
  if (id > 0) raft.outbox.transferOutcomes.push({ id, to, outcome, reason });
}

/** Nothing was begun, so there is nothing to end. */
function refuse(raft: RaftState, id: number, to: NodeId | null, reason: string): void {
  raft.emit({ type: 'TransferRejected', term: raft.term, to, reason });
  if (id > 0) raft.outbox.transferOutcomes.push({ id, to, outcome: 'refused', reason });
}
