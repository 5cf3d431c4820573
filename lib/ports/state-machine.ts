import type { Observable } from 'rxjs';
import type { EventBodies } from '../core/events.js';
import type { LogIndex, Term } from '../core/ids.js';

/** A committed command with its place in the log. */
export interface Committed<C> {
  readonly index: LogIndex;
  readonly term: Term;
  readonly command: C;
}

type NoticeKind = 'SessionOpened' | 'SessionExpired' | 'SessionClosed';

/** What applying an entry brought about that is an event of the node. */
export type MachineNotice = { [K in NoticeKind]: { readonly type: K } & EventBodies[K] }[NoticeKind];

/**
 * The application's half: what the log's commands do. Must be deterministic: the same commands in the same
 * order give the same results and the same state on every node, whatever the clock, the machine or chance.
 *
 * `C` is the command, `R` the result of applying one, `Q` a query, `A` a query's answer.
 */
export interface StateMachine<C, R, Q = never, A = never> {
  /**
   * Applies commands in log order and returns one result for each, in the same order. Called with the next
   * batch only after the last one ended. An exception is fatal to the node: a state machine that may
   * refuse a command returns the refusal as its result.
   */
  apply(batch: readonly Committed<C>[]): readonly R[] | Promise<readonly R[]>;
  /** Answers a query from the current state without changing it. */
  query?(query: Q): A | Promise<A>;
  /** The whole state as bytes, as of the moment of the call: later commands must not show in it. */
  snapshot(): AsyncIterable<Uint8Array>;
  /** Replaces the whole state by what `snapshot` wrote. */
  restore(chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** Back to the initial state; called once before `restore` or the first `apply` of a run, so that a machine may be restarted. */
  reset(): void | Promise<void>;
  /** Emits during `apply` what the node is to report among its own events. Never errors or ends. */
  readonly notices?: Observable<MachineNotice>;
}
