import type { Clock } from '../../ports/clock.js';
import { ConfigError, ProposalIndeterminateError, ProposalRejectedError, StoppedError, TimeoutError } from '../../ports/errors.js';
import { DEFAULT_LIMITS } from '../options.js';
import type { CallOptions } from '../raft-node.js';
import { systemClock } from '../system-clock.js';
import { ClientSession } from './client-session.js';
import { limitsFrom } from './limits.js';
import { PersistentProposer, type SessionNode } from './persistent-proposer.js';

/** What limits opening, and what is said to the session for the commands to come. */
export interface OpenSessionOptions extends CallOptions {
  /** How long a command may take when its call does not say, ms. Default 10 000. */
  readonly requestTimeoutMs?: number;
  /** How long the first attempt at a command may take before it is proposed again, ms; each one after it twice as long. Default 1 000. */
  readonly attemptTimeoutMs?: number;
  /** Commands that may wait while `maxResultsPerSession` are under way; beyond it `propose` rejects with OverloadedError. Default 100 000. */
  readonly maxWaiting?: number;
  /** The node's clock. Default: the machine's. */
  readonly clock?: Clock;
}

/**
 * Opens a session with the cluster through one of its nodes, which must run a machine of `withSessions`. While
 * it is open it keeps itself alive, with one small command for every third of `sessionTimeoutMs` that it is idle.
 *
 * Opening is not exactly-once: one that was cut short may leave a session behind, which expires by itself.
 *
 * @throws {TimeoutError | StoppedError} or the signal's reason. {ConfigError} when an option is out of range.
 * @example
 * const session = await openSession(node);
 * await session.propose({ type: 'deposit', amount: 5 });
 * await session.close();
 */
export async function openSession<C, R>(node: SessionNode<C, R>, options: OpenSessionOptions = {}): Promise<ClientSession<C, R>> {
  const { clock = systemClock, requestTimeoutMs = DEFAULT_LIMITS.requestTimeoutMs, attemptTimeoutMs = 1_000, maxWaiting = 100_000 } = options;
  checkOptions({ requestTimeoutMs, attemptTimeoutMs, maxWaiting });
  const limits = limitsFrom(options, requestTimeoutMs, clock);
  let handleNodeEnd = (): void => undefined;
  const proposer = new PersistentProposer<C, R>({ node, clock, attemptTimeoutMs, onEnded: () => handleNodeEnd() });
  try {
    const { result } = await proposer.propose(() => ({ type: 'openSession', wallTime: clock.wallTime() }), limits);
    if (result.type !== 'opened') throw new ProposalRejectedError(`the answer to openSession was '${result.type}'`);
    const { session: id, sessionTimeoutMs, maxResultsPerSession } = result;
    const session = new ClientSession<C, R>({ id, sessionTimeoutMs, maxResultsPerSession, maxWaiting, requestTimeoutMs, clock, proposer });
    handleNodeEnd = () => session.handleNodeEnd();
    if (proposer.hasEnded) handleNodeEnd();
    return session;
  } catch (error) {
    proposer.close();
    // A session that nobody has the id of has no effect, whether it was opened or not.
    if (error instanceof ProposalIndeterminateError && error.reason === 'aborted') throw error.cause as Error;
    if (error instanceof ProposalIndeterminateError && error.reason === 'timeout') throw new TimeoutError('openSession', limits.timeoutMs, { cause: error });
    if (error instanceof ProposalIndeterminateError) throw new StoppedError(node.metrics.value.runningState); // nothing else ends the trying
    throw error;
  }
}

function checkOptions(options: Readonly<Record<string, number>>): void {
  const problems = Object.entries(options)
    .filter(([option, value]) => !(option === 'maxWaiting' ? value >= 0 : value > 0))
    .map(([option, value]) => ({ option, value, allowed: option === 'maxWaiting' ? 'a number of at least 0' : 'a number above 0' }));
  if (problems.length > 0) throw new ConfigError(problems);
}
