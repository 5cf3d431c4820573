import type { NodeId } from '../../core/ids.js';
import { isQuorum } from '../invariants/agreed-configurations.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import type { Endings } from './asked.js';
import { Churn } from './churn.js';
import { Dice } from './dice.js';
import { MEMBERSHIP_OPERATION_NAMES } from './operation-names.js';
import { OPERATIONS } from './operations.js';
import type { ServerRun, SimulatedServer } from './server.js';

/** Operators of the cluster: now and then they take a snapshot, move leadership, change the membership, forbid elections for a while. */
export class Operators {
  readonly churn: Churn;
  /** Decides when and what. */
  readonly #dice: Dice;
  /** Whose elections are paused: always a minority, or nothing would ever happen. */
  readonly #paused = new Set<SimulatedServer>();
  #isActive = true;

  constructor(private readonly cluster: SimulatedCluster) {
    this.#dice = new Dice(cluster.seed, 'operators');
    this.churn = new Churn(cluster);
  }

  /** Begins to act, now and then, until `end`. */
  begin(): void {
    const { plan, clock } = this.cluster;
    if (plan.operations.length === 0) return;
    clock.schedule(this.#dice.between(plan.operationGapMs), () => {
      if (!this.#isActive) return;
      this.#act();
      this.begin();
    });
  }

  /** Looks after servers that refuse to start, in calm too, until all is over. */
  beginRepairs(): void {
    const dice = new Dice(this.cluster.seed, 'repairs');
    this.cluster.clock.schedule(dice.between([50, 200]), () => this.#repair(dice));
  }

  /** Nobody is told to keep still any longer. */
  end(): void {
    this.#isActive = false;
    for (const { callable } of this.cluster.servers) callable?.node.resumeElections();
  }

  #act(): void {
    const { cluster } = this;
    const name = this.#dice.pick(cluster.plan.operations);
    const dice = cluster.decisions.next('operation', name);
    if (dice === null) return;
    // Most of what there is to do is done on the leader, and nothing else changes the membership.
    const leaders = cluster.servers.filter(({ callable }) => callable?.node.metrics.value.role === 'leader');
    const isForLeaders = MEMBERSHIP_OPERATION_NAMES.some((each) => each === name);
    if (isForLeaders && leaders.length === 0 && dice.chance(0.9)) return;
    const server = dice.pick(leaders.length > 0 && dice.chance(isForLeaders ? 0.9 : 0.7) ? leaders : cluster.servers);
    const run = server.callable;
    if (run === null) return;
    if (name === 'pause of elections' && !this.#mayPause(server, dice)) return;
    cluster.note(`${run.runId} is asked for: ${name}`);
    const isDone = OPERATIONS[name]({ cluster, dice, churn: this.churn, server, run, follow: (call, promise, endings) => this.#follow(server, run, call, promise, endings) });
    if (isDone) cluster.count('operations', name);
  }

  #repair(dice: Dice): void {
    const { cluster, churn } = this;
    if (cluster.isEnding) return;
    cluster.clock.schedule(dice.between([50, 200]), () => this.#repair(dice));
    if (!cluster.servers.some(({ isRotten }) => isRotten)) return;
    const server = cluster.servers.find(({ callable }) => callable?.node.metrics.value.role === 'leader');
    const run = server?.callable;
    if (server === undefined || run === null || run === undefined) return;
    churn.repair({ server, run, follow: (call, promise, endings) => this.#follow(server, run, call, promise, endings) }, dice);
  }

  #mayPause(server: SimulatedServer, dice: Dice): boolean {
    const { cluster } = this;
    const isFree = (id: NodeId): boolean => id !== server.id && !cluster.servers.some((each) => each.id === id && each.isRotten) && ![...this.#paused].some((paused) => paused.id === id);
    if (this.#paused.has(server) || !isQuorum(cluster.configuration, isFree)) return false;
    this.#paused.add(server);
    cluster.clock.schedule(dice.between([100, 2000]), () => {
      this.#paused.delete(server);
      server.callable?.node.resumeElections();
    });
    return true;
  }

  #follow<T>(server: SimulatedServer, run: ServerRun, name: string, promise: Promise<T>, { isLawful, done }: Endings<T>): void {
    const { cluster } = this;
    const call = {};
    run.operations.add(call);
    promise.then(
      (value) => {
        if (!run.operations.delete(call)) return;
        cluster.count('calls', `${name} done`);
        cluster.note(`${server.id} has done ${name}`);
        done?.(value);
      },
      (error: unknown) => {
        if (!run.operations.delete(call)) return;
        const words = error instanceof Error ? error.name : String(error);
        cluster.count('calls', `${name}: ${words}`);
        cluster.note(`${server.id} answers ${name} with ${words}`);
        if (!isLawful(error)) cluster.fail(error);
      },
    );
  }
}
