import type { Subscription } from 'rxjs';
import type { Clock } from '../../ports/clock.js';
import { NotLeaderError, OverloadedError, ProposalIndeterminateError, ProposalRejectedError, StoppedError, TimeoutError } from '../../ports/errors.js';
import { Interruption } from '../interruption.js';
import type { RaftNode, ServerMetrics } from '../raft-node.js';
import type { SessionCommand, SessionResult } from './commands.js';
import type { Limits } from './limits.js';

/** What a session needs of a node: any `RaftNode` whose machine is one of `withSessions` will do. */
export type SessionNode<C, R> = Pick<RaftNode<SessionCommand<C>, SessionResult<R>>, 'propose' | 'metrics' | 'serverMetrics'>;

export interface PersistentProposerParts<C, R> {
  readonly node: SessionNode<C, R>;
  readonly clock: Clock;
  /** How long the first attempt may take; each one after it, twice as long. */
  readonly attemptTimeoutMs: number;
  /** The node stopped or failed: nothing more can be proposed. */
  readonly onEnded: () => void;
}

/** A result, and whether an earlier attempt may have brought the command into the log as well. */
export interface Persisted<R> {
  readonly result: SessionResult<R>;
  readonly isUncertain: boolean;
}

const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 1_000;

/**
 * Proposes a command again and again until it is answered: after a refusal that may pass, a lost connection,
 * an attempt that takes too long, and at once when another leader is known. Fit only for commands that do no harm twice.
 */
export class PersistentProposer<C, R> {
  private readonly subscription: Subscription;
  /** Ends every attempt and every pause that is under way. */
  private readonly interrupts = new Set<() => void>();
  /** The last leader known, with its term. */
  private leader: string | null = null;
  /** Whether the node has stopped or failed. */
  hasEnded = false;

  constructor(private readonly parts: PersistentProposerParts<C, R>) {
    const end = (): void => this.end();
    this.subscription = parts.node.serverMetrics.subscribe({ next: (metrics) => this.follow(metrics), error: end, complete: end });
  }

  /**
   * @param build makes the command anew for each attempt, with the time of that moment.
   * @throws {TimeoutError} or the signal's reason, when no attempt can have taken effect; {ProposalIndeterminateError} when one may.
   * @throws what the node throws that trying again does not mend.
   */
  async propose(build: () => SessionCommand<C>, limits: Limits): Promise<Persisted<R>> {
    let uncertain: ProposalIndeterminateError | null = null;
    let cause: unknown;
    for (let retries = 0; ; retries += 1) {
      this.checkLimits(limits, uncertain, cause);
      const { leader } = this;
      try {
        return { result: await this.attempt(build(), this.parts.attemptTimeoutMs * 2 ** retries, limits), isUncertain: uncertain !== null };
      } catch (error) {
        cause = error;
        if (error instanceof ProposalIndeterminateError) uncertain = error;
        else if (limits.signal?.aborted !== true && !this.mayPass(error)) throw uncertain ?? error;
      }
      if (leader === this.leader) await this.pause(Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** retries), limits);
    }
  }

  /** Nothing is proposed any more; lets go of the node. */
  close(): void {
    this.subscription.unsubscribe();
    this.interruptAll();
  }

  private checkLimits({ deadline, timeoutMs, signal }: Limits, uncertain: Error | null, cause: unknown): void {
    if (signal?.aborted === true) throw uncertain === null ? (signal.reason as Error) : new ProposalIndeterminateError('aborted', { cause: signal.reason });
    if (this.parts.clock.now() < deadline) return;
    throw uncertain === null ? new TimeoutError('propose', timeoutMs, { cause }) : new ProposalIndeterminateError('timeout', { cause });
  }

  /** One attempt, which also ends when another leader is known: what is with the old one may never be answered. */
  private async attempt(command: SessionCommand<C>, timeoutMs: number, { deadline, signal }: Limits): Promise<SessionResult<R>> {
    const { node, clock } = this.parts;
    const interruption = new Interruption();
    const interrupt = (): void => interruption.abort(new NotLeaderError(null, null));
    const abort = (): void => interruption.abort(signal?.reason);
    this.interrupts.add(interrupt);
    signal?.addEventListener('abort', abort, { once: true });
    try {
      const { value } = await node.propose(command, { timeoutMs: Math.min(timeoutMs, deadline - clock.now()), signal: interruption });
      return value;
    } finally {
      this.interrupts.delete(interrupt);
      signal?.removeEventListener('abort', abort);
    }
  }

  private pause(ms: number, { deadline, signal }: Limits): Promise<void> {
    const remainingMs = deadline - this.parts.clock.now();
    if (this.hasEnded || signal?.aborted === true || remainingMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const resume = (): void => {
        cancel();
        this.interrupts.delete(resume);
        signal?.removeEventListener('abort', resume);
        resolve();
      };
      // At least 1 ms: a remainder that is rounding must not bring the next attempt before the deadline.
      const cancel = this.parts.clock.schedule(Math.max(1, Math.min(ms, remainingMs)), resume);
      this.interrupts.add(resume);
      signal?.addEventListener('abort', resume, { once: true });
    });
  }

  /** Whether the next attempt may fare better. A node that is stopping is asked until it has stopped, since another one's leader says the same. */
  private mayPass(error: unknown): boolean {
    if (error instanceof StoppedError) return !this.hasEnded && this.parts.node.metrics.value.runningState === 'running';
    return error instanceof NotLeaderError || error instanceof ProposalRejectedError || error instanceof OverloadedError || error instanceof TimeoutError;
  }

  private follow({ leaderId, term }: ServerMetrics): void {
    if (leaderId === null) return;
    const leader = `${leaderId} ${term}`;
    if (leader === this.leader) return;
    this.leader = leader;
    this.interruptAll();
  }

  private end(): void {
    this.hasEnded = true;
    this.interruptAll();
    this.parts.onEnded();
  }

  private interruptAll(): void {
    for (const interrupt of [...this.interrupts]) interrupt();
  }
}
