import { configurationOf, membersOf, type Configuration } from '../core/configuration.js';
import type { LogId, NodeId } from '../core/ids.js';
import type { NewNode } from '../core/membership-plan.js';
import type { ObservedTurn } from '../node/turn-loop.js';
import { MemoryNetwork } from '../transport/memory.js';
import { Invariants } from './invariants.js';
import { ClientHistory } from './invariants/client-history.js';
import { Decisions } from './simulation/decisions.js';
import { Dice } from './simulation/dice.js';
import { JournalApplication } from './simulation/journal-application.js';
import { simulatedKeyValue } from './simulation/key-value-machine.js';
import { MachineApplication } from './simulation/machine-application.js';
import type { AnyMachine } from './simulation/simulated-machine.js';
import type { Range, SimulationPlan } from './simulation/plan.js';
import { count, emptyCounts, type CountFamily } from './simulation/report.js';
import { SimulatedServer } from './simulation/server.js';
import type { OpenCall, Surroundings } from './simulation/surroundings.js';
import { Transcript } from './simulation/transcript.js';
import { settled, VirtualClock } from './virtual-clock.js';

export interface SimulatedClusterOptions {
  readonly seed: number;
  readonly nodes: number;
  readonly plan: SimulationPlan;
  /** Default: what the plan says. */
  readonly machine?: AnyMachine;
  /** What chance is not to bring about. */
  readonly skip?: readonly string[];
}

/**
 * Real nodes on a simulated network, on simulated disks, in virtual time. Everything that happens is checked
 * against the invariants and written to the transcript; chance comes from the seed alone.
 */
export class SimulatedCluster implements Surroundings {
  readonly seed: number;
  readonly plan: SimulationPlan;
  readonly clock: VirtualClock;
  readonly network: MemoryNetwork;
  /** How many servers it began with. */
  readonly nodes: number;
  readonly invariants: Invariants;
  /** Of the clients of a journal. */
  readonly history: ClientHistory;
  readonly application: JournalApplication | MachineApplication;
  readonly decisions: Decisions;
  readonly transcript = new Transcript();
  readonly counts = emptyCounts();
  /** As of now; the plan's, until the end. */
  syncLatencyMs: Range;
  /** The same. */
  clockRates: readonly number[];
  /** Called when a server has gone down, for whatever reason. */
  onDown: (server: SimulatedServer) => void = () => undefined;
  /** Whoever goes down now stays down. */
  isEnding = false;
  #servers: readonly SimulatedServer[] = [];
  #serversEver = 0;
  #failure: Error | null = null;
  #betweenTurns: (() => void)[] = [];
  readonly #dice: Dice;
  readonly #founding: Configuration;

