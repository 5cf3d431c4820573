import type { Clock } from '../../ports/clock.js';
import type { NodeId } from '../../core/ids.js';
import type { PeerMessage } from '../../ports/transport.js';

/** How badly a link behaves. A range of delays also reorders; equal bounds keep the order. */
export interface LinkFaults {
  /** The share of messages that is lost, 0 to 1. */
  readonly lossRate: number;
  /** The share that arrives twice, 0 to 1; each copy has its own delay. */
  readonly duplicateRate: number;
  /** The least and the most that a message takes. [0, 0] delivers before `send` returns. */
  readonly delayMs: readonly [number, number];
}

/** A link as it should be. */
export const NO_FAULTS: LinkFaults = Object.freeze({ lossRate: 0, duplicateRate: 0, delayMs: Object.freeze([0, 0] as const) });

/** What a test's hook decides about one message; a delay comes in place of the link's own. */
export type Interception = 'deliver' | 'drop' | { readonly delayMs: number };

/** Sees every message before the link's faults do. */
export type Intercept = (from: NodeId, to: NodeId, message: PeerMessage) => Interception;

/** The part of a clock that delays need. */
export type Scheduler = Pick<Clock, 'schedule'>;

/** Real time, for networks that were given no clock. */
export const timerScheduler: Scheduler = Object.freeze({
  schedule(delayMs: number, callback: () => void) {
    const timer = setTimeout(callback, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
});

/** @throws {RangeError} that names the fault, its value and what is allowed. */
export function checkFaults(faults: LinkFaults): void {
  const { lossRate, duplicateRate, delayMs } = faults;
  if (!(lossRate >= 0 && lossRate <= 1)) throw new RangeError(`lossRate is ${lossRate}; allowed: 0 to 1`);
  if (!(duplicateRate >= 0 && duplicateRate <= 1)) throw new RangeError(`duplicateRate is ${duplicateRate}; allowed: 0 to 1`);
  if (!(delayMs[0] >= 0 && delayMs[1] >= delayMs[0] && Number.isFinite(delayMs[1]))) {
    throw new RangeError(`delayMs is [${delayMs.join(', ')}]; allowed: two finite numbers, 0 ≤ least ≤ most`);
  }
}
