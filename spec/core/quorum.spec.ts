import fc from 'fast-check';
import { configurationOf, NO_CONFIGURATION, type Configuration } from '../../lib/core/configuration.js';
import { majorityOf, quorumReached, voteResult } from '../../lib/core/quorum.js';

const IDS = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];

const configuration: fc.Arbitrary<Configuration> = fc.record({
  voters: fc.subarray(IDS, { minLength: 1 }),
  votersOutgoing: fc.oneof(fc.constant<string[]>([]), fc.subarray(IDS, { minLength: 1 })),
  learners: fc.constant([]),
  nodes: fc.constant({}),
});

/** By definition: a set decides if it holds more than half of the voters, and of the outgoing ones if there are any. */
function decides({ voters, votersOutgoing }: Configuration, has: (id: string) => boolean): boolean {
  return [voters, votersOutgoing].every((half) => half.length === 0 || half.filter(has).length * 2 > half.length);
}

describe('quorums', () => {
  it('what a quorum reached is the largest value that a deciding set has', () => {
    fc.assert(
      fc.property(configuration, fc.array(fc.nat(9), { minLength: 7, maxLength: 7 }), (members, values) => {
        const valueOf = (id: string): number => values[IDS.indexOf(id)] ?? 0;
        const reached = [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].find((value) => decides(members, (id) => valueOf(id) >= value));
        expect(quorumReached(members, valueOf)).toBe(reached);
      }),
    );
  });

  it('an election is won once the granting set decides, and lost once it can’t any more', () => {
    const vote = fc.constantFrom(true, false, undefined);
    fc.assert(
      fc.property(configuration, fc.array(vote, { minLength: 7, maxLength: 7 }), (members, votes) => {
        const voteOf = (id: string): boolean | undefined => votes[IDS.indexOf(id)];
        const isWon = decides(members, (id) => voteOf(id) === true);
        const isOpen = decides(members, (id) => voteOf(id) !== false);
        expect(voteResult(members, voteOf)).toBe(isWon ? 'won' : isOpen ? 'pending' : 'lost');
      }),
    );
  });

  it('nobody decides for an empty configuration', () => {
    expect(quorumReached(NO_CONFIGURATION, () => 5)).toBe(0);
    expect(voteResult(NO_CONFIGURATION, () => true)).toBe('lost');
    expect(voteResult(NO_CONFIGURATION, () => undefined)).not.toBe('won');
  });

  it.each([[1, 1], [2, 2], [3, 2], [4, 3], [5, 3], [6, 4], [7, 4]])('of %i voters %i decide', (size, needed) => {
    expect(majorityOf(size)).toBe(needed);
  });

  it('does not count who is no voter', () => {
    const members = { ...configurationOf({ a: '', b: '', c: '' }), learners: ['d'] };
    expect(quorumReached(members, (id) => (id === 'd' || id === 'a' ? 9 : 1))).toBe(1);
    expect(voteResult(members, (id) => (id === 'd' || id === 'a' ? true : undefined))).toBe('pending');
  });
});