  constructor({ seed, nodes, plan, machine, skip = [] }: SimulatedClusterOptions) {
    this.seed = seed;
    this.nodes = nodes;
    this.plan = plan;
    this.syncLatencyMs = plan.syncLatencyMs;
    this.clockRates = plan.clockRates;
    this.invariants = new Invariants(plan);
    this.history = new ClientHistory(this.invariants.log.committed, plan.areLeasesSafe);
    this.decisions = new Decisions(seed, skip);
    this.application = this.#applicationOf(machine ?? (plan.workload === 'key-value' ? (simulatedKeyValue as unknown as AnyMachine) : null));
    this.#dice = new Dice(seed, 'cluster');
    this.clock = new VirtualClock({ granularityMs: plan.granularityMs });
    this.network = new MemoryNetwork({ clock: this.clock, seed: this.#dice.seedFor('network') });
    this.network.setFaults(plan.link);
    const ids = Array.from({ length: nodes }, (_, i) => `n${i + 1}`);
    const founders: Readonly<Record<NodeId, NewNode>> = Object.fromEntries(ids.map((id) => [id, { address: id, priority: plan.hasPriorities ? this.#dice.whole(0, 2) : 0 }]));
    this.#founding = configurationOf(Object.fromEntries(ids.map((id) => [id, id])));
    for (let i = 0; i < nodes; i += 1) this.addServer(founders);
  }

  #applicationOf(machine: AnyMachine | null): JournalApplication | MachineApplication {
    if (machine === null) return new JournalApplication(this.history);
    return new MachineApplication(machine, this.plan.sessions, (check) => this.guard(check));
  }

  /** Every server that there is: members, servers that were members, and servers that wait to become one. */
  get servers(): readonly SimulatedServer[] {
    return this.#servers;
  }

  /** The newest configuration that is known to be committed. */
  get configuration(): Configuration {
    const { committed, newest } = this.invariants.log.configurations;
    return committed.length === 0 ? this.#founding : newest.configuration;
  }

  /** The servers in it. */
  get members(): readonly SimulatedServer[] {
    const ids = membersOf(this.configuration);
    return this.#servers.filter(({ id }) => ids.includes(id));
  }

  /** One more server, with an empty disk and an id that nobody had; not started yet. Without founders it waits to be added. */
  addServer(founders: Readonly<Record<NodeId, NewNode>> | null = null): SimulatedServer {
    const server = new SimulatedServer(`n${(this.#serversEver += 1)}`, this, founders);
    this.#servers = [...this.#servers, server];
    this.invariants.addServer(server.id, server.disk.image);
    return server;
  }

  /** Whether there is, or was, a server with this id. */
  readonly hasEverBeen = (id: NodeId): boolean => /^n\d+$/.test(id) && Number(id.slice(1)) <= this.#serversEver;

  /** What went wrong first; null while nothing has. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** Runs everything until `isDone`, or until something goes wrong or nothing is left to happen. */
  async runUntil(isDone: () => boolean): Promise<void> {
    await settled();
    while (this.#failure === null && !isDone()) {
      if (!this.clock.runNext()) throw new Error('nothing is left to happen');
      const isCrowded = this.clock.nextAt === this.clock.now();
      if (!isCrowded || this.#betweenTurns.length > 0 || !this.#dice.chance(this.plan.mergeRate)) await this.#settle();
    }
    await this.#settle();
  }

  /** Calls back at this instant, once no turn is under way or about to begin: a process ends or is paused between two turns. */
  betweenTurns(callback: () => void): void {
    this.#betweenTurns.push(callback);
  }

  async #settle(): Promise<void> {
    await settled();
    for (let next = this.#betweenTurns.shift(); next !== undefined; next = this.#betweenTurns.shift()) {
      next();
      await settled();
    }
  }

  guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.fail(error);
    }
  }

  fail(error: unknown): void {
    this.#failure ??= error instanceof Error ? error : new Error(String(error));
  }

  note(text: string): void {
    this.transcript.note(this.clock.now(), text);
  }

  count(family: CountFamily, name: string, times = 1): void {
    count(this.counts, family, name, times);
  }

  observeTurn(id: NodeId, runId: string, turn: ObservedTurn): void {
    if (this.#failure !== null) return;
    this.transcript.turn(this.clock.now(), runId, turn);
    for (const { type } of turn.inputs) this.count('inputs', type);
    this.guard(() => this.invariants.observeTurn(id, turn));
  }

  observeRestore(id: NodeId, last: LogId, check: (last: LogId) => void): void {
    this.note(`${id} is restored to ${last.index}`);
    this.guard(() => {
      this.invariants.stateMachineRestored(id, last);
      check(last);
    });
  }

  /** The node that was called is gone: its caller will never know. */
  forget(call: OpenCall): void {
    this.count('calls', `${call.name} lost with its node`);
  }

  serverWentDown(id: NodeId): void {
    const server = this.#servers.find((each) => each.id === id);
    if (server === undefined) return;
    if (server.isRetired) this.#wipe(server);
    else this.onDown(server);
  }

  #wipe(server: SimulatedServer): void {
    this.note(`${server.id} is wiped`);
    this.#servers = this.#servers.filter((each) => each !== server);
    this.guard(() => this.invariants.removeServer(server.id));
  }

  /** No fault any more: every link open and quick, every disk fast, every server up and running. */
  calm(): void {
    this.note('all faults end');
    this.network.heal();
    this.network.setFaults(CALM_LINK); // a server that joins from here on too
    for (const from of this.servers) {
      for (const to of this.servers) this.network.setFaults(CALM_LINK, { from: from.id, to: to.id });
    }
    this.syncLatencyMs = [0, 1];
    this.clockRates = [1];
    for (const server of this.servers) {
      server.diskSlowness = 1;
      server.disk.releaseSync();
      server.disk.limitBytes(null);
      server.resume();
      server.drift(1);
      server.isReporterThrowing = false;
      if (server.run === null) server.boot();
    }
  }
}

const CALM_LINK = Object.freeze({ lossRate: 0, duplicateRate: 0, delayMs: Object.freeze([0.5, 2] as const) });
