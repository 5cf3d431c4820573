import type { LogIndex } from '../../core/ids.js';
import { NotLeaderError, OverloadedError, ProposalIndeterminateError, ProposalRejectedError, SessionExpiredError, StoppedError, TimeoutError } from '../../ports/errors.js';
import type { Dice } from './dice.js';
import type { ServerRun, SimulatedServer } from './server.js';

/** One call to come: whom it asks, how long it waits, and where its chance comes from. */
export interface Caller {
  readonly server: SimulatedServer;
  readonly run: ServerRun;
  readonly timeoutMs: number;
  readonly dice: Dice;
}

/** How clients call what the cluster replicates, and what they make of the answers. */
export interface Callers {
  /** One proposal; calls back with its index once it is acknowledged. */
  propose(caller: Caller, onAcknowledged?: (index: LogIndex) => void): void;
  /** One command, in one of the ways in which clients send them. */
  write(caller: Caller): void;
  read(caller: Caller): void;
  /** Whoever calls of their own accord begins, and ends. */
  begin(): void;
  end(): void;
  /** When every node has stopped: checks what can be told only then. */
  check(): Promise<void>;
}

/** Whether the error says that nothing has happened and nothing will. */
export function isRefusal(error: unknown): boolean {
  return [NotLeaderError, ProposalRejectedError, OverloadedError, TimeoutError, StoppedError, SessionExpiredError].some((kind) => error instanceof kind);
}

export function nameOf(error: unknown): string {
  if (error instanceof ProposalIndeterminateError) return `${error.name} (${error.reason})`;
  return error instanceof Error ? error.name : String(error);
}
