/** The reactive shell: the node's types, its metrics, its operators and the replicated store. */
export type { CoreOptions } from '../core/options.js';
export type { NodeOptions } from './options.js';
export type * from './raft-node.js';
export type * from './metrics/metrics.js';
export { initialMetrics } from './metrics/initial.js';
export { reduceMetrics } from './metrics/reduce.js';
export { toMetrics } from './metrics/to-metrics.js';
export * from './operators/index.js';
export { replicatedMachine, type Reduced, type Reducer, type ReplicatedMachine } from './replicated-machine.js';
export { ReplicatedStore, type ActionsOptions, type CommittedAction, type ReplicatedNode } from './replicated.js';
export * from './sessions/index.js';
export { systemClock } from './system-clock.js';
export type { ObservedTurn, TurnObserver } from './turn-loop.js';
