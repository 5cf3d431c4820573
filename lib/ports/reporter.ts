import type { RaftEvent } from '../core/events.js';

/**
 * Receives every event of a node, in order, without a gap, after the turn's writes and messages have been
 * handed over. What it does with them, throwing included, changes no protocol outcome; an exception is
 * counted, reported once through `onUnhandledError`, and the reporter stays registered.
 */
export interface RaftReporter {
  report(event: RaftEvent): void;
}

/** For those who don't care: with it, no event is stamped, stored or published. Metrics stay current. */
export const nullReporter: RaftReporter = Object.freeze({ report: () => undefined });
