import { ErrorsAcross } from '../../lib/isolate/errors-across.js';
import { OwnCommands } from '../../lib/isolate/own-commands.js';
import { OwnProposal } from '../../lib/isolate/own-proposal.js';
import { ProposalAnswers } from '../../lib/isolate/proposal-answers.js';
import type { Committed } from '../../lib/ports/state-machine.js';
import { defined } from '../support/defined.js';

describe('own commands', () => {
  const answers = new ProposalAnswers({ post: () => undefined, errors: new ErrorsAcross(false), onAnswered: () => undefined });
  const propose = (own: OwnCommands, ...ids: readonly number[]): OwnProposal[] =>
    ids.map((id) => {
      const proposal = new OwnProposal(id, Uint8Array.of(id), 0, 1000, answers);
      own.add(proposal);
      return proposal;
    });
  const at = (index: number, command: Uint8Array, term = 1): Committed<Uint8Array> => ({ index, term, command });

  it('cross by their numbers, neighbours as one, and those of others by their bytes', () => {
    const own = new OwnCommands();
    const [one, two, three, four, seven] = propose(own, 1, 2, 3, 4, 7).map(({ payload }) => payload) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];
    const foreign = at(13, Uint8Array.of(9));
    expect(own.runsOf([at(10, one), at(11, two), at(12, three, 2), foreign, at(14, four, 2), at(15, seven, 2)])).toEqual([
      { index: 10, term: 1, id: 1, count: 2 },
      { index: 12, term: 2, id: 3, count: 1 },
      foreign,
      { index: 14, term: 2, id: 4, count: 1 },
      { index: 15, term: 2, id: 7, count: 1 },
    ]);
  });

  it('that were read back from disk, are answered already, or stand behind one that waits elsewhere, cross by their bytes', () => {
    const own = new OwnCommands();
    const [one, two, three] = propose(own, 1, 2, 3) as [OwnProposal, OwnProposal, OwnProposal];
    const copy = at(1, one.payload.slice());
    const behind = at(2, two.payload);
    expect(own.runsOf([copy, behind])).toEqual([copy, behind]);
    one.reject(new Error('forwarded, and refused'));
    two.reject(new Error('timed out'));
    const late = at(2, two.payload);
    expect(own.runsOf([late, at(3, three.payload)])).toEqual([late, { index: 3, term: 1, id: 3, count: 1 }]);
  });

  it('are recognised behind thousands that came and went', () => {
    const own = new OwnCommands();
    const [first] = propose(own, 1);
    for (let id = 2; id < 10_000; id += 1) propose(own, id).forEach((proposal) => proposal.reject(new Error('no')));
    const [last] = propose(own, 10_000);
    expect(own.runsOf([at(1, defined(first).payload), at(2, defined(last).payload)])).toEqual([
      { index: 1, term: 1, id: 1, count: 1 },
      { index: 2, term: 1, id: 10_000, count: 1 },
    ]);
  });
});
