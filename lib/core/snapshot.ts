import type { LogId, LogIndex, NodeId } from './ids.js';
import { advanceCommit } from './commit.js';
import { acknowledgePersisted, hearLeader } from './follower.js';
import type { InstallSnapshot, InstallSnapshotReply, SnapshotMeta } from './messages.js';
import { forgetStrangers } from './peers.js';
import { acknowledge, enterState } from './replication.js';
import { becomeFollower } from './roles.js';
import { noteContact } from './lease.js';
import { plainLogId, visibleRole, type RaftState } from './state.js';

/** A snapshot of the own state machine is durable: the log through it may be compacted. */
export function handleSnapshotSaved(raft: RaftState, snapshot: SnapshotMeta, ms: number): void {
  if (raft.snapshot !== null && snapshot.last.index <= raft.snapshot.last.index) return;
  raft.snapshot = snapshot;
  raft.emit({ type: 'SnapshotSaved', term: raft.term, last: plainLogId(snapshot.last), bytes: snapshot.bytes, ms });
}

/** Forgets the log through an index that the snapshot covers. */
export function handleCompact(raft: RaftState, through: LogIndex): void {
  const covered = Math.min(through, raft.snapshot?.last.index ?? 0, raft.appliedIndex, raft.durability.persistedIndex);
  if (covered <= raft.log.compacted.index) return;
  raft.log.compact(covered);
  raft.outbox.compactThrough = covered;
  raft.emit({ type: 'LogCompacted', term: raft.term, through: plainLogId(raft.log.compacted) });
}

/**
 * InstallSnapshot (§7, figure 13). One that brings nothing new is acknowledged with the commit index; one whose last entry
 * is here already only moves the commit index and keeps what follows; any other is received chunk by chunk.
 */
export function handleInstallSnapshot(raft: RaftState, from: NodeId, chunk: InstallSnapshot): void {
  if (!hearLeader(raft, from, chunk.term, chunk.round)) return;
  const { last } = chunk.snapshot;
  if (raft.restoring === null && raft.log.termAt(last.index) === last.term) advanceCommit(raft, last.index);
  if (last.index <= raft.commitIndex) {
    replyInstalled(raft, from, chunk.snapshot, Math.min(raft.commitIndex, raft.durability.persistedIndex));
    return;
  }
  raft.installing = last;
  raft.outbox.snapshotChunks.push({ from, chunk });
}

/** The whole snapshot is here. Until it is in force this server takes no entries and does not campaign; if the log has caught up meanwhile it is not needed. */
export function handleSnapshotStaged(raft: RaftState, last: LogId): void {
  // Appends that arrived with the last chunk may have brought the log this far, and were acknowledged: they must stay.
  if (raft.log.termAt(last.index) === last.term) advanceCommit(raft, last.index);
  if (last.index > raft.commitIndex) raft.restoring = last;
}

/** What was received or staged could not be put in force. */
export function handleSnapshotAbandoned(raft: RaftState): void {
  raft.installing = null;
  raft.restoring = null;
}

/** The received snapshot is durable and the state machine restored from it: the log restarts behind it. */
export function handleSnapshotInstalled(raft: RaftState, snapshot: SnapshotMeta): void {
  const { last, configuration, configurationIndex } = snapshot;
  // A later one may be on its way, or handed over, already.
  if (raft.installing !== null && raft.installing.index <= last.index) raft.installing = null;
  if (raft.restoring !== null && raft.restoring.index <= last.index) raft.restoring = null;
  if (last.index <= raft.commitIndex) return;
  const role = visibleRole(raft);
  raft.snapshot = snapshot;
  raft.log.restart(last);
  raft.durability.restart(last.index);
  raft.commitIndex = last.index;
  raft.appliedIndex = last.index;
  raft.applyingThrough = last.index;
  raft.membership.restore({ index: configurationIndex, configuration });
  const id = plainLogId(last);
  raft.emit({ type: 'SnapshotInstalled', term: raft.term, last: id, lastLog: id, persisted: id, configuration, configurationIndex });
  forgetStrangers(raft);
  const to = visibleRole(raft);
  if (to !== role) raft.emit({ type: 'RoleChanged', term: raft.term, from: role, to, reason: 'membership' });
  raft.leaderMatched = Math.max(raft.leaderMatched, last.index);
  acknowledgePersisted(raft, 0);
  if (raft.role.type === 'follower' && raft.leaderId !== null) replyInstalled(raft, raft.leaderId, snapshot, last.index);
}

/** The transfer that this node began as leader is over; the peer is probed from where it now stands. */
export function handleSnapshotSendEnded(raft: RaftState, id: NodeId, outcome: 'acknowledged' | 'failed' | 'superseded', ms: number): void {
  raft.emit({ type: 'SnapshotSent', term: raft.term, peer: id, outcome, ms });
  const peer = raft.leadership?.peers.get(id);
  if (peer?.state !== 'snapshot') return;
  const next = outcome === 'acknowledged' ? peer.pendingSnapshot + 1 : peer.match + 1;
  enterState(raft, peer, 'probe', next);
  // A newer snapshot follows at once. A failed transfer is not begun again before the peer has shown that it is alive.
  peer.probeSent = outcome === 'failed';
}

/** A peer has the whole snapshot: that acknowledges everything through its last entry. */
export function handleInstallSnapshotReply(raft: RaftState, from: NodeId, reply: InstallSnapshotReply): void {
  if (reply.term > raft.term) {
    becomeFollower(raft, reply.term, 'higherTerm');
    return;
  }
  const leadership = raft.leadership;
  const peer = leadership?.peers.get(from);
  if (reply.term < raft.term || leadership === null || peer === undefined) return;
  noteContact(raft, leadership, peer, reply.round);
  if (reply.installed) acknowledge(raft, leadership, peer, reply.matched);
}

function replyInstalled(raft: RaftState, to: NodeId, snapshot: SnapshotMeta, matched: LogIndex): void {
  raft.sendWhenDurable(to, {
    type: 'installSnapshotReply',
    term: raft.term,
    round: raft.leaderRound,
    last: plainLogId(snapshot.last),
    attempt: 0,
    received: snapshot.bytes,
    gap: false,
    installed: true,
    matched,
  });
}
