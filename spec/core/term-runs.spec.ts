import { TermRuns } from '../../lib/core/term-runs.js';

/** Terms 1 1 1 3 3 4 at indexes 1 to 6. */
function runs(): TermRuns {
  const terms = new TermRuns();
  [1, 1, 1, 3, 3, 4].forEach((term, i) => terms.push(i + 1, term));
  return terms;
}

const at = (terms: TermRuns, through = 6): (number | undefined)[] => Array.from({ length: through }, (_, i) => terms.at(i + 1));

describe('TermRuns', () => {
  it('knows the term of every index, and where its run begins', () => {
    expect(at(runs())).toEqual([1, 1, 1, 3, 3, 4]);
    expect([1, 3, 4, 5, 6].map((index) => runs().firstOfRun(index))).toEqual([1, 1, 4, 4, 6]);
    expect([runs().at(0), runs().firstOfRun(0), new TermRuns().at(1)]).toEqual([undefined, undefined, undefined]);
  });

  it.each([
    [6, [1, 1, 1, 3, 3, 4]],
    [5, [1, 1, 1, 3, 3]],
    [4, [1, 1, 1, 3]],
    [3, [1, 1, 1]],
    [0, []],
  ])('cut after %i, it goes on with a new term', (index, left) => {
    const terms = runs();
    terms.truncateAfter(index);
    terms.push(index + 1, 9);
    expect(at(terms, index + 1)).toEqual([...left, 9]);
  });

  it.each([
    [1, [undefined, 1, 1, 3, 3, 4], 2],
    [3, [undefined, undefined, undefined, 3, 3, 4], 4],
    [4, [undefined, undefined, undefined, undefined, 3, 4], 5],
    [5, [undefined, undefined, undefined, undefined, undefined, 4], 6],
  ])('forgets through %i', (index, left, first) => {
    const terms = runs();
    terms.dropThrough(index);
    expect(at(terms)).toEqual(left);
    expect(terms.firstOfRun(first)).toBe(first);
  });
});
