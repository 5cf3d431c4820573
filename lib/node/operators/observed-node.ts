import type { Observable } from 'rxjs';
import type { RaftEvent } from '../../core/events.js';
import type { RaftMetrics } from '../metrics/metrics.js';
import type { ObservableValue } from '../raft-node.js';

/** What the operators need of a node: any `RaftNode` will do, and so will a recording. */
export interface ObservedNode {
  readonly events: Observable<RaftEvent>;
  readonly metrics: ObservableValue<RaftMetrics>;
}
