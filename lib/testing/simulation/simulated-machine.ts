import type { Codec } from '../../ports/codec.js';
import type { StateMachine } from '../../ports/state-machine.js';
import type { Model } from '../linearizability/model.js';
import type { Dice } from './dice.js';

/**
 * A state machine that `simulate` is to run on every node, and what its clients ask of it. Clients propose with and
 * without sessions, retry, and read; the simulation holds every answer against the log and against `model`.
 *
 * @example
 * const bank: SimulatedMachine<Transfer, Balance, Account, Balance> = {
 *   create: () => new Bank(),
 *   nextCommand: (dice) => ({ from: dice.pick(ACCOUNTS), to: dice.pick(ACCOUNTS), amount: dice.whole(1, 10) }),
 *   nextQuery: (dice) => dice.pick(ACCOUNTS),
 * };
 */
export interface SimulatedMachine<C, R, Q = never, A = never> {
  /** A machine that nothing has been applied to: one for each run of each node, and one that is replayed the log. */
  create(): StateMachine<C, R, Q, A>;
  /** A command that some client may send. Everything random about it must come from `dice`. */
  nextCommand(dice: Dice): C;
  /** The same for queries. Left out: nobody reads. */
  nextQuery?(dice: Dice): Q;
  /** Commands as bytes. Default: any plain data (MessagePack). */
  readonly commandCodec?: Codec<C>;
  /** Results, queries and answers as bytes, plain objects around them included. Equal bytes mean equal values. Default: any plain data. */
  readonly valueCodec?: Codec<unknown>;
  /** What the machine would answer if it did one call at a time: the history of all calls is held against it. Default: the log alone decides. */
  readonly model?: Model<unknown, C | Q, R | A>;
  /** What the report calls operations of this kind. Default: call. */
  kindOf?(operation: C | Q): string;
}

/** Any of them, where the types don't matter any more. */
export type AnyMachine = SimulatedMachine<unknown, unknown, unknown, unknown>;
