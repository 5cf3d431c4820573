/** What adapters and applications are tested with: compliance suites, virtual time, whole clusters simulated from a seed. */
export type { ComplianceCase } from './compliance.js';
export { Invariants, InvariantViolation, type DiskImage, type ObservedRun } from './invariants.js';
export { shrink, type ShrinkOptions, type ShrunkFailure } from './shrink.js';
export { simulate, SimulationError, type SimulationOptions, type SimulationResult } from './simulate.js';
export { SimulatedCluster, type SimulatedClusterOptions } from './simulated-cluster.js';
export type { Dice } from './simulation/dice.js';
export type { Decision, DecisionFamily } from './simulation/decisions.js';
export { FAULT_NAMES, type FaultName } from './simulation/fault-names.js';
export { OPERATION_NAMES, type OperationName } from './simulation/operation-names.js';
export * from './linearizability/index.js';
export { planOf, type ScheduledFault, type SimulatedNodeOptions, type SimulationPlan } from './simulation/plan.js';
export { addCounts, countsText, emptyCounts, type SimulationCounts } from './simulation/report.js';
export type { SimulatedMachine } from './simulation/simulated-machine.js';
export { stateMachineSuite, type StateMachineFixture } from './state-machine-suite.js';
export { storageSuite, type StorageFixture } from './storage-suite.js';
export { transportSuite, type TransportFixture } from './transport-suite.js';
export { settled, VirtualClock, type VirtualClockOptions } from './virtual-clock.js';
