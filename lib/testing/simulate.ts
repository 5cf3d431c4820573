import { isJoint } from '../core/configuration.js';
import type { LogIndex } from '../core/ids.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { Clients } from './simulation/clients.js';
import { Dice } from './simulation/dice.js';
import { FAULTS, type FaultContext } from './simulation/faults.js';
import { Operators } from './simulation/operators.js';
import { planOf, type SimulationPlan } from './simulation/plan.js';
import type { SimulationCounts } from './simulation/report.js';
import { settled } from './virtual-clock.js';

export interface SimulationOptions {
  /** The one seed from which everything follows. */
  readonly seed: number;
  /** Default 5. */
  readonly nodes?: number;
  /** How many turns each node takes, on average, while there are faults. Default 2000. */
  readonly turns?: number;
  /** What is to differ from the circumstances that the seed gives. */
  readonly plan?: Partial<SimulationPlan>;
  /** Called with the cluster before anything happens, to break it on purpose. */
  readonly tamper?: (cluster: SimulatedCluster) => void;
}

export interface SimulationResult {
  readonly seed: number;
  /** A hash of everything that happened; the same seed and options give the same, on any machine. */
  readonly digest: string;
  /** Of all nodes together. */
  readonly turns: number;
  readonly virtualMs: number;
  readonly committed: number;
  readonly counts: SimulationCounts;
}

/** Thrown when a run broke an invariant. The message says how to replay it and what led there. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';

  constructor(
    readonly seed: number,
    readonly turn: number,
    message: string,
    options: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Calm must bring a leader within so many of the longest election timeouts … */
const CALM_TIMEOUTS = 20;
/** … and may take this long for each entry that some server lacks. */
const CATCH_UP_MS_PER_ENTRY = 30;
/** So many of the longest election timeouts without an election are calm. */
const REST_TIMEOUTS = 4;

/**
 * Runs a whole cluster in virtual time: first under faults, with clients on every node, then in calm, where it
 * must converge. After every turn of every node the invariants are checked.
 * @throws {SimulationError} at the first turn that breaks one.
 * @example
 * const { turns, digest } = await simulate({ seed: 1 });
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const { seed, nodes = 5, turns = 2000 } = options;
  const cluster = new SimulatedCluster({ seed, nodes, plan: { ...planOf(seed), ...options.plan } });
  try {
    options.tamper?.(cluster);
    const clients = new Clients(cluster);
    for (const server of cluster.servers) server.boot();
    const operators = new Operators(cluster);
    clients.begin();
    operators.begin();
    const isCalm = injectFaults(cluster, () => cluster.transcript.turns >= turns * nodes);
    await runChecked(cluster, isCalm);
    clients.end();
    operators.end();
    await converge(cluster, clients, operators);
    return {
      seed,
      digest: cluster.transcript.digest,
      turns: cluster.transcript.turns,
      virtualMs: cluster.clock.now(),
      committed: cluster.invariants.log.commitIndex,
      counts: cluster.counts,
    };
  } catch (error) {
    throw failureOf(cluster, options, error);
  }
}

/** Injects one fault after the other until it is enough; then all faults end for good. Returns whether they have. */
function injectFaults(cluster: SimulatedCluster, isEnough: () => boolean): () => boolean {
  const { plan, clock } = cluster;
  const dice = new Dice(cluster.seed, 'faults');
  let isCalm = false;
  const later = (delayMs: number, callback: () => void): void => {
    clock.schedule(delayMs, () => {
      if (!isCalm) callback();
    });
  };
  const context: FaultContext = { cluster, dice, cuts: { count: 0 }, until: (durationMs, end) => later(dice.between(durationMs), end) };
  const next = (): void => {
    if (plan.faults.length > 0) {
      const name = dice.pick(plan.faults);
      if (FAULTS[name](context)) cluster.count('faults', name);
    }
    later(dice.between(plan.faultGapMs), next);
  };
  // What fails before the faults end may be noticed only later: servers are started again in calm too.
  cluster.onDown = (server) => {
    clock.schedule(isCalm ? 1 : dice.between([0, 500]), () => {
      if (server.run === null && !cluster.isEnding) server.boot();
    });
  };
  later(dice.between(plan.faultGapMs), next);
  return () => {
    if (!isCalm && isEnough()) {
      isCalm = true;
      cluster.calm();
    }
    return isCalm;
  };
}

