import { FAULT_KINDS, familyOf } from '../../lib/cli/chaos/fault-kinds.js';
import { schedule, type ScheduleOptions, type Step } from '../../lib/cli/chaos/schedule.js';

function stepsOf(count: number, options: Partial<ScheduleOptions> = {}): Step[] {
  const steps = schedule({ seed: 7, kinds: FAULT_KINDS, calmMs: [10, 20], ...options });
  return Array.from({ length: count }, () => steps.next().value);
}

describe('the schedule of a chaos run', () => {
  it('is the same for the same seed, and another one for another', () => {
    expect(stepsOf(100)).toEqual(stepsOf(100));
    expect(stepsOf(100, { seed: 8 })).not.toEqual(stepsOf(100));
  });

  it('has every kind once in each round, one at a time when nothing may overlap', () => {
    const steps = stepsOf(3 * FAULT_KINDS.length, { overlap: 0 });
    for (let round = 0; round < 3; round += 1) {
      const kinds = steps.slice(round * FAULT_KINDS.length, (round + 1) * FAULT_KINDS.length).flatMap(({ faults }) => faults.map(({ kind }) => kind));
      expect(kinds.toSorted()).toEqual(FAULT_KINDS.toSorted());
    }
  });

  it('lets faults of the network and of processes come together, and nothing else', () => {
    const together = stepsOf(200, { overlap: 1 }).filter(({ faults }) => faults.length > 1);
    expect(together.length).toBeGreaterThan(20);
    for (const { faults } of together) expect(faults.map(({ kind }) => familyOf(kind)).toSorted()).toEqual(['network', 'process']);
  });

  it('numbers its steps, keeps the calm within its bounds and gives each fault a seed of its own', () => {
    const steps = stepsOf(100);
    expect(steps.map(({ number }) => number)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    for (const { calmMs } of steps) expect(calmMs >= 10 && calmMs <= 20).toBe(true);
    const seeds = steps.flatMap(({ faults }) => faults.map(({ seed }) => seed));
    expect(new Set(seeds).size).toBe(seeds.length);
  });
});
