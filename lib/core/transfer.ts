import type { NodeId } from './ids.js';
import type { Leadership } from './leadership.js';
import type { PeerProgress } from './progress.js';
import type { TransferOutcome } from './output.js';
import type { RaftState } from './state.js';

/**
 * Begins to hand leadership over (thesis §3.10): proposals are refused from here on; once the target holds the
 * whole log it is told to campaign at once. After `timeoutMs` writes resume.
 */
export function handleTransfer(raft: RaftState, id: number, to: NodeId | null, timeoutMs: number): void {
  const { leadership } = raft;
  if (leadership === null) return answer(raft, id, to, 'refused', 'notLeader');
  if (leadership.transfer !== null) return answer(raft, id, to, 'refused', 'another transfer is under way');
  const target = to === null ? (bestSuccessor(raft, leadership)?.id ?? null) : to;
  if (target === null) return answer(raft, id, to, 'refused', 'no other voter is in touch');
  if (target === raft.id) return answer(raft, id, to, 'refused', 'this node leads already');
  if (!raft.configuration.voters.includes(target)) return answer(raft, id, to, 'refused', `${target} is not a voter`);
  leadership.transfer = { id, to: target, deadline: raft.now + timeoutMs, isSent: false };
  raft.emit({ type: 'LeadershipTransferStarted', term: raft.term, to: target });
}

/** At the end of a leader's turn: sends TimeoutNow when the target is ready, or gives up. */
export function advanceTransfer(raft: RaftState, leadership: Leadership): void {
  const { transfer } = leadership;
  if (transfer === null) {
    preferPriority(raft, leadership);
    return;
  }
  if (!raft.configuration.voters.includes(transfer.to)) {
    endTransfer(raft, leadership, 'aborted', `${transfer.to} is no longer a voter`);
  } else if (raft.now >= transfer.deadline) {
    endTransfer(raft, leadership, 'timedOut', '');
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

/** Leadership ended while a transfer was under way. */
export function concludeTransfer(raft: RaftState, leadership: Leadership, isHandedOver: boolean): void {
  if (leadership.transfer === null) return;
  if (isHandedOver) endTransfer(raft, leadership, 'transferred', '');
  else endTransfer(raft, leadership, 'aborted', 'leadership was lost another way');
}

/** The voter that would lose least: the longest durable log, then the latest contact. Null when none is in touch. */
export function bestSuccessor(raft: RaftState, leadership: Leadership): PeerProgress | null {
  const since = raft.now - raft.options.electionTimeoutMinMs;
  let best: PeerProgress | null = null;
  for (const peer of leadership.peers.values()) {
    if (!raft.configuration.voters.includes(peer.id) || (peer.lastContactAt ?? -Infinity) < since) continue;
    if (best === null || peer.match > best.match || (peer.match === best.match && (peer.lastContactAt ?? 0) > (best.lastContactAt ?? 0))) best = peer;
  }
  return best;
}

/** A voter of higher priority that holds the whole log gets leadership; tried again only after some election timeouts. */
function preferPriority(raft: RaftState, leadership: Leadership): void {
  if (!leadership.established || raft.now < leadership.nextPriorityCheckAt) return;
  leadership.nextPriorityCheckAt = raft.now + raft.options.electionTimeoutMaxMs;
  const priorityOf = (id: NodeId): number => raft.configuration.nodes[id]?.priority ?? 0;
  const since = raft.now - raft.options.electionTimeoutMinMs;
  let best: NodeId | null = null;
  for (const peer of leadership.peers.values()) {
    const isReady = peer.match === raft.log.last.index && (peer.lastContactAt ?? -Infinity) >= since && raft.configuration.voters.includes(peer.id);
    if (isReady && priorityOf(peer.id) > priorityOf(best ?? raft.id)) best = peer.id;
  }
  if (best === null) return;
  leadership.nextPriorityCheckAt = raft.now + raft.options.electionTimeoutMaxMs * 10;
  handleTransfer(raft, 0, best, raft.options.electionTimeoutMaxMs);
}

function endTransfer(raft: RaftState, leadership: Leadership, outcome: TransferOutcome['outcome'], reason: string): void {
  const { transfer } = leadership;
  leadership.transfer = null;
  if (transfer !== null) answer(raft, transfer.id, transfer.to, outcome, reason);
}

function answer(raft: RaftState, id: number, to: NodeId | null, outcome: TransferOutcome['outcome'], reason: string): void {
  raft.emit({ type: 'LeadershipTransferEnded', term: raft.term, to, outcome, reason });
  if (id > 0) raft.outbox.transferOutcomes.push({ id, to, outcome, reason });
}
