import type { Clock } from '../../ports/clock.js';
import { ProposalIndeterminateError, ProposalRejectedError, SessionExpiredError } from '../../ports/errors.js';
import type { Applied, CallOptions } from '../raft-node.js';
import type { SessionId, SessionRefusal } from './commands.js';
import { KeepAlive } from './keep-alive.js';
import { limitsFrom, within, type Limits } from './limits.js';
import type { Persisted, PersistentProposer } from './persistent-proposer.js';
import { SequenceWindow } from './sequence-window.js';

export interface ClientSessionParts<C, R> {
  readonly id: SessionId;
  readonly sessionTimeoutMs: number;
  readonly maxResultsPerSession: number;
  readonly maxWaiting: number;
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
  readonly proposer: PersistentProposer<C, R>;
}

/**
 * A client's session: every command is applied once, however often it has to be proposed. Made by `openSession`.
 *
 * Commands proposed side by side are first proposed in the order of the calls; after a failure that may not be
 * the order in which they are applied. Await one before the next where the order matters.
 */
export class ClientSession<C, R> {
  private standing: 'open' | 'expired' | 'closed' = 'open';
  private readonly window: SequenceWindow;
  private readonly keepAlive: KeepAlive;
  private closing: Promise<void> | null = null;
  private hasNodeEnded = false;

  constructor(private readonly parts: ClientSessionParts<C, R>) {
    const { clock, sessionTimeoutMs, maxResultsPerSession, maxWaiting } = parts;
    this.window = new SequenceWindow(maxResultsPerSession, maxWaiting);
    this.keepAlive = new KeepAlive({ clock, sessionTimeoutMs, send: (limits) => this.sendKeepAlive(limits) });
  }

  /** The log index of the entry that opened it. */
  get id(): SessionId {
    return this.parts.id;
  }

  /** As far as this client knows: `expired` and `closed` are final, and a session that is `open` here may have expired in the log. */
  get state(): 'open' | 'expired' | 'closed' {
    return this.standing;
  }

  /**
   * Replicates a command once; resolves with where it was applied and what it gave, the first time. Tries again
   * through changes of leader, lost connections and time-outs until its own time is up (`requestTimeoutMs`
   * unless given). Waits its turn when `maxResultsPerSession` commands are under way.
   *
   * @throws {SessionExpiredError} it did not take effect: open a new session.
   * @throws {ProposalIndeterminateError} its time is up, its signal aborted, the session expired or the node
   *   ended, and it may have taken effect once, or may yet.
   * @throws {TimeoutError | OverloadedError | StoppedError} it did not. The signal's reason, likewise.
   */
  async propose(command: C, options: CallOptions = {}): Promise<Applied<R>> {
    const { id, clock, proposer } = this.parts;
    const limits = limitsFrom(options, this.parts.requestTimeoutMs, clock);
    if (this.standing !== 'open') throw new SessionExpiredError(id, this.standing);
    const sequence = this.window.take() ?? (await this.waitForSequence(limits));
    let builtAt = clock.now();
    try {
      const persisted = await proposer.propose(() => {
        builtAt = clock.now();
        return { type: 'command', session: id, sequence, ackedThrough: this.window.ackedThrough, wallTime: clock.wallTime(), command };
      }, limits);
      const applied = this.appliedFrom(persisted);
      this.keepAlive.noteActive(builtAt);
      return applied;
    } finally {
      this.window.settle(sequence);
    }
  }

  /**
   * Takes no more commands, waits for those under way (each ends by its own limits), and gives the session up in
   * the log. Rejects when that can't be had in time; the session then expires by itself. A second call returns the same promise.
   * @throws {TimeoutError} or the signal's reason.
   */
  close(options: CallOptions = {}): Promise<void> {
    this.closing ??= this.finish(options);
    return this.closing;
  }

  /** The node beneath has ended: nothing is sent any more. */
  handleNodeEnd(): void {
    this.hasNodeEnded = true;
    this.keepAlive.stop();
  }

  private async finish(options: CallOptions): Promise<void> {
    const { id, clock, proposer } = this.parts;
    const wasOpen = this.standing === 'open';
    if (wasOpen) this.standing = 'closed';
    try {
      const limits = limitsFrom(options, this.parts.requestTimeoutMs, clock);
      await within(this.window.whenIdle(), limits, clock, 'close');
      if (wasOpen && !this.hasNodeEnded) await proposer.propose(() => ({ type: 'closeSession', session: id, wallTime: clock.wallTime() }), limits);
    } finally {
      this.keepAlive.stop();
      // Commands that are under way still, when the time was too short, must learn of new leaders and of the node's end.
      void this.window.whenIdle().then(() => proposer.close());
    }
  }

  private async waitForSequence(limits: Limits): Promise<number> {
    const { sequence, cancel } = this.window.wait();
    try {
      return await within(sequence, limits, this.parts.clock, 'propose');
    } catch (error) {
      cancel();
      throw error;
    }
  }

  private async sendKeepAlive(limits: Limits): Promise<void> {
    const { id, clock, proposer } = this.parts;
    const { result } = await proposer.propose(() => ({ type: 'keepAlive', session: id, ackedThrough: this.window.ackedThrough, wallTime: clock.wallTime() }), limits);
    if (result.type === 'refused') this.expire();
  }

  private appliedFrom({ result, isUncertain }: Persisted<R>): Applied<R> {
    if (result.type === 'applied') return { index: result.index, term: result.term, value: result.value };
    if (result.type !== 'refused') throw new ProposalRejectedError(`the answer to a command was '${result.type}'`);
    throw this.errorOf(result.reason, isUncertain);
  }

  /** A refusal speaks of the last attempt; an earlier one may have taken effect. */
  private errorOf(reason: SessionRefusal, isUncertain: boolean): Error {
    if (reason === 'resultLost') return new ProposalIndeterminateError('resultLost');
    if (reason !== 'noSession') return new ProposalRejectedError(reason);
    this.expire();
    const error = new SessionExpiredError(this.id);
    return isUncertain ? new ProposalIndeterminateError('sessionExpired', { cause: error }) : error;
  }

  private expire(): void {
    if (this.standing === 'open') this.standing = 'expired';
    this.keepAlive.stop();
    this.window.refuseAll(new SessionExpiredError(this.id));
  }
}
