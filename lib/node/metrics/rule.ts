import type { EventBodies, EventType } from '../../core/events.js';
import type { Term } from '../../core/ids.js';
import type { MetricsDraft } from './draft.js';

/** An event of one kind as the core states it. */
export type BodyOf<K extends EventType> = { [T in K]: { readonly type: T; readonly term: Term } & EventBodies[T] }[K];

/** What one kind of event does to the metrics; `at` is its monotonic time in ms. Constant time, no allocation for ⊞ kinds. */
export type FoldRule<K extends EventType> = (draft: MetricsDraft, event: BodyOf<K>, at: number) => void;

/** One rule for every kind named. */
export type FoldRules<K extends EventType = EventType> = { readonly [T in K]: FoldRule<T> };

/** The rule of kinds that are news and leave every metric as it is (but `seq` and `term`, which the envelope sets). */
export function leavesMetrics(): void {
  // Nothing to fold.
}
