import type { Configuration } from '../core/configuration.js';
import type { LogIndex, NodeId } from '../core/ids.js';

/** The base of every error that rxraft throws on purpose. */
export abstract class RaftError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Thrown when a command or read needs the leader and this node is not it (or can't show that it is). Retry at `leaderId`. */
export class NotLeaderError extends RaftError {
  constructor(
    readonly leaderId: NodeId | null,
    readonly leaderAddress: string | null,
  ) {
    super(leaderId === null ? 'no leader is known at the moment; retry shortly' : `this node is not the leader; ask ${leaderId}${leaderAddress ? ` at ${leaderAddress}` : ''}`);
  }
}

/** Thrown when a proposal was handed on and it can't be known whether it commits. It may still take effect: retry only what is idempotent. */
export class ProposalIndeterminateError extends RaftError {
  constructor(
    readonly reason: 'timeout' | 'aborted' | 'stopped' | 'fatalError' | 'connectionLost' | 'leadershipLost' | 'sessionExpired' | 'resultLost',
    options?: ErrorOptions,
  ) {
    super(`the proposal may or may not take effect (${reason}); read before you retry what is not idempotent`, options);
  }
}

/** Thrown when a proposal provably did not and will not commit. It is safe to retry. */
export class ProposalRejectedError extends RaftError {
  constructor(readonly reason: string) {
    super(`the proposal did not take effect (${reason}); it is safe to retry`);
  }
}

/** Thrown when a command's session has expired, was closed or never was. The command did not take effect: open a new session and propose it there. */
export class SessionExpiredError extends RaftError {
  constructor(
    readonly session: LogIndex,
    readonly reason: 'expired' | 'closed' = 'expired',
  ) {
    super(`session ${session} has ${reason === 'closed' ? 'been closed' : 'expired'}; the command did not take effect, open a new session to propose it`);
  }
}

/** Thrown when a replicated store's reducer threw on an action: it is in the log, and no node's state changed by it. */
export class ActionRefusedError extends RaftError {
  constructor(readonly reason: string) {
    super(`the reducer refused the action: ${reason}`);
  }
}

/** Thrown when a bound on waiting work is reached. Nothing happened; retry later or send less. */
export class OverloadedError extends RaftError {
  constructor(
    readonly resource: string,
    readonly limit: number,
  ) {
    super(`${resource} is at its bound of ${limit}; retry later or raise the bound`);
  }
}

/** Thrown when a wait ended by its own limit and nothing took effect because of it. */
export class TimeoutError extends RaftError {
  constructor(
    readonly operation: string,
    readonly timeoutMs: number,
    options?: ErrorOptions,
  ) {
    super(`${operation} did not finish within ${timeoutMs} ms`, options);
  }
}

/** Thrown when the node is not running (not started, stopping, stopped or failed). */
export class StoppedError extends RaftError {
  constructor(readonly state: string) {
    super(`the node is ${state}; only a running node takes commands and reads`);
  }
}

/** Thrown when the storage can't do what it must. The store is poisoned: stop the node, mend the cause, start again. */
export class StorageError extends RaftError {
  constructor(
    readonly operation: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${operation}: ${message}`, options);
  }
}

/** Thrown when acknowledged data can't be read back. Nothing is skipped or repaired: restore the directory, or rejoin with an empty one. */
export class CorruptLogError extends RaftError {
  constructor(
    readonly where: string,
    readonly index: LogIndex | null,
    message: string,
  ) {
    super(`${where}${index === null ? '' : ` at index ${index}`}: ${message}`);
  }
}

/** One thing that is wrong with the options. */
export interface ConfigProblem {
  readonly option: string;
  readonly value: unknown;
  readonly allowed: string;
}

/** Thrown when options are wrong; lists every problem at once. */
export class ConfigError extends RaftError {
  constructor(readonly problems: readonly ConfigProblem[]) {
    super(`invalid options:\n${problems.map((p) => `  ${p.option} is ${show(p.value)}; allowed: ${p.allowed}`).join('\n')}`);
  }
}

/**
 * Thrown when a membership change is refused, or when its end is not known; `outcome` says which. `current` is the
 * configuration in force.
 *
 * - `refused`: nothing was appended and nothing will be. Mend what `reason` says, then ask again.
 * - `indeterminate`: the wait ended first (by time, by a lost leadership, by the node's own end). The change may be in the
 *   log and may still take effect: look at the membership before you ask again, or name `expected`.
 */
export class MembershipChangeError extends RaftError {
  constructor(
    readonly reason: string,
    readonly current: Configuration,
    readonly outcome: 'refused' | 'indeterminate' = 'refused',
  ) {
    super(outcome === 'refused' ? `membership change refused: ${reason}` : `the membership change may or may not take effect: ${reason}`);
  }
}

/**
 * Thrown when leadership was not handed over as asked. `refused`: nothing was begun. `aborted`, `timedOut`: it came to an end
 * without the target as leader; this node leads on, or someone else does, and a target that was told late may lead yet.
 */
export class TransferError extends RaftError {
  constructor(
    readonly outcome: 'refused' | 'aborted' | 'timedOut',
    readonly reason: string,
  ) {
    super(`leadership was not transferred (${reason === '' ? outcome : reason})`);
  }
}

/** Thrown (and raised as a FatalErrorRaised event) when the node itself can't go on. */
export class FatalError extends RaftError {
  constructor(
    readonly operation: string,
    options: ErrorOptions,
  ) {
    super(`${operation} failed; the node has stopped and acknowledges nothing more: ${options.cause instanceof Error ? options.cause.message : String(options.cause)}`, options);
  }
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? `an array of ${value.length}` : 'an object';
  return String(value);
}
