import type { LogIndex } from '../../core/ids.js';

/** A command of the simulation: a number that occurs once in a run, and how many bytes it takes in the log. */
export interface JournalCommand {
  readonly id: number;
  readonly bytes: number;
}

/** Where a journal stands: the last index, how many commands, and a digest of all of them in order. */
export interface JournalState {
  readonly index: LogIndex;
  readonly count: number;
  readonly digest: number;
}

/** The state after one more command. */
export function after(state: JournalState, index: LogIndex, command: JournalCommand): JournalState {
  return { index, count: state.count + 1, digest: (Math.imul(state.digest, 31) + command.id) | 0 };
}

export const EMPTY: JournalState = Object.freeze({ index: 0, count: 0, digest: 0 });
