import { NO_CONFIGURATION } from '../../core/configuration.js';
import { ORIGIN, type NodeId } from '../../core/ids.js';
import type { LatencySummary, RaftCounters, RaftMetrics } from './metrics.js';

/**
 * The metrics before the first event: what every fold starts from.
 *
 * @example
 * const metrics = recordedEvents.reduce(reduceMetrics, initialMetrics());
 */
export function initialMetrics(nodeId: NodeId = '', runId = ''): RaftMetrics {
  return Object.freeze({
    seq: 0,
    nodeId,
    runId,
    runningState: 'initial',
    fatalError: null,
    role: 'follower',
    term: 0,
    votedFor: null,
    persistedTerm: 0,
    leaderId: null,
    electionsPaused: false,
    leadership: null,
    lastLog: ORIGIN,
    persisted: ORIGIN,
    committed: ORIGIN,
    applied: ORIGIN,
    snapshot: ORIGIN,
    compacted: ORIGIN,
    membership: Object.freeze({
      effective: NO_CONFIGURATION,
      effectiveIndex: 0,
      committed: NO_CONFIGURATION,
      committedIndex: 0,
    }),
    replication: Object.freeze({}),
    unreachable: Object.freeze({}),
    lastQuorumAckAt: null,
    counters: ZERO_COUNTERS,
    latencies: Object.freeze({ append: NO_LATENCY, commit: NO_LATENCY, apply: NO_LATENCY }),
    pendingProposals: 0,
    eventLoopStallMaxMs: 0,
  });
}

const NO_LATENCY: LatencySummary = Object.freeze({ count: 0, sumMs: 0, maxMs: 0, lastMs: 0 });

const ZERO_COUNTERS: RaftCounters = Object.freeze({
  electionsStarted: 0,
  electionsWon: 0,
  electionsLost: 0,
  proposalsAccepted: 0,
  proposalsRejected: 0,
  proposalsDropped: 0,
  proposalsCommitted: 0,
  readsServed: 0,
  sessionsOpened: 0,
  sessionsExpired: 0,
  snapshotsSent: 0,
  snapshotsReceived: 0,
  messagesRejected: 0,
  messagesDropped: 0,
  subscriberErrors: 0,
  entriesTruncated: 0,
  storageStalls: 0,
});
