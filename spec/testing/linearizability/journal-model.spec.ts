import { checkLinearizable, History, journalModel, type JournalOperation } from '../../../lib/testing/linearizability/index.js';
import { after, EMPTY, type JournalState } from '../../../lib/testing/simulation/journal-state.js';

const append = (id: number): JournalOperation => ({ type: 'append', id, bytes: 8 });
const read: JournalOperation = { type: 'read' };

/** The state after these commands, each at the index that it names. */
function journal(...commands: readonly (readonly [index: number, id: number])[]): JournalState {
  return commands.reduce((state, [index, id]) => after(state, index, { id, bytes: 8 }), EMPTY);
}

describe('the journal model', () => {
  it('allows concurrent appends in the order that their results tell', () => {
    const history = new History<JournalOperation, JournalState>();
    const [first, second] = [history.begin('a', append(1)), history.begin('b', append(2))];
    first.done(journal([2, 2], [3, 1]));
    second.done(journal([2, 2]));
    history.begin('c', read).done(journal([2, 2], [3, 1]));
    expect(checkLinearizable(journalModel, history.calls).type).toBe('linearizable');
  });

  it('allows an open append that shows in a later result, and one that never does', () => {
    const history = new History<JournalOperation, JournalState>();
    history.begin('a', append(1)).unknown();
    history.begin('b', append(2)).unknown();
    history.begin('c', read).done(EMPTY);
    history.begin('c', append(3)).done(journal([4, 2], [7, 3]));
    expect(checkLinearizable(journalModel, history.calls).type).toBe('linearizable');
  });

  it('allows an append whose answer was lost, and which the log has', () => {
    const history = new History<JournalOperation, JournalState>();
    const lost = history.begin('a', append(1));
    history.begin('b', append(2)).done(journal([2, 2]));
    lost.happened(journal([2, 2], [5, 1]));
    history.begin('c', read).done(journal([2, 2]));
    expect(checkLinearizable(journalModel, history.calls).type).toBe('linearizable');
  });

  const bad: readonly (readonly [name: string, results: readonly (readonly [JournalOperation, JournalState])[]])[] = [
    ['a command that is lost', [[append(1), journal([2, 1])], [append(2), journal([3, 2])]]],
    ['a command that is done twice', [[append(1), journal([2, 1])], [append(2), journal([2, 1], [3, 1], [4, 2])]]],
    ['commands out of order', [[append(1), journal([2, 1])], [append(2), journal([3, 2], [4, 1])]]],
    ['an index that goes backwards', [[append(1), journal([5, 1])], [append(2), { ...journal([5, 1], [6, 2]), index: 4 }]]],
    ['a stale read', [[append(1), journal([2, 1])], [read, EMPTY]]],
    ['a read as of an index that no command has', [[append(1), journal([2, 1])], [read, { ...journal([2, 1]), index: 3 }]]],
  ];

  it.each(bad)('forbids %s', (_, results) => {
    const history = new History<JournalOperation, JournalState>();
    for (const [operation, result] of results) history.begin('a', operation).done(result);
    const verdict = checkLinearizable(journalModel, history.calls);
    expect(verdict.type).toBe('not linearizable');
    expect(verdict.text).toContain('fits nowhere');
  });
});
