import type { DurableWrite } from '../../core/output.js';

/** A write without content: asks a store whether it still takes any. One that failed for good rejects it. */
export const NOTHING: DurableWrite = Object.freeze({ id: 0, hardState: null, truncateAfter: null, entries: Object.freeze([]) });
