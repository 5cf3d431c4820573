import { ErrorsAcross } from '../../lib/isolate/errors-across.js';
import { OwnResult } from '../../lib/isolate/machine-proxy.js';
import type { ToApplication } from '../../lib/isolate/messages.js';
import { OwnProposal } from '../../lib/isolate/own-proposal.js';
import { ProposalAnswers } from '../../lib/isolate/proposal-answers.js';

describe('answers to the application\'s proposals', () => {
  let posted: ToApplication[];
  let answered: number[];
  let answers: ProposalAnswers;
  beforeEach(() => {
    posted = [];
    answered = [];
    answers = new ProposalAnswers({ post: (message) => posted.push(message), errors: new ErrorsAcross(false), onAnswered: (id) => answered.push(id) });
  });
  const own = new OwnResult(null);

  it('cross once the turn is over, in order, and as one where neighbours stand side by side in the log', async () => {
    answers.resolved(1, { index: 11, term: 1, value: own });
    answers.resolved(2, { index: 12, term: 1, value: own });
    answers.resolved(3, { index: 14, term: 1, value: own });
    answers.resolved(4, { index: 15, term: 2, value: own });
    answers.resolved(6, { index: 16, term: 2, value: own });
    answers.resolved(7, { index: 17, term: 2, value: Uint8Array.of(7) });
    answers.refused(8, new TypeError('no'));
    answers.resolved(9, { index: 18, term: 2, value: own });
    answers.resolved(10, { index: 19, term: 2, value: own });
    expect(posted).toEqual([]);
    await Promise.resolve();
    expect(posted).toEqual([
      { type: 'proposed', id: 1, count: 2, index: 11, term: 1 },
      { type: 'proposed', id: 3, count: 1, index: 14, term: 1 },
      { type: 'proposed', id: 4, count: 1, index: 15, term: 2 },
      { type: 'proposed', id: 6, count: 1, index: 16, term: 2 },
      { type: 'forwarded', id: 7, index: 17, term: 2, value: Uint8Array.of(7) },
      { type: 'refused', id: 8, error: expect.objectContaining({ name: 'TypeError', message: 'no' }) as unknown },
      { type: 'proposed', id: 9, count: 2, index: 18, term: 2 },
    ]);
    expect(answered).toEqual([1, 2, 3, 4, 6, 7, 8, 9, 10]);
  });

  it('of one turn don\'t join those of another', async () => {
    for (const id of [1, 2]) {
      answers.resolved(id, { index: id, term: 1, value: own });
      await Promise.resolve();
    }
    expect(posted).toHaveLength(2);
  });

  it('are given once for each: what comes later is dropped', async () => {
    const proposal = new OwnProposal(1, Uint8Array.of(1), 0, 10, answers);
    proposal.reject(new Error('timed out'));
    proposal.resolve({ index: 1, term: 1, value: own });
    proposal.reject(new Error('again'));
    await Promise.resolve();
    expect(posted).toMatchObject([{ type: 'refused', id: 1 }]);
    expect(proposal.isDone).toBe(true);
  });
});
