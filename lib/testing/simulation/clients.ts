import type { LogIndex } from '../../core/ids.js';
import { NotLeaderError, OverloadedError, ProposalIndeterminateError, ProposalRejectedError, StoppedError, TimeoutError } from '../../ports/errors.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import { Dice } from './dice.js';
import type { SimulatedServer, ServerRun } from './server.js';

/** Clients of every node at once: they propose and read at random times, and hold every answer against the log. */
export class Clients {
  readonly #dice: Dice;
  #nextCommand = 1;
  #isActive = true;

  constructor(private readonly cluster: SimulatedCluster) {
    this.#dice = new Dice(cluster.seed, 'clients');
  }

  /** Begins to call, now and then, until `end`. */
  begin(): void {
    this.cluster.clock.schedule(this.#dice.between(this.cluster.plan.callGapMs), () => {
      if (!this.#isActive) return;
      this.#callSome();
      this.begin();
    });
  }

  end(): void {
    this.#isActive = false;
  }

  /** One proposal through this server; calls back with its index once it is acknowledged. */
  propose(server: SimulatedServer, run: ServerRun, timeoutMs: number, onAcknowledged: (index: LogIndex) => void = () => undefined): void {
    const { cluster } = this;
    const command = { id: this.#nextCommand++, bytes: Math.floor(this.#dice.between(cluster.plan.commandBytes)) };
    const call = cluster.history.begin(server.id, command);
    run.calls.add(call);
    run.node.propose(command, { timeoutMs }).then(
      (applied) => {
        if (!run.calls.delete(call)) return;
        cluster.count('calls', 'propose acknowledged');
        cluster.note(`${server.id} acknowledges command ${command.id} at ${applied.index}`);
        cluster.guard(() => cluster.history.acknowledgedWritesAreCommitted(call, applied));
        onAcknowledged(applied.index);
      },
      (error: unknown) => {
        if (!run.calls.delete(call)) return;
        cluster.count('calls', `propose: ${nameOf(error)}`);
        cluster.note(`${server.id} answers command ${command.id} with ${nameOf(error)}`);
        if (isRefusal(error)) cluster.history.noteRefused(call, nameOf(error));
        else if (!(error instanceof ProposalIndeterminateError)) cluster.fail(error);
      },
    );
  }

  read(server: SimulatedServer, run: ServerRun, timeoutMs: number): void {
    const { cluster } = this;
    const consistency = this.#dice.pick(['linearizable', 'linearizable', 'lease', 'stale'] as const);
    const call = cluster.history.begin(server.id, null);
    run.calls.add(call);
    run.node.read(null, { consistency, timeoutMs }).then(
      (answer) => {
        if (!run.calls.delete(call)) return;
        cluster.count('calls', `read served, ${consistency}`);
        cluster.note(`${server.id} answers a ${consistency} read as of ${answer.index}`);
        cluster.guard(() => cluster.history.readsSeeAllEarlierWrites(call, answer, consistency));
      },
      (error: unknown) => {
        if (!run.calls.delete(call)) return;
        cluster.count('calls', `read: ${nameOf(error)}`);
        if (!isRefusal(error)) cluster.fail(error);
      },
    );
  }

  #callSome(): void {
    const { servers, plan } = this.cluster;
    const leaders = servers.filter(({ isLeading }) => isLeading);
    const server = this.#dice.pick(leaders.length > 0 && this.#dice.chance(0.5) ? leaders : servers);
    const calls = this.#dice.whole(1, plan.maxBurst);
    const isRead = this.#dice.chance(plan.readShare);
    const timeoutMs = this.#dice.pick([20, 500, 500, 5000]);
    const run = server.callable;
    if (run === null) return;
    for (let i = 0; i < calls; i += 1) {
      if (isRead) this.read(server, run, timeoutMs);
      else this.propose(server, run, timeoutMs);
    }
  }
}

/** Whether the error says that nothing has happened and nothing will. */
function isRefusal(error: unknown): boolean {
  return [NotLeaderError, ProposalRejectedError, OverloadedError, TimeoutError, StoppedError].some((kind) => error instanceof kind);
}

function nameOf(error: unknown): string {
  if (error instanceof ProposalIndeterminateError) return `${error.name} (${error.reason})`;
  return error instanceof Error ? error.name : String(error);
}
