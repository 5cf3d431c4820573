import type { LogIndex } from '../../core/ids.js';
import { openSession, type ClientSession, type SessionNode } from '../../node/sessions/index.js';
import { ProposalIndeterminateError, ProposalRejectedError } from '../../ports/errors.js';
import type { CommandCall, MachineHistory } from '../invariants/machine-history.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import { isRefusal, nameOf, type Caller, type Callers } from './callers.js';
import { RoamingClient } from './roaming-client.js';
import type { AnyMachine } from './simulated-machine.js';
import type { Tagged } from './tagged.js';
import type { ServerRun } from './server.js';

/** Clients of a machine with sessions: some propose plainly, some through a session of their node, some roam with a session of their own. */
export class MachineCallers implements Callers {
  readonly #sessions = new WeakMap<ServerRun, ClientSession<Tagged, unknown> | 'opening'>();
  readonly #roaming: readonly RoamingClient[];

  constructor(
    private readonly cluster: SimulatedCluster,
    private readonly machine: AnyMachine,
    private readonly history: MachineHistory,
  ) {
    this.#roaming = Array.from({ length: cluster.plan.roamingClients }, (_, i) => new RoamingClient(`client ${i + 1}`, cluster, machine, history));
  }

  /** Without a session: what is not answered is not tried again. */
  propose({ server, run, timeoutMs, dice }: Caller, onAcknowledged: (index: LogIndex) => void = () => undefined): void {
    const call = this.history.beginCommand(server.id, this.machine.nextCommand(dice), 'propose');
    const plain = { type: 'plain', command: { id: call.id, command: call.command } };
    this.#follow(run, call, run.node.propose(plain, { timeoutMs }).then(({ index, value }) => ({ index, value: (value as { readonly value: unknown }).value })), onAcknowledged);
  }

  write(caller: Caller): void {
    if (!caller.dice.chance(this.cluster.plan.sessionShare)) return this.propose(caller);
    const session = this.#sessions.get(caller.run);
    if (session === undefined) this.#open(caller);
    else if (session !== 'opening') this.#proposeOnce(session, caller);
  }

  read({ server, run, timeoutMs, dice }: Caller): void {
    const { cluster, history } = this;
    if (this.machine.nextQuery === undefined) return;
    const consistency = dice.pick(['linearizable', 'linearizable', 'lease', 'stale'] as const);
    const isRecorded = consistency === 'linearizable' || (consistency === 'lease' && cluster.plan.areLeasesSafe);
    const call = history.beginQuery(server.id, this.machine.nextQuery(dice), isRecorded);
    run.calls.add(call);
    run.node.read(call.query, { consistency, timeoutMs }).then(
      (answer) => {
        if (!run.calls.delete(call)) return;
        cluster.count('calls', `read served, ${consistency}`);
        cluster.note(`${server.id} answers ${JSON.stringify(call.query)} (${consistency})`);
        cluster.guard(() => history.answered(call, answer));
      },
      (error: unknown) => {
        if (!run.calls.delete(call)) return;
        cluster.count('calls', `read: ${nameOf(error)}`);
        history.unanswered(call);
        if (!isRefusal(error)) cluster.fail(error);
      },
    );
  }

  begin(): void {
    for (const client of this.#roaming) if (this.cluster.decisions.next('call', 'roaming client') !== null) client.begin();
  }

  end(): void {
    for (const client of this.#roaming) client.end();
  }

  async check(): Promise<void> {
    await this.history.check();
    for (const [kind, times] of this.history.checked) this.cluster.count('checked', kind, times);
  }

  #open({ server, run, timeoutMs, dice }: Caller): void {
    const { cluster } = this;
    const call = { name: 'openSession' };
    run.calls.add(call);
    this.#sessions.set(run, 'opening');
    const options = { clock: run.clock, timeoutMs, attemptTimeoutMs: dice.pick([20, 100, 500]), requestTimeoutMs: 5000, maxWaiting: 50 };
    openSession(run.node as unknown as SessionNode<Tagged, unknown>, options).then(
      (session) => {
        if (!run.calls.delete(call)) return;
        cluster.count('calls', 'openSession done');
        cluster.note(`${server.id} opens session ${session.id}`);
        this.#sessions.set(run, session);
      },
      (error: unknown) => {
        if (!run.calls.delete(call)) return;
        cluster.count('calls', `openSession: ${nameOf(error)}`);
        this.#sessions.delete(run);
        if (!isRefusal(error)) cluster.fail(error);
      },
    );
  }

  #proposeOnce(session: ClientSession<Tagged, unknown>, { server, run, timeoutMs, dice }: Caller): void {
    const call = this.history.beginCommand(`${server.id}/${session.id}`, this.machine.nextCommand(dice), 'propose in session');
    this.#follow(run, call, session.propose({ id: call.id, command: call.command }, { timeoutMs }));
    if (dice.chance(0.02) || session.state !== 'open') this.#close(session, run, timeoutMs);
  }

  #close(session: ClientSession<Tagged, unknown>, run: ServerRun, timeoutMs: number): void {
    const { cluster } = this;
    const call = { name: 'closeSession' };
    run.calls.add(call);
    this.#sessions.delete(run);
    session.close({ timeoutMs }).then(
      () => {
        if (run.calls.delete(call)) cluster.count('calls', 'closeSession done');
      },
      (error: unknown) => {
        if (!run.calls.delete(call)) return;
        cluster.count('calls', `closeSession: ${nameOf(error)}`);
        if (!isRefusal(error) && !(error instanceof ProposalIndeterminateError)) cluster.fail(error);
      },
    );
  }

  #follow(run: ServerRun, call: CommandCall, answer: Promise<{ readonly index: LogIndex; readonly value: unknown }>, onAcknowledged: (index: LogIndex) => void = () => undefined): void {
    const { cluster, history } = this;
    run.calls.add(call);
    answer.then(
      (applied) => {
        if (!run.calls.delete(call)) return;
        cluster.count('calls', `${call.name} acknowledged`);
        cluster.note(`${call.client} is told that command ${call.id} was applied at ${applied.index}`);
        cluster.guard(() => history.acknowledged(call, applied));
        onAcknowledged(applied.index);
      },
      (error: unknown) => {
        if (!run.calls.delete(call)) return;
        cluster.count('calls', `${call.name}: ${nameOf(error)}`);
        cluster.note(`${call.client} is answered ${nameOf(error)} to command ${call.id}`);
        // A session tries again until what may pass has passed: its own client is never told of the log's rules.
        const isUnexpected = error instanceof ProposalRejectedError && call.name === 'propose in session';
        if (isRefusal(error) && !isUnexpected) history.refused(call, nameOf(error));
        else if (!(error instanceof ProposalIndeterminateError)) cluster.fail(error);
      },
    );
  }
}
