import type { NodeOptions } from '../../node/options.js';
import type { SessionLimits } from '../../node/sessions/index.js';
import type { SnapshotPolicy } from '../../node/snapshots/policy.js';
import type { LinkFaults } from '../../transport/memory.js';
import { Dice } from './dice.js';
import { FAULT_NAMES, type FaultName } from './fault-names.js';
import { OPERATION_NAMES, type OperationName } from './operation-names.js';

export type Range = readonly [number, number];

/** Options of a node that a simulation may set. */
export type SimulatedNodeOptions = Omit<
  Partial<NodeOptions<never, never>>,
  'id' | 'storage' | 'transport' | 'stateMachine' | 'commandCodec' | 'valueCodec' | 'peers' | 'clock' | 'turnObserver' | 'seed' | 'runId' | 'reporter'
>;

/** A fault with a rate and a time of its own. */
export interface ScheduledFault {
  readonly fault: FaultName;
  /** When it first comes, in virtual time since the start. Default 0. */
  readonly fromMs?: number;
  /** How long until it comes again. Default: it comes once. */
  readonly everyMs?: Range;
  /** It comes no later than this. Default: as long as there are faults. */
  readonly untilMs?: number;
}

/** Everything that one run's circumstances consist of. Drawn from the seed, unless told. */
export interface SimulationPlan {
  /** How every link behaves while no fault makes it worse. */
  readonly link: LinkFaults;
  readonly syncLatencyMs: Range;
  /** How long the state machine takes for a batch; null for at once. */
  readonly applyLatencyMs: Range | null;
  /** Everything falls due on multiples of this; 0 for no such grid. */
  readonly granularityMs: number;
  /** How often events of the same instant reach a node together, in one turn. */
  readonly mergeRate: number;
  /** How fast clocks run: each run of a node gets one of these. */
  readonly clockRates: readonly number[];
  /** Whether the clocks differ by no more than the lease's margin allows; only then are leases held to their promise. */
  readonly areLeasesSafe: boolean;
  /** How far a clock may leap ahead at once. */
  readonly clockJumpMs: Range;
  /** Which faults chance brings, one of them at a time, and how long apart. */
  readonly faults: readonly FaultName[];
  readonly faultGapMs: Range;
  /** Faults that come besides, by rates and times of their own; seeds give none. */
  readonly schedule: readonly ScheduledFault[];
  readonly callGapMs: Range;
  /** The most calls at once. */
  readonly maxBurst: number;
  readonly readShare: number;
  readonly commandBytes: Range;
  /** How much there is in a snapshot besides the state, and how it is written and read. */
  readonly snapshot: { readonly paddingBytes: Range; readonly chunkBytes: number; readonly chunkDelayMs: Range };
  /** What operators do, and how long apart. */
  readonly operations: readonly OperationName[];
  readonly operationGapMs: Range;
  /** How many servers there may be beside those that the cluster began with. */
  readonly spareServers: number;
  /** Whether some servers are preferred as leaders. */
  readonly hasPriorities: boolean;
  /** What the nodes replicate, unless `simulate` is given a machine. The store's clients have sessions. */
  readonly workload: 'journal' | 'key-value';
  /** Sessions, where the machine has them: their limits, how many of the commands go through one of a node … */
  readonly sessions: SessionLimits;
  readonly sessionShare: number;
  /** … and how many clients have one of their own, with which they go from node to node, and how long they wait between calls. */
  readonly roamingClients: number;
  readonly roamingGapMs: Range;
  readonly node: SimulatedNodeOptions;
}

