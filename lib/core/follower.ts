import { decodeConfiguration } from './configuration.js';
import type { Entry } from './entry.js';
import { ORIGIN, type LogId, type LogIndex, type NodeId, type Term } from './ids.js';
import { invariant } from './invariant.js';
import { appendEntries, truncateLog } from './log-changes.js';
import type { Append, Heartbeat } from './messages.js';
import { advanceCommit } from './commit.js';
import { becomeFollower, resetElectionTimer, setLeader } from './roles.js';
import { plainLogId, type RaftState } from './state.js';
import { isHandedTo } from './transfer.js';

/** AppendEntries (figure 2, receiver implementation). */
export function handleAppend(raft: RaftState, from: NodeId, message: Append): void {
  const { previous, entries } = message;
  if (!hearLeader(raft, from, message.term, message.round)) return;
  if (raft.restoring !== null) return;
  raft.installing = null; // a leader that appends sends no snapshot (any more)
  const end = previous.index + entries.length;
  if (end <= raft.commitIndex) {
    // Committed entries are in every leader's log: there is nothing to compare or to append.
    acknowledgeThrough(raft, raft.commitIndex);
    return;
  }
  if (previous.index >= raft.commitIndex && raft.log.termAt(previous.index) !== previous.term) {
    refuseAppend(raft, from, message);
    return;
  }
  const accepted = appendNewEntries(raft, from, message.term, entries);
  acknowledgeThrough(raft, Math.min(end, accepted));
  advanceCommit(raft, Math.min(message.commit, raft.leaderMatched));
}

/** An AppendEntries without entries; its commit index is one that this server acknowledged. */
export function handleHeartbeat(raft: RaftState, from: NodeId, message: Heartbeat): void {
  if (!hearLeader(raft, from, message.term, message.round)) return;
  if (message.commit > raft.log.last.index) {
    rejectMessage(raft, from, `heartbeat commits ${message.commit}, past the end of this log (${raft.log.last.index})`);
    return;
  }
  // Log and state machine are about to restart behind a snapshot: what is committed is the snapshot's to say until then.
  if (raft.restoring === null) advanceCommit(raft, message.commit);
  // A commit notice repeats a round that was answered already and needs no second answer.
  if (message.round <= raft.answeredRound) return;
  raft.answeredRound = message.round;
  raft.sendWhenDurable(from, { type: 'heartbeatReply', term: raft.term, round: message.round, willing: raft.isWilling });
}

/**
 * What every message of a leader does first. False when its term is over: it is told the new one.
 * A current leader refreshes the election timer whether or not its append fits (§5.2).
 */
export function hearLeader(raft: RaftState, from: NodeId, term: Term, round: number): boolean {
  if (term < raft.term) {
    raft.emit({ type: 'AppendRejected', term: raft.term, from, reason: 'staleTerm', conflict: ORIGIN });
    raft.sendWhenDurable(from, { type: 'appendRejected', term: raft.term, round, rejected: 0, hint: ORIGIN });
    return false;
  }
  invariant(term > raft.term || raft.role.type !== 'leader', () => `${from} and this server both lead term ${term}`);
  if (term > raft.term || raft.role.type !== 'follower') becomeFollower(raft, term, isHandedTo(raft, from) ? 'transferred' : 'leaderDiscovered');
  invariant(raft.leaderId === null || raft.leaderId === from, () => `${from} and ${String(raft.leaderId)} both lead term ${term}`);
  setLeader(raft, from);
  raft.lastLeaderContactAt = raft.now;
  raft.hasOverslept = false;
  raft.leaderRound = Math.max(raft.leaderRound, round);
  resetElectionTimer(raft);
  return true;
}

/** At the end of a turn: one acknowledgement for all appends of the turn, of what is durable. */
export function sendOwedAcknowledgement(raft: RaftState): void {
  if (!raft.ackOwed || raft.leaderId === null || raft.role.type !== 'follower') return;
  const matched = Math.min(raft.leaderMatched, raft.durability.persistedIndex);
  if (matched < raft.leaderMatched && matched <= raft.acknowledgedThrough) return; // nothing new is durable: the next completion tells
  raft.ackOwed = false;
  raft.acknowledgedThrough = matched;
  raft.answeredRound = raft.leaderRound;
  raft.sendWhenDurable(raft.leaderId, { type: 'appendReply', term: raft.term, round: raft.leaderRound, matched, willing: raft.isWilling });
}

/** More of the log is durable: if the leader's entries are among it, it is told. */
export function acknowledgePersisted(raft: RaftState, before: LogIndex): void {
  if (raft.role.type === 'follower' && raft.leaderId !== null && raft.leaderMatched > before) raft.ackOwed = true;
}

/** A message that no correct peer sends: it changes nothing and is reported. */
export function rejectMessage(raft: RaftState, from: NodeId, reason: string): void {
  raft.emit({ type: 'MessageRejected', term: raft.term, from, reason });
}

function acknowledgeThrough(raft: RaftState, index: LogIndex): void {
  raft.leaderMatched = Math.max(raft.leaderMatched, index);
  raft.ackOwed = true;
}

/** Skips what is there, cuts off what conflicts, appends the rest; returns the index through which the logs agree. */
function appendNewEntries(raft: RaftState, from: NodeId, term: Term, entries: readonly Entry[]): LogIndex {
  const start = entries.findIndex(({ index, term: theirs }) => index > raft.commitIndex && raft.log.termAt(index) !== theirs);
  const first = entries[start];
  if (first === undefined) return raft.log.last.index;
  let previous: LogId = raft.log.idAt(first.index - 1);
  let end = start;
  let bytes = 0;
  let fault: string | null = null;
  for (let entry: Entry | undefined = first; entry !== undefined; entry = entries[end]) {
    fault = faultOf(term, previous, entry);
    if (fault !== null) break;
    previous = entry;
    bytes += entry.payload.length;
    end += 1;
  }
  if (end > start) {
    if (first.index <= raft.log.last.index) truncateLog(raft, first.index - 1);
    appendEntries(raft, end - start === entries.length ? entries : entries.slice(start, end));
  }
  if (fault !== null) rejectMessage(raft, from, fault);
  if (end > start) {
    raft.emit({ type: 'LatestLog', term: raft.term, logId: plainLogId(previous), first: first.index, count: end - start, bytes, origin: 'leader' });
  }
  return previous.index; // what stands behind it here, if anything, is not the leader's
}

/** Why a new entry can't be taken behind `previous`; null when it can. */
function faultOf(term: Term, previous: LogId, entry: Entry): string | null {
  if (entry.term > term || entry.term < previous.term) return `entry ${entry.index} has term ${entry.term} out of order`;
  if (entry.kind === 'configuration' && !isReadable(entry)) return `entry ${entry.index} is no configuration that this build can read`;
  return null;
}

/** Tells the leader where the logs may still agree, skipping whole terms (§5.3). */
function refuseAppend(raft: RaftState, from: NodeId, message: Append): void {
  const { previous } = message;
  const common = raft.log.findConflictByTerm(previous.index, previous.term);
  const hint: LogId = plainLogId(common.index < raft.commitIndex ? raft.log.idAt(raft.commitIndex) : common);
  raft.emit({ type: 'AppendRejected', term: raft.term, from, reason: 'logMismatch', conflict: hint });
  raft.sendWhenDurable(from, { type: 'appendRejected', term: raft.term, round: message.round, rejected: previous.index, hint });
}

/** Whether a configuration entry from a peer decodes; checked before it touches the log. */
function isReadable(entry: Entry): boolean {
  try {
    decodeConfiguration(entry.payload);
    return true;
  } catch {
    return false;
  }
}
