import { entryBytes, EMPTY_PAYLOAD, type Entry } from './entry.js';
import { commitByCounting } from './commit.js';
import { beginRound } from './heartbeat.js';
import type { ProposeInput } from './inputs.js';
import { checkQuorumDeadline, leaseDeadline } from './lease.js';
import { Leadership, trackUncommitted } from './leadership.js';
import { appendEntries } from './log-changes.js';
import { syncPeers } from './peers.js';
import { plainLogId, type RaftState } from './state.js';
import { enterRole, setLeader } from './roles.js';
import { advanceMembership, stepDownWhenRemoved } from './membership-change.js';
import type { ProposalOutcome } from './output.js';
import { advanceTransfer } from './transfer.js';
import { replicateToAll } from './replication.js';
import { beginReadRound } from './read.js';

/**
 * A won election (§5.2, §8): every peer is probed from the log's end, and a no-op opens the term, since
 * nothing older may be committed by counting (§5.4.2).
 */
export function becomeLeader(raft: RaftState): void {
  const leadership = new Leadership(raft.log.last.index + 1, raft.now);
  enterRole(raft, { type: 'leader', leadership }, 'electionWon');
  setLeader(raft, raft.id);
  raft.electionDeadline = Infinity;
  raft.emit({ type: 'LeadershipAcquired', term: raft.term, noopIndex: leadership.noopIndex });
  syncPeers(raft, leadership);
  const noop: Entry = { index: leadership.noopIndex, term: raft.term, kind: 'noop', payload: EMPTY_PAYLOAD };
  appendEntries(raft, [noop]);
  trackUncommitted(leadership, noop.index, entryBytes(noop));
  raft.emit({ type: 'LatestLog', term: raft.term, logId: plainLogId(noop), first: noop.index, count: 1, bytes: 0, origin: 'noop' });
}

/** Appends commands in order while the bound on uncommitted bytes allows; one alone is always accepted. */
export function handlePropose(raft: RaftState, { payloads, isAwaitedElsewhere = false }: ProposeInput): void {
  const leadership = raft.leadership;
  const first = raft.log.last.index + 1;
  if (leadership === null) {
    refuseProposals(raft, payloads.length, 0, raft.halted ? 'stopping' : 'notLeader');
    return;
  }
  if (leadership.transfer !== null) {
    refuseProposals(raft, payloads.length, 0, 'transferring');
    return;
  }
  const entries: Entry[] = [];
  let bytes = 0;
  let payloadBytes = 0;
  for (const payload of payloads) {
    const entry: Entry = { index: first + entries.length, term: raft.term, kind: 'command', payload };
    const size = entryBytes(entry);
    const uncommitted = leadership.uncommittedBytes + bytes;
    if (uncommitted > 0 && uncommitted + size > raft.options.maxUncommittedBytes) break;
    entries.push(entry);
    bytes += size;
    payloadBytes += payload.length;
  }
  const accepted = entries.length;
  if (accepted > 0) {
    appendEntries(raft, entries);
    const logId = plainLogId(raft.log.last);
    trackUncommitted(leadership, logId.index, bytes);
    if (isAwaitedElsewhere) leadership.awaitedElsewhereThrough = logId.index;
    raft.emit({ type: 'LatestLog', term: raft.term, logId, first, count: accepted, bytes: payloadBytes, origin: 'proposal' });
    raft.emit({ type: 'ProposalsAccepted', term: raft.term, count: accepted, first });
  }
  if (accepted < payloads.length) refuseProposals(raft, payloads.length - accepted, accepted, 'overloaded');
  else raft.outbox.proposals.push({ term: raft.term, firstIndex: first, accepted, refusal: null });
}

/** What a leader does at the end of a turn, once all inputs are in. */
export function finishLeaderTurn(raft: RaftState, leadership: Leadership): void {
  if (leadership.commitDirty) commitByCounting(raft, leadership);
  advanceMembership(raft, leadership);
  beginReadRound(raft, leadership);
  if (raft.now >= leadership.heartbeatDeadline) beginRound(raft, leadership); // unless reads began one just now
  replicateToAll(raft, leadership);
  advanceTransfer(raft, leadership);
  if (!leadership.established && leadership.rounds.quorum > 0 && raft.commitIndex >= leadership.noopIndex) {
    leadership.established = true;
    raft.emit({ type: 'LeadershipEstablished', term: raft.term, commitIndex: raft.commitIndex });
  }
  stepDownWhenRemoved(raft);
}

/** When a leader must act although nothing arrives. */
export function leaderWakeAt(raft: RaftState, leadership: Leadership): number {
  const lease = leadership.leaseValid ? leaseDeadline(raft, leadership) : Infinity;
  return Math.min(leadership.heartbeatDeadline, leadership.noticesDueAt, leadership.nextStepAt, checkQuorumDeadline(raft, leadership), lease, leadership.transfer?.deadline ?? Infinity);
}

function refuseProposals(raft: RaftState, count: number, accepted: number, refusal: NonNullable<ProposalOutcome['refusal']>): void {
  raft.emit({ type: 'ProposalRejected', term: raft.term, count, reason: refusal, leaderHint: raft.leaderId });
  raft.outbox.proposals.push({ term: raft.term, firstIndex: raft.log.last.index + 1 - accepted, accepted, refusal });
}
