import type { LogIndex } from '../../core/ids.js';
import { ProposalIndeterminateError } from '../../ports/errors.js';
import type { Applied } from '../../node/raft-node.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import { isRefusal, nameOf, type Caller, type Callers } from './callers.js';
import type { JournalState } from './journal-state.js';

/** Clients of a journal: every answer names the index at which it took effect, and is held against the log at once. */
export class JournalCallers implements Callers {
  #nextCommand = 1;

  constructor(private readonly cluster: SimulatedCluster) {}

  propose({ server, run, timeoutMs, dice }: Caller, onAcknowledged: (index: LogIndex) => void = () => undefined): void {
    const { cluster } = this;
    const command = { id: this.#nextCommand++, bytes: Math.floor(dice.between(cluster.plan.commandBytes)) };
    const call = cluster.history.begin(server.id, command);
    run.calls.add(call);
    run.node.propose(command, { timeoutMs }).then(
      (applied) => {
        if (!run.calls.delete(call)) return;
        cluster.count('calls', 'propose acknowledged');
        cluster.note(`${server.id} acknowledges command ${command.id} at ${applied.index}`);
        cluster.guard(() => cluster.history.acknowledgedWritesAreCommitted(call, applied as Applied<JournalState>));
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

  write(caller: Caller): void {
    this.propose(caller);
  }

  read({ server, run, timeoutMs, dice }: Caller): void {
    const { cluster } = this;
    const consistency = dice.pick(['linearizable', 'linearizable', 'lease', 'stale'] as const);
    const call = cluster.history.begin(server.id, null);
    run.calls.add(call);
    run.node.read(null, { consistency, timeoutMs }).then(
      (answer) => {
        if (!run.calls.delete(call)) return;
        const state = answer as JournalState;
        cluster.count('calls', `read served, ${consistency}`);
        cluster.note(`${server.id} answers a ${consistency} read as of ${state.index}`);
        cluster.guard(() => cluster.history.readsSeeAllEarlierWrites(call, state, consistency));
      },
      (error: unknown) => {
        if (!run.calls.delete(call)) return;
        cluster.count('calls', `read: ${nameOf(error)}`);
        if (!isRefusal(error)) cluster.fail(error);
      },
    );
  }

  begin(): void {
    // Nobody calls but when asked to.
  }

  end(): void {
    // Likewise.
  }

  check(): Promise<void> {
    this.cluster.guard(() => this.cluster.history.refusedNeverHappenedAndNothingHappenedTwice());
    return Promise.resolve();
  }
}
