import { Rounds } from '../../lib/core/rounds.js';

function started(...times: number[]): Rounds {
  const rounds = new Rounds();
  for (const now of times) rounds.start(now);
  return rounds;
}

describe('Rounds', () => {
  it('numbers rounds from 1 and knows when each began', () => {
    const rounds = started(10, 20, 30);
    expect(rounds.current).toBe(3);
    expect([0, 1, 2, 3, 4].map((round) => rounds.startOf(round))).toEqual([undefined, 10, 20, 30, undefined]);
  });

  it('the newest acknowledged round proves leadership at its own beginning, not later', () => {
    const rounds = started(10, 20, 30);
    expect(rounds.acknowledge(2)).toBe(true);
    expect([rounds.quorum, rounds.quorumSince]).toEqual([2, 20]);
    rounds.start(40);
    expect(rounds.startOf(4)).toBe(40);
    expect(rounds.acknowledge(4)).toBe(true);
    expect([rounds.quorum, rounds.quorumSince]).toEqual([4, 40]);
  });

  it.each([0, 1, 2, 9])('round %i is no news after round 2 of 3', (round) => {
    const rounds = started(10, 20, 30);
    rounds.acknowledge(2);
    expect(rounds.acknowledge(round)).toBe(false);
    expect([rounds.quorum, rounds.quorumSince]).toEqual([2, 20]);
  });

  it('forgets what is older than the newest acknowledged round', () => {
    const rounds = started(10, 20, 30);
    rounds.acknowledge(3);
    expect([1, 2, 3].map((round) => rounds.startOf(round))).toEqual([undefined, undefined, 30]);
  });
});
