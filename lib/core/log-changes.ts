import { decodeConfiguration, type Configuration } from './configuration.js';
import type { Entry } from './entry.js';
import type { LogIndex } from './ids.js';
import { invariant } from './invariant.js';
import { forgetStrangers, syncPeers } from './peers.js';
import { plainLogId, visibleRole, type RaftState } from './state.js';

/** Appends entries to the log in memory; a configuration takes effect at once (thesis §4.1). */
export function appendEntries(raft: RaftState, entries: readonly Entry[]): void {
  raft.log.append(entries);
  for (const entry of entries) if (entry.kind === 'configuration') adoptConfiguration(raft, entry.index, decodeConfiguration(entry.payload));
}

/** Removes an uncommitted suffix that conflicts with the leader's log (§5.3); configurations in it are rolled back. */
export function truncateLog(raft: RaftState, after: LogIndex): void {
  invariant(after >= raft.commitIndex, () => `can't truncate after ${after}: ${raft.commitIndex} is committed`);
  const removed = raft.log.last.index - after;
  const role = visibleRole(raft);
  raft.log.truncateAfter(after);
  raft.durability.stageTruncate(after);
  raft.leaderMatched = Math.min(raft.leaderMatched, after);
  raft.emit({ type: 'LogTruncated', term: raft.term, after: plainLogId(raft.log.last), removed, persisted: plainLogId(raft.persistedLast) });
  if (!raft.membership.truncateAfter(after)) return;
  const { index, configuration } = raft.membership.effective;
  raft.emit({ type: 'MembershipReverted', term: raft.term, configuration, index });
  forgetStrangers(raft);
  tellRoleChange(raft, role);
}

function adoptConfiguration(raft: RaftState, index: LogIndex, configuration: Configuration): void {
  const role = visibleRole(raft);
  raft.membership.append(index, configuration);
  const joint = configuration.votersOutgoing.length > 0;
  raft.emit({ type: 'MembershipAppended', term: raft.term, configuration, index, joint });
  forgetStrangers(raft);
  tellRoleChange(raft, role);
  if (raft.leadership !== null) syncPeers(raft, raft.leadership);
}

/** A follower that gains or loses its vote becomes, or stops being, a learner. */
function tellRoleChange(raft: RaftState, from: ReturnType<typeof visibleRole>): void {
  const to = visibleRole(raft);
  if (from !== to) raft.emit({ type: 'RoleChanged', term: raft.term, from, to, reason: 'membership' });
}
