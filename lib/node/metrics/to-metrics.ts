import { scan, type OperatorFunction } from 'rxjs';
import type { RaftEvent } from '../../core/events.js';
import { initialMetrics } from './initial.js';
import type { RaftMetrics } from './metrics.js';
import { reduceMetrics } from './reduce.js';

/**
 * Folds any event stream, live or recorded, into the metrics after each event: `scan(reduceMetrics)`.
 *
 * @example
 * recorded.pipe(toMetrics(), last()).subscribe((metrics) => console.log(metrics.committed.index));
 */
export function toMetrics(seed: RaftMetrics = initialMetrics()): OperatorFunction<RaftEvent, RaftMetrics> {
  return scan(reduceMetrics, seed);
}
