import { after, EMPTY, type JournalState } from '../simulation/journal-state.js';
import type { Model } from './model.js';

/** A call of a journal, the machine of the simulation: commands are appended, and reads tell where it stands. */
export type JournalOperation = { readonly type: 'append'; readonly id: number; readonly bytes: number } | { readonly type: 'read' };

/** What is known of a journal. */
export interface KnownJournal extends JournalState {
  /** Whether `index` is that of the last command, or only below it. */
  readonly isExact: boolean;
}

/**
 * A journal: every result is the state after the command, every answer the state as it is. Since a result counts and
 * digests all commands before it, this model finds any that is lost, repeated or out of order.
 *
 * Open appends can't be told apart from the results alone but by trying them: where the log tells what became of them,
 * end them with `happened` or `failed`.
 */
export const journalModel: Model<KnownJournal, JournalOperation, JournalState> = Object.freeze({
  initial: Object.freeze({ ...EMPTY, isExact: true }),
  step(state, operation, result) {
    if (operation.type === 'read') return isSame(state, result) ? known(state, result) : undefined;
    const next = after(state, result.index, operation);
    return result.index > state.index && isSame(next, result) ? { ...next, isExact: true } : undefined;
  },
  stepOpen: (state, operation) => (operation.type === 'read' ? undefined : { ...after(state, state.index, operation), isExact: false }),
  identify: ({ index, count, digest, isExact }) => `${index},${count},${digest},${isExact}`,
  isRead: ({ type }) => type === 'read',
  isStillPossible: (state, operation, { index, count }) => (operation.type === 'append' ? count > state.count && index > state.index : count >= state.count && index >= state.index),
  words: {
    operation: (operation) => (operation.type === 'append' ? `append ${operation.id}` : 'read'),
    result: text,
    state: (state) => `${text(state)}${state.isExact ? '' : ' or later'}`,
    needs: (operation, { index, count }) => (operation.type === 'append' ? `${count - 1} commands that give its digest, all below ${index}` : `just the ${count} commands of its digest`),
  },
} satisfies Model<KnownJournal, JournalOperation, JournalState>);

/** Whether both hold the same commands. */
function isSame(a: JournalState, b: JournalState): boolean {
  return a.count === b.count && a.digest === b.digest;
}

/** The state once its index has been told; undefined when it can't be that one. */
function known(state: KnownJournal, { index, count, digest }: JournalState): KnownJournal | undefined {
  if (state.isExact) return state.index === index ? state : undefined;
  return index > state.index ? { index, count, digest, isExact: true } : undefined;
}

function text({ index, count, digest }: JournalState): string {
  return `${count} commands through ${index} (${(digest >>> 0).toString(16)})`;
}
