import type { Configuration } from '../../core/configuration.js';
import type { LogIndex } from '../../core/ids.js';
import { addLatency } from './draft.js';
import { deepFrozen } from './frozen.js';
import type { MembershipMetrics } from './metrics.js';
import { leavesMetrics, type FoldRules } from './rule.js';
import { forgetStrangers } from './rules-replication.js';

type LogKind =
  | 'LatestLog'
  | 'EntriesPersisted'
  | 'LogTruncated'
  | 'AppendRejected'
  | 'CommitAdvanced'
  | 'EntriesApplied'
  | 'LogCompacted'
  | 'SnapshotStarted'
  | 'SnapshotFailed'
  | 'SnapshotSaved'
  | 'SnapshotReceived'
  | 'SnapshotInstalled';

/** The log from append to apply, and the snapshots that shorten it. */
export const logRules: FoldRules<LogKind> = {
  LatestLog(draft, event) {
    draft.lastLog = event.logId;
  },
  EntriesPersisted(draft, event) {
    draft.persisted = event.through;
    addLatency(draft.append, event.ioMs);
  },
  LogTruncated(draft, event) {
    draft.lastLog = event.after;
    draft.persisted = event.persisted;
    draft.counters.entriesTruncated += event.removed;
  },
  AppendRejected: leavesMetrics,
  CommitAdvanced(draft, event) {
    draft.committed = event.to;
  },
  EntriesApplied(draft, event) {
    draft.applied = event.to;
    addLatency(draft.apply, event.applyMs);
  },
  LogCompacted(draft, event) {
    draft.compacted = event.through;
  },

  SnapshotSaved(draft, event) {
    draft.snapshot = event.last;
  },
  /** Progress; a snapshot counts as received once it is installed. */
  SnapshotStarted: leavesMetrics,
  SnapshotFailed: leavesMetrics,
  SnapshotReceived: leavesMetrics,
  /** §7: the snapshot replaces the log through `last`: all of it is committed, applied and compacted. */
  SnapshotInstalled(draft, event) {
    draft.snapshot = event.last;
    draft.compacted = event.last;
    draft.applied = event.last;
    if (event.last.index > draft.committed.index) draft.committed = event.last;
    draft.lastLog = event.lastLog;
    draft.persisted = event.persisted;
    draft.membership = afterInstall(draft.membership, event.configuration, event.configurationIndex, event.last.index);
    forgetStrangers(draft);
    draft.counters.snapshotsReceived += 1;
  },
};

function afterInstall(before: MembershipMetrics, effective: Configuration, effectiveIndex: LogIndex, lastIndex: LogIndex): MembershipMetrics {
  return deepFrozen(
    effectiveIndex <= lastIndex
      ? { effective, effectiveIndex, committed: effective, committedIndex: effectiveIndex }
      : { ...before, effective, effectiveIndex },
  );
}
