import type { LogIndex, Term } from '../../core/ids.js';

/** A session's name: the index of the entry that opened it, so that no two of a cluster are alike. */
export type SessionId = LogIndex;

/**
 * What a machine with sessions takes as commands. `wallTime` is the proposer's, ms since 1970: replicated time
 * is the greatest that the log has shown so far.
 */
export type SessionCommand<C> =
  | { readonly type: 'openSession'; readonly wallTime: number }
  | {
      readonly type: 'command';
      readonly session: SessionId;
      /** The client's own number for the command, from 1; a retry carries the same one. */
      readonly sequence: number;
      /** The client asks for the results of sequences through this one no more: they may be forgotten. */
      readonly ackedThrough: number;
      readonly wallTime: number;
      readonly command: C;
    }
  | { readonly type: 'keepAlive'; readonly session: SessionId; readonly ackedThrough: number; readonly wallTime: number }
  | { readonly type: 'closeSession'; readonly session: SessionId; readonly wallTime: number }
  /** Without a session: applied as often as it is in the log. */
  | { readonly type: 'plain'; readonly command: C };

/** What a session command came to. */
export type SessionResult<R> =
  | {
      readonly type: 'opened';
      readonly session: SessionId;
      readonly sessionTimeoutMs: number;
      /** How far a command's sequence may be ahead of `ackedThrough`. */
      readonly maxResultsPerSession: number;
    }
  /** Where the command was applied first, and what it gave then. */
  | { readonly type: 'applied'; readonly index: LogIndex; readonly term: Term; readonly value: R }
  | { readonly type: 'kept' }
  | { readonly type: 'closed' }
  | { readonly type: 'refused'; readonly reason: SessionRefusal };

/**
 * Why a command was not applied: its session is not there (expired, closed, never opened); its result was
 * acknowledged and forgotten; its sequence is too far ahead of what is acknowledged; it is no session command.
 * `resultLost` alone is said of a command that was applied: its result could not be encoded, so a retry can't have it.
 */
export type SessionRefusal = 'noSession' | 'acknowledged' | 'beyondWindow' | 'malformed' | 'resultLost';

/** Whether a decoded value is a session command. Depends on nothing but the value: every node refuses the same ones. */
export function isSessionCommand(value: unknown): value is SessionCommand<unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const command = value as Readonly<Record<string, unknown>>;
  switch (command['type'] as SessionCommand<unknown>['type']) {
    case 'openSession':
      return isTime(command['wallTime']);
    case 'command':
      return isCount(command['session']) && isCount(command['sequence']) && command['sequence'] !== 0 && isCount(command['ackedThrough']) && isTime(command['wallTime']) && 'command' in command;
    case 'keepAlive':
      return isCount(command['session']) && isCount(command['ackedThrough']) && isTime(command['wallTime']);
    case 'closeSession':
      return isCount(command['session']) && isTime(command['wallTime']);
    case 'plain':
      return 'command' in command;
    default:
      return false;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
