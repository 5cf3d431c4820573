import { beginRound } from './heartbeat.js';
import type { Leadership } from './leadership.js';
import type { RaftState } from './state.js';

/**
 * ReadIndex (thesis §6.4): the read may be served once a quorum has confirmed, in a round that began after
 * it arrived, that this server still leads, and the state machine has reached today's commit index.
 * A lease read (§6.4.1) skips the round while the lease runs. Neither is answered before an entry of the own
 * term is committed, since until then the commit index may be behind the last leader's.
 */
export function handleRead(raft: RaftState, id: number, lease: boolean): void {
  const leadership = raft.leadership;
  if (leadership === null) {
    raft.outbox.reads.push({ id, index: 0, refusal: 'notLeader' });
    return;
  }
  if (lease && leadership.leaseValid && raft.commitIndex >= leadership.noopIndex) {
    raft.outbox.reads.push({ id, index: raft.commitIndex, refusal: null });
    return;
  }
  leadership.awaitedElsewhereThrough = Math.max(leadership.awaitedElsewhereThrough, raft.commitIndex); // a follower's reader asks like this
  leadership.waitingReads.push({ id, index: raft.commitIndex });
}

/** At the end of a turn: answers confirmed reads and starts the next round for all that wait, one round at a time. */
export function beginReadRound(raft: RaftState, leadership: Leadership): void {
  if (raft.commitIndex < leadership.noopIndex) return;
  answerConfirmedReads(raft, leadership);
  if (leadership.confirmingReads.length > 0 || leadership.waitingReads.length === 0) return;
  leadership.confirmingReads = leadership.waitingReads;
  leadership.waitingReads = [];
  beginRound(raft, leadership);
  leadership.readRound = leadership.rounds.current;
  answerConfirmedReads(raft, leadership);
}

function answerConfirmedReads(raft: RaftState, leadership: Leadership): void {
  if (leadership.rounds.quorum < leadership.readRound || leadership.confirmingReads.length === 0) return;
  for (const { id, index } of leadership.confirmingReads) {
    raft.outbox.reads.push({ id, index: Math.max(index, leadership.noopIndex), refusal: null });
  }
  leadership.confirmingReads = [];
}
