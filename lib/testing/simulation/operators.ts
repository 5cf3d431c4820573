import type { SimulatedCluster } from '../simulated-cluster.js';
import { Dice } from './dice.js';
import { OPERATIONS } from './operations.js';
import type { ServerRun, SimulatedServer } from './server.js';

/** Operators of the cluster: now and then they take a snapshot, move leadership, forbid elections for a while. */
export class Operators {
  readonly #dice: Dice;
  /** Whose elections are paused: always a minority, or nothing would ever happen. */
  readonly #paused = new Set<SimulatedServer>();
  #isActive = true;

  constructor(private readonly cluster: SimulatedCluster) {
    this.#dice = new Dice(cluster.seed, 'operators');
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

  /** Nobody is told to keep still any longer. */
  end(): void {
    this.#isActive = false;
    for (const { callable } of this.cluster.servers) callable?.node.resumeElections();
  }

  #act(): void {
    const { cluster } = this;
    const dice = this.#dice;
    const name = dice.pick(cluster.plan.operations);
    // Most of what there is to do is done on the leader.
    const leader = dice.chance(0.7) ? cluster.servers.find(({ callable }) => callable?.node.metrics.value.role === 'leader') : undefined;
    const server = leader ?? dice.pick(cluster.servers);
    const run = server.callable;
    if (run === null) return;
    if (name === 'pause of elections' && !this.#mayPause(server)) return;
    cluster.note(`${run.runId} is asked for: ${name}`);
    cluster.count('operations', name);
    OPERATIONS[name]({ cluster, dice, server, run, follow: (call, promise, isLawful, done) => this.#follow(server, run, call, promise, isLawful, done) });
  }

  #mayPause(server: SimulatedServer): boolean {
    const { cluster } = this;
    if (this.#paused.has(server) || 2 * (this.#paused.size + 1) > cluster.servers.length) return false;
    this.#paused.add(server);
    cluster.clock.schedule(this.#dice.between([100, 2000]), () => {
      this.#paused.delete(server);
      server.callable?.node.resumeElections();
    });
    return true;
  }

  #follow<T>(server: SimulatedServer, run: ServerRun, name: string, promise: Promise<T>, isLawful: (error: unknown) => boolean, done: (value: T) => void = () => undefined): void {
    const { cluster } = this;
    const call = {};
    run.operations.add(call);
    promise.then(
      (value) => {
        if (!run.operations.delete(call)) return;
        cluster.count('calls', `${name} done`);
        cluster.note(`${server.id} has done ${name}`);
        done(value);
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