/** Swarm testing: each seed gets its own subset of faults and its own limits, so that rare mixtures are reached. */
export function planOf(seed: number): SimulationPlan {
  const dice = new Dice(seed, 'plan');
  const isQuick = dice.chance(0.2);
  const isLossy = dice.chance(0.5);
  const faultGapMs = dice.pick([100, 300, 1000]);
  const granularityMs = dice.pick([0, 0, 0.5, 1, 5]);
  const electionTimeoutMinMs = dice.pick([100, 150, 300]);
  const leaseDriftMargin = dice.pick([0.01, 0.1, 0.3, 0.5]);
  // What late timers leave of the margin is how far the rates of two clocks may be apart.
  const margin = leaseDriftMargin - granularityMs / electionTimeoutMinMs;
  const areLeasesSafe = margin > 0 && dice.chance(0.6);
  const drift = 0.9 * (margin / (2 - margin));
  return {
    link: {
      lossRate: isLossy ? dice.between([0, 0.1]) : 0,
      duplicateRate: dice.chance(0.5) ? dice.between([0, 0.1]) : 0,
      delayMs: isQuick ? [0, 0] : [dice.between([0, 2]), dice.between([2, 12])],
    },
    syncLatencyMs: dice.chance(0.2) ? [0, 0] : [dice.between([0, 1]), dice.between([1, 15])],
    applyLatencyMs: dice.chance(0.3) ? [0, dice.between([1, 20])] : null,
    granularityMs,
    mergeRate: dice.pick([0, 0.5, 0.9]),
    clockRates: areLeasesSafe ? [1 - drift, 1, 1 + drift] : [0.1, 0.3, 1, 1, 3],
    areLeasesSafe,
    // The rates leave a tenth of the margin: one leap within a lease takes half of that.
    clockJumpMs: areLeasesSafe ? [0, 0.05 * margin * electionTimeoutMinMs] : [1, dice.pick([100, 3000])],
    faults: FAULT_NAMES.filter(() => dice.chance(0.6)),
    faultGapMs: [0, 2 * faultGapMs],
    schedule: [],
    callGapMs: [dice.between([1, 5]), dice.between([5, 60])],
    maxBurst: dice.pick([1, 3, 10, 40]),
    readShare: dice.between([0.1, 0.6]),
    commandBytes: [8, dice.pick([8, 64, 200])],
    ...operationsOf(seed),
    ...workloadOf(seed),
    node: {
      electionTimeoutMinMs,
      // Thesis §9.3: votes are split for ever unless timeouts spread over more than an exchange of messages takes, on the grid too.
      electionTimeoutMaxMs: Math.max(electionTimeoutMinMs * dice.pick([1.05, 1.2, 2]), electionTimeoutMinMs + 20 + 10 * granularityMs),
      heartbeatIntervalMs: electionTimeoutMinMs * dice.pick([0.1, 0.3, 0.5]),
      leaseDriftMargin,
      drainTimeoutMs: dice.pick([0, 200]),
      storageStallMs: 300,
      snapshotPolicy: policyOf(seed),
      ...limitsOf(dice),
    },
  };
}

function operationsOf(seed: number): Pick<SimulationPlan, 'snapshot' | 'operations' | 'operationGapMs' | 'spareServers' | 'hasPriorities'> {
  const dice = new Dice(seed, 'operations');
  return {
    snapshot: {
      paddingBytes: [0, dice.pick([0, 500, 4000])],
      chunkBytes: dice.pick([100, 500, 1000]),
      chunkDelayMs: dice.chance(0.3) ? [0, 0] : [0, dice.between([1, 30])],
    },
    operations: OPERATION_NAMES.filter(() => dice.chance(0.6)),
    operationGapMs: [dice.between([5, 50]), dice.between([100, 1000])],
    spareServers: dice.whole(1, 3),
    hasPriorities: dice.chance(0.2),
  };
}

function workloadOf(seed: number): Pick<SimulationPlan, 'workload' | 'sessions' | 'sessionShare' | 'roamingClients' | 'roamingGapMs'> {
  const dice = new Dice(seed, 'workload');
  return {
    workload: dice.chance(0.4) ? 'key-value' : 'journal',
    sessions: {
      sessionTimeoutMs: dice.pick([500, 2000, 300_000]),
      maxSessions: dice.pick([2, 5, 1000]),
      maxResultsPerSession: dice.pick([1, 4, 1000]),
    },
    sessionShare: dice.between([0.2, 0.9]),
    roamingClients: dice.whole(0, 3),
    roamingGapMs: [0, dice.pick([10, 50, 200])],
  };
}

/** Frequent snapshots in most runs, with little log behind them. */
function policyOf(seed: number): Partial<SnapshotPolicy> | null {
  const dice = new Dice(seed, 'snapshot policy');
  if (dice.chance(0.15)) return null;
  return { entries: dice.whole(20, 60), keepEntries: dice.whole(0, 20), bytes: dice.chance(0.2) ? dice.whole(500, 4000) : 64 << 20 };
}

/** Small limits in some runs: they are what leads to the paths that are seldom taken. */
function limitsOf(dice: Dice): SimulatedNodeOptions {
  return {
    ...(dice.chance(0.4) ? { maxAppendBytes: dice.whole(1, 600) } : {}),
    ...(dice.chance(0.4) ? { maxInflightMessages: dice.whole(1, 4) } : {}),
    ...(dice.chance(0.3) ? { maxInflightBytes: dice.whole(1, 1000) } : {}),
    ...(dice.chance(0.5) ? { logCacheBytes: dice.whole(0, 2000) } : {}),
    ...(dice.chance(0.3) ? { maxUncommittedBytes: dice.whole(100, 4000) } : {}),
    ...(dice.chance(0.3) ? { maxApplyBytes: dice.whole(1, 600) } : {}),
    ...(dice.chance(0.2) ? { maxPendingProposals: dice.whole(1, 20) } : {}),
    ...(dice.chance(0.2) ? { maxQueuedMessages: dice.whole(16, 40) } : {}),
    ...(dice.chance(0.5) ? { commitNoticeDelayMs: dice.pick([0, 20, 1000]) } : {}),
  };
}
