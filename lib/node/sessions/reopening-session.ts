import type { Clock } from '../../ports/clock.js';
import { SessionExpiredError, TimeoutError } from '../../ports/errors.js';
import type { Applied, CallOptions } from '../raft-node.js';
import type { ClientSession } from './client-session.js';
import { limitsFrom, within } from './limits.js';
import { openSession, type OpenSessionOptions } from './open-session.js';
import type { SessionNode } from './persistent-proposer.js';

/**
 * A session that is opened for the first command and anew when it has expired. The rule: a command that an expired
 * session refused did not take effect, so it is proposed in the new one; a command of which that can't be known
 * (an earlier attempt may have been applied) rejects with ProposalIndeterminateError.
 */
export class ReopeningSession<C, R> {
  private current: Promise<ClientSession<C, R>> | null = null;
  private readonly clock: Clock;
  private readonly requestTimeoutMs: number;

  constructor(
    private readonly node: SessionNode<C, R>,
    private readonly options: Omit<OpenSessionOptions, keyof CallOptions> & { readonly clock: Clock; readonly requestTimeoutMs: number },
  ) {
    this.clock = options.clock;
    this.requestTimeoutMs = options.requestTimeoutMs;
  }

  /**
   * Replicates a command once.
   * @throws what `ClientSession.propose` throws, but for SessionExpiredError.
   */
  async propose(command: C, options: CallOptions = {}): Promise<Applied<R>> {
    const { clock } = this;
    const { signal } = options;
    const limits = limitsFrom(options, this.requestTimeoutMs, clock);
    for (;;) {
      const opening = this.session();
      try {
        const session = await within(opening, limits, clock, 'propose');
        const remainingMs = limits.deadline - clock.now();
        if (remainingMs <= 0) throw new TimeoutError('propose', limits.timeoutMs);
        return await session.propose(command, { timeoutMs: remainingMs, ...(signal === undefined ? {} : { signal }) });
      } catch (error) {
        if (error instanceof SessionExpiredError) this.forget(opening);
        // Opening has a limit of its own, which may be the shorter one.
        else if (!(error instanceof TimeoutError) || limits.deadline - clock.now() < 1) throw error;
      }
    }
  }

  /** Closes the session, if there is one, within limits. A later command would open another. */
  async close(options: CallOptions = {}): Promise<void> {
    const opening = this.current;
    this.current = null;
    if (opening !== null) await (await opening).close(options);
  }

  /** The session there is, or one that is being opened for everyone who comes meanwhile. */
  private session(): Promise<ClientSession<C, R>> {
    if (this.current !== null) return this.current;
    const opening = openSession(this.node, this.options);
    this.current = opening;
    opening.catch(() => this.forget(opening)); // whoever waits for it learns why
    return opening;
  }

  private forget(opening: Promise<unknown>): void {
    if (this.current === opening) this.current = null;
  }
}
