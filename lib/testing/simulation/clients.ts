import type { SimulatedCluster } from '../simulated-cluster.js';
import type { Callers } from './callers.js';
import { Dice } from './dice.js';

/** Clients of every node at once: they propose and read at random times, and hold every answer against the log. */
export class Clients {
  /** Decides when. */
  readonly #dice: Dice;
  #isActive = true;

  constructor(
    private readonly cluster: SimulatedCluster,
    readonly callers: Callers,
  ) {
    this.#dice = new Dice(cluster.seed, 'clients');
  }

  /** Begins to call, now and then, until `end`. */
  begin(): void {
    this.callers.begin();
    this.#next();
  }

  end(): void {
    this.#isActive = false;
    this.callers.end();
  }

  #next(): void {
    this.cluster.clock.schedule(this.#dice.between(this.cluster.plan.callGapMs), () => {
      if (!this.#isActive) return;
      this.#callSome();
      this.#next();
    });
  }

  #callSome(): void {
    const { servers, plan, decisions } = this.cluster;
    const dice = decisions.next('call', 'calls');
    if (dice === null) return;
    const leaders = servers.filter(({ isLeading }) => isLeading);
    const server = dice.pick(leaders.length > 0 && dice.chance(0.5) ? leaders : servers);
    const calls = dice.whole(1, plan.maxBurst);
    const isRead = dice.chance(plan.readShare);
    const timeoutMs = dice.pick([20, 500, 500, 5000]);
    const run = server.callable;
    if (run === null) return;
    for (let i = 0; i < calls; i += 1) {
      if (isRead) this.callers.read({ server, run, timeoutMs, dice });
      else this.callers.write({ server, run, timeoutMs, dice });
    }
  }
}
