import { NotLeaderError, OverloadedError, ProposalIndeterminateError, ProposalRejectedError, StoppedError, TimeoutError } from '../../ports/errors.js';
import type { SessionCommand, SessionId, SessionResult } from '../../node/sessions/index.js';
import type { CommandCall, MachineHistory } from '../invariants/machine-history.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import { nameOf } from './callers.js';
import { Dice } from './dice.js';
import type { AnyMachine } from './simulated-machine.js';
import type { Tagged } from './tagged.js';

/** What a node answered; null when it did not, or when it refused what the next one may take. */
type Answer = SessionResult<unknown> | null;

/**
 * A client that lives outside of all nodes. It sends each command with its session's number to one node after the other,
 * sometimes to two at once, until one answers, through crashes, elections and changes of the membership: the log then has
 * the command more than once.
 */
export class RoamingClient {
  readonly #dice: Dice;
  #session: SessionId | null = null;
  #sequence = 0;
  #isActive = true;
  /** Whether an attempt at the current command may have brought it into the log. */
  #mayStandInLog = false;

  constructor(
    private readonly name: string,
    private readonly cluster: SimulatedCluster,
    private readonly machine: AnyMachine,
    private readonly history: MachineHistory,
  ) {
    this.#dice = new Dice(cluster.seed, name);
  }

  begin(): void {
    this.#live().catch((error: unknown) => this.cluster.fail(error));
  }

  end(): void {
    this.#isActive = false;
  }

  async #live(): Promise<void> {
    for (;;) {
      await this.#pause(this.cluster.plan.roamingGapMs);
      if (!this.#isActive) return;
      if (this.#session === null) await this.#open();
      else await this.#command(this.#session);
    }
  }

  async #open(): Promise<void> {
    const result = await this.#ask(() => ({ type: 'openSession', wallTime: this.cluster.clock.wallTime() }));
    if (result?.type !== 'opened') return;
    this.cluster.note(`${this.name} has session ${result.session}`);
    this.cluster.count('calls', 'roaming session opened');
    this.#session = result.session;
    this.#sequence = 0;
  }

  /** One command, once, however often it is sent. */
  async #command(session: SessionId): Promise<void> {
    const call = this.history.beginCommand(this.name, this.machine.nextCommand(this.#dice), 'roaming command');
    const sequence = (this.#sequence += 1);
    const build = (): SessionCommand<Tagged> => ({
      type: 'command',
      session,
      sequence,
      ackedThrough: sequence - 1,
      wallTime: this.cluster.clock.wallTime(),
      command: { id: call.id, command: call.command },
    });
    this.#mayStandInLog = false;
    for (let result = await this.#ask(build); ; result = await this.#ask(build)) {
      if (result !== null) {
        this.#conclude(call, result);
        // Its answer is not given up yet: whoever asks again gets the same.
        if (result.type === 'applied' && this.#dice.chance(0.1)) this.#compare(result, await this.#ask(build));
        return;
      }
      if (!this.#isActive) return; // the log tells at the end
      await this.#pause([1, 50]);
      this.cluster.count('checked', 'command sent again in its session');
    }
  }

  #conclude(call: CommandCall, result: SessionResult<unknown>): void {
    const { cluster, history } = this;
    if (result.type === 'applied') {
      cluster.count('calls', 'roaming command acknowledged');
      cluster.note(`${this.name} is told that command ${call.id} was applied at ${result.index}`);
      cluster.guard(() => history.acknowledged(call, result));
    } else if (result.type === 'refused' && result.reason === 'noSession') {
      cluster.count('calls', 'roaming command after its session');
      if (!this.#mayStandInLog) history.refused(call, 'the session is gone');
      this.#session = null;
    } else {
      cluster.fail(new Error(`${this.name} is answered ${JSON.stringify(result)} to command ${call.id}`));
    }
  }

  #compare(first: Answer & { readonly type: 'applied' }, again: Answer): void {
    if (again?.type !== 'applied') return;
    const [one, other] = [first, again].map((answer) => JSON.stringify(answer));
    if (one !== other) this.cluster.fail(new Error(`${this.name} is answered ${String(one)}, and when it asks again ${String(other)}`));
  }

  /** Sends it to a node, or to two, and waits for the first answer, but not for ever. */
  #ask(build: () => SessionCommand<Tagged>): Promise<Answer> {
    const runs = this.cluster.servers.flatMap(({ callable }) => callable ?? []);
    const asked = this.#dice.shuffled(runs).slice(0, this.#dice.chance(0.2) ? 2 : 1);
    const patienceMs = this.#dice.pick([20, 100, 1000]);
    return new Promise((resolve) => {
      let unanswered = asked.length;
      this.cluster.clock.schedule(patienceMs, () => {
        this.#mayStandInLog ||= unanswered > 0; // harmless after the answer
        resolve(null);
      });
      for (const run of asked) {
        const call = { name: 'session command' };
        run.calls.add(call);
        this.#mayStandInLog ||= asked.length > 1;
        run.node.propose(build(), { timeoutMs: patienceMs }).then(
          ({ value }) => {
            if (run.calls.delete(call)) resolve(value as SessionResult<unknown>);
          },
          (error: unknown) => {
            if (!run.calls.delete(call)) return;
            this.cluster.count('calls', `session command: ${nameOf(error)}`);
            if (!this.#isRefusal(error)) this.#mayStandInLog = true;
            unanswered -= 1;
            if (unanswered === 0) resolve(null);
          },
        );
      }
    });
  }

  #isRefusal(error: unknown): boolean {
    const isRefusal = [NotLeaderError, ProposalRejectedError, OverloadedError, TimeoutError, StoppedError].some((kind) => error instanceof kind);
    if (!isRefusal && !(error instanceof ProposalIndeterminateError)) this.cluster.fail(error);
    return isRefusal;
  }

  #pause(gapMs: readonly [number, number]): Promise<void> {
    return new Promise((resolve) => void this.cluster.clock.schedule(this.#dice.between(gapMs), resolve));
  }
}
