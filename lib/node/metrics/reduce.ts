import type { RaftEvent } from '../../core/events.js';
import { MetricsFold } from './fold.js';
import { initialMetrics } from './initial.js';
import type { RaftMetrics } from './metrics.js';

/**
 * The metrics after one more event: pure, deeply frozen, sharing all that did not change. An event of
 * another run starts anew. An unknown kind (from a newer version) advances `seq` alone.
 *
 * @example
 * const events = lines.map((line) => JSON.parse(line) as RaftEvent);
 * const metrics = events.reduce(reduceMetrics, initialMetrics());
 */
export function reduceMetrics(metrics: RaftMetrics, event: RaftEvent): RaftMetrics {
  const isSameRun = metrics.runId === event.runId && metrics.nodeId === event.nodeId;
  const fold = new MetricsFold(isSameRun ? metrics : initialMetrics(event.nodeId, event.runId));
  fold.apply(event, event.at, event.seq);
  return fold.snapshot();
}