/** Without faults the cluster must commit a proposal and bring every member to the same log, within a bound of virtual time. */
async function converge(cluster: SimulatedCluster, clients: Clients, { churn }: Operators): Promise<void> {
  const { clock, invariants, plan } = cluster;
  const deadline = clock.now() + CALM_TIMEOUTS * (plan.node.electionTimeoutMaxMs ?? 1000) + CATCH_UP_MS_PER_ENTRY * longestLog(cluster);
  /** Of a proposal that was made and acknowledged in calm: everything acknowledged before stands before it. */
  let target = Infinity;
  const propose = (): void => {
    const { members } = cluster;
    const server = members[cluster.transcript.turns % members.length];
    const run = server?.callable;
    if (server !== undefined && run !== null && run !== undefined) {
      clients.propose(server, run, 1000, (index) => {
        target = Math.min(target, index);
      });
    }
    if (target === Infinity) clock.schedule(100, propose);
  };
  propose();
  await runChecked(cluster, () => clock.now() > deadline || hasEverywhereApplied(cluster, target));
  if (target === Infinity) throw new Error(`liveness: without faults no proposal was committed until ${deadline.toFixed(0)} ms`);
  if (isJoint(cluster.configuration)) throw new Error(`liveness: without faults no end of the joint configuration was committed until ${deadline.toFixed(0)} ms`);
  cluster.guard(() => invariants.everyMemberHasApplied(target));
  if (cluster.servers.length > cluster.members.length) await comeToRest(cluster);
  await stopAll(cluster);
  cluster.guard(() => {
    invariants.committedEntriesSurvive();
    cluster.history.refusedNeverHappenedAndNothingHappenedTwice();
    churn.history.refusedChangesNeverHappened();
  });
  throwFailure(cluster);
}

/** Thesis §4.2.3: servers that are no members don't disturb. With them about, the members keep one leader for a while. */
async function comeToRest(cluster: SimulatedCluster): Promise<void> {
  const { clock, invariants, plan } = cluster;
  const timeoutMs = plan.node.electionTimeoutMaxMs ?? 1000;
  const deadline = clock.now() + CALM_TIMEOUTS * timeoutMs;
  let [term, since] = [invariants.lastElectedTerm, clock.now()];
  const hasRested = (): boolean => {
    if (invariants.lastElectedTerm !== term) [term, since] = [invariants.lastElectedTerm, clock.now()];
    return clock.now() - since >= REST_TIMEOUTS * timeoutMs;
  };
  await runChecked(cluster, () => hasRested() || clock.now() > deadline);
  if (!hasRested()) throw new Error(`liveness: without faults leaders follow one another, until term ${term} at ${clock.now().toFixed(0)} ms`);
}

async function stopAll(cluster: SimulatedCluster): Promise<void> {
  cluster.isEnding = true;
  for (const server of cluster.servers) server.stop();
  const deadline = cluster.clock.now() + 30_000;
  await runChecked(cluster, () => cluster.servers.every(({ run }) => run === null) || cluster.clock.now() > deadline);
  const late = cluster.servers.filter(({ run }) => run !== null).map(({ id }) => id);
  if (late.length > 0) throw new Error(`${late.join(', ')} did not stop`);
}

async function runChecked(cluster: SimulatedCluster, isDone: () => boolean): Promise<void> {
  await cluster.runUntil(isDone);
  await settled();
  throwFailure(cluster);
}

function throwFailure({ failure }: SimulatedCluster): void {
  if (failure !== null) throw failure;
}

function hasEverywhereApplied({ configuration, members }: SimulatedCluster, index: LogIndex): boolean {
  return !isJoint(configuration) && members.every(({ run }) => run?.state === 'running' && run.node.metrics.value.applied.index >= index);
}

function longestLog({ servers }: SimulatedCluster): number {
  return Math.max(...servers.map(({ disk }) => disk.image.lastLog.index));
}

function failureOf(cluster: SimulatedCluster, { seed, nodes = 5, turns = 2000, plan }: SimulationOptions, cause: unknown): SimulationError {
  const { transcript, clock } = cluster;
  const words = cause instanceof Error ? cause.message : String(cause);
  const replay = plan === undefined ? `await simulate({ seed: ${seed}, nodes: ${nodes}, turns: ${turns} });` : `the same plan, with seed ${seed}, ${nodes} nodes and ${turns} turns`;
  const message = [
    `seed ${seed}, turn ${transcript.turns}, at ${clock.now().toFixed(3)} ms: ${words}`,
    `replay: ${replay}`,
    'what led there:',
    ...transcript.tail(),
  ].join('\n');
  return new SimulationError(seed, transcript.turns, message, { cause });
}
