import { distinctUntilChanged, map, type Observable } from 'rxjs';
import type { DataMetrics, ReplicationMetrics, ServerMetrics } from '../raft-node.js';
import type { RaftMetrics } from './metrics.js';

/** Who leads and who is in the cluster; silent while only the log moves. */
export function serverMetricsOf(metrics: Observable<RaftMetrics>): Observable<ServerMetrics> {
  return distinctFields(metrics, ['nodeId', 'runningState', 'role', 'term', 'votedFor', 'leaderId', 'leadership', 'membership']);
}

/** How far the log and the state machine are. */
export function dataMetricsOf(metrics: Observable<RaftMetrics>): Observable<DataMetrics> {
  return distinctFields(metrics, ['lastLog', 'persisted', 'committed', 'applied', 'snapshot', 'compacted', 'pendingProposals']);
}

/** How the peers follow. */
export function replicationMetricsOf(metrics: Observable<RaftMetrics>): Observable<ReplicationMetrics> {
  return distinctFields(metrics, ['replication', 'unreachable', 'lastQuorumAckAt']);
}

/** Compares by reference: metrics share what did not change. */
function distinctFields<K extends keyof RaftMetrics>(metrics: Observable<RaftMetrics>, fields: readonly K[]): Observable<Pick<RaftMetrics, K>> {
  return metrics.pipe(
    distinctUntilChanged((a, b) => fields.every((field) => a[field] === b[field])),
    map((value) => Object.freeze(Object.fromEntries(fields.map((field) => [field, value[field]])) as Pick<RaftMetrics, K>)),
  );
}
