import { isJoint } from '../core/configuration.js';
import type { LogIndex } from '../core/ids.js';
import { MachineHistory } from './invariants/machine-history.js';
import { SimulatedCluster } from './simulated-cluster.js';
import type { Callers } from './simulation/callers.js';
import type { Churn } from './simulation/churn.js';
import { Clients } from './simulation/clients.js';
import type { Decision } from './simulation/decisions.js';
import { Dice } from './simulation/dice.js';
import type { FaultName } from './simulation/fault-names.js';
import type { FaultContext } from './simulation/fault-context.js';
import { FAULTS } from './simulation/faults.js';
import { JournalApplication } from './simulation/journal-application.js';
import { JournalCallers } from './simulation/journal-callers.js';
import { MachineCallers } from './simulation/machine-callers.js';
import { Operators } from './simulation/operators.js';
import { planOf, type SimulationPlan } from './simulation/plan.js';
import type { SimulationCounts } from './simulation/report.js';
import type { AnyMachine, SimulatedMachine } from './simulation/simulated-machine.js';
import { atText } from './simulation/story.js';
import { settled } from './virtual-clock.js';

export interface SimulationOptions<C = unknown, R = unknown, Q = unknown, A = unknown> {
  /** The one seed from which everything follows. */
  readonly seed: number;
  /** Default 5. */
  readonly nodes?: number;
  /** How many turns each node takes, on average, while there are faults. Default 2000. */
  readonly turns?: number;
  /** What is to differ from the circumstances that the seed gives. */
  readonly plan?: Partial<SimulationPlan>;
  /** What the nodes replicate. Default: a machine of the simulation's own, as the seed says. */
  readonly machine?: SimulatedMachine<C, R, Q, A>;
  /**
   * What chance would bring about and is to be left out, all else as it is: faults and operations by name, or the single ones
   * by their numbers, `f3-9` for faults, `o4` for what operators do, `c7` for calls of clients. `shrink` finds them.
   */
  readonly skip?: readonly string[];
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
    /** What chance had brought about by then: what `skip` may name. */
    readonly decisions: readonly Decision[],
    /** What happened, from the beginning, without the messages: a line each. */
    readonly story: readonly string[],
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
 * // A machine of your own on every node, its clients retrying under sessions, every answer checked:
 * await simulate({ seed: 1, machine: { create: () => new Bank(), nextCommand: (dice) => ({ deposit: dice.whole(1, 9) }) } });
 */
export async function simulate<C = unknown, R = unknown, Q = unknown, A = unknown>(options: SimulationOptions<C, R, Q, A>): Promise<SimulationResult> {
  const { seed, nodes = 5, turns = 2000, skip = [] } = options;
  // From here on it is carried from place to place, whatever its types.
  const machine = options.machine as unknown as AnyMachine | undefined;
  const cluster = new SimulatedCluster({ seed, nodes, skip, plan: { ...planOf(seed), ...options.plan }, ...(machine === undefined ? {} : { machine }) });
  try {
    options.tamper?.(cluster);
    const clients = new Clients(cluster, callersOf(cluster));
    for (const server of cluster.servers) server.boot();
    const operators = new Operators(cluster);
    clients.begin();
    operators.begin();
    operators.beginRepairs();
    const isCalm = injectFaults(cluster, clients.callers, operators.churn, () => cluster.transcript.turns >= turns * nodes);
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

function callersOf(cluster: SimulatedCluster): Callers {
  const { application, invariants } = cluster;
  if (application instanceof JournalApplication) return new JournalCallers(cluster);
  const { machine, effects } = application;
  return new MachineCallers(cluster, machine, new MachineHistory(machine, effects, () => invariants.log.commitIndex));
}

/** Injects one fault after the other, and those with times of their own, until it is enough; then all faults end for good. Returns whether they have. */
function injectFaults(cluster: SimulatedCluster, callers: Callers, churn: Churn, isEnough: () => boolean): () => boolean {
  const { plan, clock } = cluster;
  const dice = new Dice(cluster.seed, 'faults');
  const restarts = new Dice(cluster.seed, 'restarts');
  let isCalm = false;
  const later = (delayMs: number, callback: () => void): void => {
    clock.schedule(delayMs, () => {
      if (!isCalm) callback();
    });
  };
  const cuts = { count: 0 };
  const inject = (name: FaultName): void => {
    const own = cluster.decisions.next('fault', name);
    if (own === null) return;
    const context: FaultContext = { cluster, dice: own, callers, cuts, isOver: () => isCalm, isMembershipSettled: () => churn.isSettled, until: (durationMs, end) => later(own.between(durationMs), end) };
    if (FAULTS[name](context)) cluster.count('faults', name);
  };
  plan.schedule.forEach(({ fault, fromMs = 0, everyMs, untilMs = Infinity }, place) => {
    if (everyMs !== undefined && everyMs[1] <= 0) throw new RangeError(`schedule: ${fault} comes every [${everyMs.join(', ')}] ms; the second must be above 0`);
    const gaps = new Dice(cluster.seed, `schedule ${place}`);
    const come = (): void => {
      if (clock.now() > untilMs) return;
      inject(fault);
      if (everyMs !== undefined) later(gaps.between(everyMs), come);
    };
    later(fromMs, come);
  });
  const next = (): void => {
    if (plan.faults.length > 0) inject(dice.pick(plan.faults));
    later(dice.between(plan.faultGapMs), next);
  };
  // What fails before the faults end may be noticed only later: servers are started again in calm too.
  cluster.onDown = (server) => {
    clock.schedule(isCalm ? 1 : restarts.between([0, 500]), () => {
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
  const dice = new Dice(cluster.seed, 'converge');
  const propose = (): void => {
    const { members } = cluster;
    const server = members[cluster.transcript.turns % members.length];
    const run = server?.callable;
    if (server !== undefined && run !== null && run !== undefined) {
      clients.callers.propose({ server, run, timeoutMs: 1000, dice }, (index) => {
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
    churn.history.refusedChangesNeverHappened();
  });
  await clients.callers.check().catch((error: unknown) => cluster.fail(error));
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

type ReplayOptions = Pick<SimulationOptions<never, never, never, never>, 'seed' | 'nodes' | 'turns' | 'plan' | 'skip'> & { readonly machine?: unknown };

/** The call that does it all again. */
function replayOf({ seed, nodes, turns, skip = [], plan }: ReplayOptions, hasMachine: boolean): string {
  const parts = [`seed: ${seed}`, `nodes: ${String(nodes)}`, `turns: ${String(turns)}`];
  if (skip.length > 0) parts.push(`skip: ${JSON.stringify(skip)}`);
  if (plan !== undefined) parts.push(`plan: ${JSON.stringify(plan)}`);
  if (hasMachine) parts.push('machine');
  return `await simulate({ ${parts.join(', ')} });`;
}

function failureOf(cluster: SimulatedCluster, { seed, nodes = 5, turns = 2000, plan, machine, skip = [] }: ReplayOptions, cause: unknown): SimulationError {
  const { transcript, clock, decisions } = cluster;
  const words = cause instanceof Error ? cause.message : String(cause);
  const replay = replayOf({ seed, nodes, turns, skip, ...(plan === undefined ? {} : { plan }) }, machine !== undefined);
  const message = [
    `seed ${seed}, turn ${transcript.turns}, at ${clock.now().toFixed(3)} ms: ${words}`,
    `replay: ${replay}`,
    'what led there:',
    ...transcript.tail(),
  ].join('\n');
  return new SimulationError(seed, transcript.turns, message, decisions.taken, [...transcript.story, `${atText(clock.now())}  ✗ ${words}`], { cause });
}
