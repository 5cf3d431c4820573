import type { LogId, NodeId } from '../../core/ids.js';
import type { ObservedTurn } from '../../node/turn-loop.js';
import type { MemoryNetwork } from '../../transport/memory.js';
import type { Invariants } from '../invariants.js';
import type { VirtualClock } from '../virtual-clock.js';
import type { Application } from './application.js';
import type { Range, SimulationPlan } from './plan.js';
import type { CountFamily } from './report.js';

/** A call of a client that has no answer yet. */
export interface OpenCall {
  readonly name: string;
}

/** What a simulated server knows of the world around it. */
export interface Surroundings {
  readonly seed: number;
  readonly plan: SimulationPlan;
  readonly application: Application;
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  readonly invariants: Invariants;
  /** How long a sync takes at the moment. */
  readonly syncLatencyMs: Range;
  /** How fast a clock may run at the moment. */
  readonly clockRates: readonly number[];
  /** Writes a line to the transcript. */
  note(text: string): void;
  count(family: CountFamily, name: string): void;
  /** Runs a check, and keeps what it throws. */
  guard(check: () => void): void;
  /** Something went wrong: the run ends with the first such error. */
  fail(error: unknown): void;
  observeTurn(id: NodeId, runId: string, turn: ObservedTurn): void;
  /** A state machine was restored by the snapshot through `last`; `check` says more. */
  observeRestore(id: NodeId, last: LogId, check: (last: LogId) => void): void;
  /** Calls back at this instant, once no turn is under way or about to begin. */
  betweenTurns(callback: () => void): void;
  /** The node that was called is gone: its caller will never know. */
  forget(call: OpenCall): void;
  serverWentDown(id: NodeId): void;
}
