import type { RaftEvent } from '../../core/events.js';
import type { NodeId } from '../../core/ids.js';
import type { CoreStatus } from '../../core/status.js';
import type { RaftMetrics } from '../../node/metrics/metrics.js';
import { foldDifference } from './fold-difference.js';
import type { RunRecord } from './server-record.js';
import { must } from './violation.js';

/** The events tell everything: folding them gives the node's state, in its own metrics and in an independent fold. */
export function foldEqualsState(id: NodeId, run: RunRecord, status: CoreStatus): void {
  const property = 'folding the events gives the state';
  const own = run.metrics();
  const difference = foldDifference(own, status) ?? foldDifference(run.fold.snapshot(), status);
  must(difference === null, property, () => `${id}: ${String(difference)}`);
  must(own.seq === run.seq, property, () => `${id}: metrics are at event ${own.seq}, published is ${run.seq}`);
  if (run.turns % 64 !== 0) return;
  const [told, folded] = [JSON.stringify(own), JSON.stringify(run.fold.snapshot())];
  must(told === folded, property, () => `${id}: metrics are ${told}, an independent fold is ${folded}`);
}

/** Sequence numbers count from 1 without a gap, in every run. */
export function eventsAreGapless(id: NodeId, run: RunRecord, event: RaftEvent): void {
  const property = 'events are gapless';
  must(event.seq === run.seq + 1, property, () => `${id}: ${event.type} has seq ${event.seq} after ${run.seq}`);
  must(event.runId === run.runId && event.nodeId === id, property, () => `${id} ${run.runId} publishes an event of ${event.nodeId} ${event.runId}`);
  must(!run.hasEnded, property, () => `${id}: ${event.type} after NodeStopped`);
  run.seq = event.seq;
}

/** Whoever handles an event finds the metrics of its turn: not those of the turn before. */
export function metricsAreCurrent(id: NodeId, run: RunRecord, event: RaftEvent): void {
  const { seq } = run.metrics();
  must(seq >= event.seq, 'metrics are current inside every handler', () => `${id}: metrics are at event ${seq} while ${event.type}, ${event.seq}, is handled`);
}

/** Metrics are emitted once for all events of a turn: whoever gets them sees no state between two of these. */
export function metricsAreWhole(id: NodeId, run: RunRecord, { seq }: RaftMetrics): void {
  must(run.shownSeq === run.seq, 'metrics are never torn', () => `${id}: metrics as of event ${seq} come after those of ${run.shownSeq}, with ${run.seq} events told`);
  run.shownSeq = seq;
}

/** LeadershipAcquired and LeadershipLost alternate; a run that ends has lost what it acquired. */
export function leadershipsArePaired(id: NodeId, run: RunRecord, { type }: RaftEvent): void {
  if (type !== 'LeadershipAcquired' && type !== 'LeadershipLost' && type !== 'NodeStopped') return;
  must(run.isLeading === (type === 'LeadershipLost'), 'leaderships are acquired and lost in pairs', () => `${id}: ${type} while ${run.isLeading ? 'leading' : 'not leading'}`);
  run.isLeading = type === 'LeadershipAcquired';
}
