import type { SimulatedCluster } from '../simulated-cluster.js';
import type { Callers } from './callers.js';
import type { Dice } from './dice.js';
import type { Range } from './plan.js';

/** What a fault is given to do its work with. */
export interface FaultContext {
  readonly cluster: SimulatedCluster;
  readonly dice: Dice;
  /** How clients call the nodes. */
  readonly callers: Callers;
  /** Ends the fault after a while, unless all faults have ended before. */
  readonly until: (durationMs: Range, end: () => void) => void;
  /** Whether all faults have ended, for good. */
  readonly isOver: () => boolean;
  /** How many cuts of links there have been. */
  readonly cuts: { count: number };
  /** Whether no operator is changing the membership, nor may a change that was begun come to pass. */
  readonly isMembershipSettled: () => boolean;
}
