import { deepFrozen } from './frozen.js';
import { leavesMetrics, type FoldRules } from './rule.js';
import { forgetStrangers } from './rules-replication.js';

type LifecycleKind =
  | 'NodeStarted'
  | 'ClusterBootstrapped'
  | 'FatalErrorRaised'
  | 'NodeStopped'
  | 'EventLoopStalled'
  | 'StorageStalled'
  | 'CorruptionDetected'
  | 'MembershipAppended'
  | 'MembershipCommitted'
  | 'MembershipReverted'
  | 'MembershipRejected'
  | 'LearnerPromoted'
  | 'LearnerHeldBack';

/** The node's own life, its store, and who is in the cluster. */
export const lifecycleRules: FoldRules<LifecycleKind> = {
  /** Seeds everything that outlives a run; what is restored from disk is persisted by definition. */
  NodeStarted(draft, event) {
    draft.runningState = 'running';
    draft.role = event.role;
    draft.term = event.term;
    draft.persistedTerm = event.term;
    draft.votedFor = event.votedFor;
    draft.lastLog = event.lastLog;
    draft.persisted = event.lastLog;
    draft.snapshot = event.snapshot;
    draft.compacted = event.compacted;
    draft.committed = event.committed;
    draft.applied = event.applied;
    draft.membership = deepFrozen({
      effective: event.configuration,
      effectiveIndex: event.configurationIndex,
      committed: event.committedConfiguration,
      committedIndex: event.committedConfigurationIndex,
    });
  },
  /** The log and the configuration that it brought are stated by `NodeStarted`, `LatestLog` and `MembershipAppended`. */
  ClusterBootstrapped: leavesMetrics,
  FatalErrorRaised(draft, event) {
    draft.runningState = 'failed';
    draft.fatalError = `${event.operation}: ${event.error}`;
  },
  NodeStopped(draft, event) {
    if (draft.runningState !== 'failed') draft.runningState = event.reason === 'fatalError' ? 'failed' : 'stopped';
  },
  EventLoopStalled(draft, event) {
    if (event.stalledMs > draft.eventLoopStallMaxMs) draft.eventLoopStallMaxMs = event.stalledMs;
  },
  StorageStalled(draft) {
    draft.counters.storageStalls += 1;
  },
  /** `FatalErrorRaised` follows and says that the node failed. */
  CorruptionDetected: leavesMetrics,

  MembershipAppended(draft, event) {
    draft.membership = deepFrozen({ ...draft.membership, effective: event.configuration, effectiveIndex: event.index });
    forgetStrangers(draft);
  },
  MembershipCommitted(draft, event) {
    draft.membership = deepFrozen({ ...draft.membership, committed: event.configuration, committedIndex: event.index });
  },
  MembershipRejected: leavesMetrics,
  LearnerPromoted: leavesMetrics,
  LearnerHeldBack: leavesMetrics,
  MembershipReverted(draft, event) {
    draft.membership = deepFrozen({ ...draft.membership, effective: event.configuration, effectiveIndex: event.index });
    forgetStrangers(draft);
  },
};
