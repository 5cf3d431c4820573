import { decodeConfiguration, type Configuration } from './configuration.js';
import type { Entry } from './entry.js';
import { ORIGIN, type LogId, type LogIndex, type NodeId, type Term } from './ids.js';
import type { SnapshotMeta } from './messages.js';
import type { HardState } from './output.js';
import { resetElectionTimer } from './roles.js';
import { plainLogId, visibleRole, type RaftState } from './state.js';

/** What a core starts from: what its storage recovered. */
export interface Restored {
  readonly hardState: HardState;
  readonly snapshot: SnapshotMeta | null;
  readonly compacted: LogId;
  readonly lastLog: LogId;
  readonly terms: readonly { readonly term: Term; readonly first: LogIndex }[];
  readonly configurations: readonly Entry[];
}

/** Takes over what storage recovered and says NodeStarted. Nothing after the snapshot is known to be committed yet (§5.3). */
export function restore(raft: RaftState, restored: Restored, now: number): RaftState {
  const { hardState, snapshot, compacted, lastLog, terms, configurations } = restored;
  raft.now = now;
  raft.term = hardState.term;
  raft.votedFor = hardState.votedFor;
  raft.snapshot = snapshot;
  raft.log.restore(compacted, lastLog, terms);
  raft.durability.restore(hardState, lastLog.index);
  const committed = Math.max(snapshot?.last.index ?? 0, compacted.index);
  raft.commitIndex = committed;
  raft.appliedIndex = committed;
  raft.applyingThrough = committed;
  if (snapshot !== null) raft.membership.restore({ index: snapshot.configurationIndex, configuration: snapshot.configuration });
  for (const entry of configurations) {
    if (entry.index > (snapshot?.configurationIndex ?? 0)) raft.membership.append(entry.index, decodeConfiguration(entry.payload));
  }
  raft.membership.commit(committed);
  const isNew = hardState.votedFor === null && lastLog.term <= 1 && hardState.term <= 1;
  const isAlone = isOnlyVoter(raft.id, [...(snapshot === null ? [] : [snapshot.configuration]), ...configurations.map(({ payload }) => decodeConfiguration(payload))]);
  if (!isNew && !isAlone) raft.noVoteBefore = now + raft.options.electionTimeoutMinMs;
  resetElectionTimer(raft);
  if (isAlone) raft.electionDeadline = now;
  emitStarted(raft);
  return raft;
}

/**
 * A cluster of one has nobody to wait for. One that shrank may: the last leader, whose removal this server has in its log and
 * perhaps never acknowledged, still serves from a lease that it did acknowledge. So every configuration counts
 * that the log holds, not the one in force alone.
 */
function isOnlyVoter(id: NodeId, configurations: readonly Configuration[]): boolean {
  return configurations.length > 0 && configurations.every(({ voters, votersOutgoing }) => voters.length === 1 && voters[0] === id && votersOutgoing.length === 0);
}

function emitStarted(raft: RaftState): void {
  raft.emit({
    type: 'NodeStarted',
    term: raft.term,
    role: visibleRole(raft),
    votedFor: raft.votedFor,
    lastLog: plainLogId(raft.log.last),
    snapshot: plainLogId(raft.snapshot?.last ?? ORIGIN),
    compacted: plainLogId(raft.log.compacted),
    committed: plainLogId(raft.log.idAt(raft.commitIndex)),
    applied: plainLogId(raft.log.idAt(raft.appliedIndex)),
    configuration: raft.configuration,
    configurationIndex: raft.membership.effective.index,
    committedConfiguration: raft.membership.committed.configuration,
    committedConfigurationIndex: raft.membership.committed.index,
  });
}
