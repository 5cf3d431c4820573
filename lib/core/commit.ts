import type { LogIndex } from './ids.js';
import type { Leadership } from './leadership.js';
import { quorumReached } from './quorum.js';
import { plainLogId, type RaftState } from './state.js';

/**
 * §5.3, §5.4.2: an entry is committed once a quorum holds it durably and it is of the current term; older
 * entries are committed with it, never by counting. The leader counts itself only for what is on its disk.
 */
export function commitByCounting(raft: RaftState, leadership: Leadership): void {
  leadership.commitDirty = false;
  const index = quorumReached(raft.configuration, (id) => (id === raft.id ? raft.durability.persistedIndex : (leadership.peers.get(id)?.match ?? 0)));
  if (index > raft.commitIndex && raft.log.termAt(index) === raft.term) advanceCommit(raft, index);
}

/** Raises the commit index; never lowers it. */
export function advanceCommit(raft: RaftState, index: LogIndex): void {
  if (index <= raft.commitIndex) return;
  const from = raft.commitIndex;
  const to = raft.log.idAt(index);
  raft.commitIndex = index;
  raft.emit({ type: 'CommitAdvanced', term: raft.term, from, to: plainLogId(to) });
  const membership = raft.membership.commit(index);
  if (membership !== null) raft.emit({ type: 'MembershipCommitted', term: raft.term, ...membership });
  if (raft.leadership !== null) releaseUncommitted(raft.leadership, index);
}

function releaseUncommitted(leadership: Leadership, index: LogIndex): void {
  const { uncommitted } = leadership;
  while (uncommitted.length > 0 && (uncommitted[0]?.through ?? Infinity) <= index) {
    leadership.uncommittedBytes -= uncommitted.shift()?.bytes ?? 0;
  }
}

/** At the end of a turn: hands the state machine its next batch, one at a time. */
export function applyCommitted(raft: RaftState): void {
  if (raft.applyingThrough > raft.appliedIndex || raft.appliedIndex >= raft.commitIndex || raft.restoring !== null) return;
  const from = raft.appliedIndex + 1;
  const entries = raft.log.slice(from, raft.commitIndex, raft.options.maxApplyBytes);
  const to = entries === null ? raft.commitIndex : from + entries.length - 1;
  raft.applyingThrough = to;
  raft.outbox.apply = { from, to, entries };
}

/** The state machine holds everything through `through`. */
export function handleApplied(raft: RaftState, through: LogIndex, applyMs: number): void {
  if (through <= raft.appliedIndex) return;
  const from = raft.appliedIndex + 1;
  raft.appliedIndex = through;
  raft.applyingThrough = Math.max(raft.applyingThrough, through);
  raft.emit({ type: 'EntriesApplied', term: raft.term, from, to: plainLogId(raft.log.idAt(through)), applyMs });
}
