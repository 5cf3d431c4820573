import { isDeepStrictEqual } from 'node:util';
import type { CoreStatus } from '../../lib/core/status.js';
import type { RaftMetrics } from '../../lib/node/metrics/metrics.js';

/** What the events said, in the shape of what the core knows. */
export function statusFromMetrics(metrics: RaftMetrics): CoreStatus {
  const { leadership, membership } = metrics;
  return {
    id: metrics.nodeId,
    role: metrics.role,
    term: metrics.term,
    persistedTerm: metrics.persistedTerm,
    persistedVote: metrics.votedFor,
    leaderId: metrics.leaderId,
    electionsPaused: metrics.electionsPaused,
    unreachable: metrics.unreachable,
    leadership:
      leadership === null
        ? null
        : {
            sinceAt: leadership.sinceAt,
            noopIndex: leadership.noopIndex,
            established: leadership.established,
            leaseValid: leadership.leaseValid,
            lastQuorumAckAt: metrics.lastQuorumAckAt,
          },
    lastLog: metrics.lastLog,
    persisted: metrics.persisted,
    committed: metrics.committed,
    applied: metrics.applied,
    snapshot: metrics.snapshot,
    compacted: metrics.compacted,
    effective: { index: membership.effectiveIndex, configuration: membership.effective },
    committedConfiguration: { index: membership.committedIndex, configuration: membership.committed },
    peers: metrics.replication,
  };
}

/** S69: folding a node's events gives its state. */
export function expectFoldEqualsStatus(metrics: RaftMetrics, status: CoreStatus): void {
  const folded = statusFromMetrics(metrics);
  if (!isDeepStrictEqual(plain(folded), plain(status))) expect(folded).toEqual(status);
}

/** The same data without prototypes and order of insertion, which the metrics don't promise. */
function plain(status: CoreStatus): unknown {
  return { ...status, peers: Object.fromEntries(Object.entries(status.peers).sort(([a], [b]) => (a < b ? -1 : 1))) };
}
