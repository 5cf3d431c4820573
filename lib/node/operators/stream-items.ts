import type { RaftEvent } from '../../core/events.js';
import type { RaftMetrics } from '../metrics/metrics.js';

/** Stands in a stream where events are lacking: those with `seq` from `from` to `to`, both included. */
export interface EventsMissed {
  readonly type: 'EventsMissed';
  readonly from: number;
  readonly to: number;
}

/** The node's state after the event `seq`: what comes next in the stream is the event `seq + 1`. */
export interface CurrentState {
  readonly type: 'CurrentState';
  readonly seq: number;
  readonly metrics: RaftMetrics;
}

/** What a stream for late or slow consumers is made of. Plain JSON-safe data, told apart by `type`. */
export type StreamItem = RaftEvent | EventsMissed | CurrentState;
