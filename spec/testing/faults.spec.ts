import { simulate } from '../../lib/testing/simulate.js';
import type { SimulatedCluster } from '../../lib/testing/simulated-cluster.js';
import { addCounts, emptyCounts } from '../../lib/testing/simulation/report.js';
import { defined } from '../support/defined.js';

jest.setTimeout(120_000);

describe('a simulated disk that rots', () => {
  test('keeps its server from starting; it is reported, replaced under a new id, and nothing is lost', async () => {
    const counts = emptyCounts();
    let replaced = 0;
    for (let seed = 1; seed <= 10; seed += 1) {
      let cluster: SimulatedCluster | undefined;
      const plan = { faults: ['bit rot', 'partition', 'crash'], faultGapMs: [50, 500] } as const;
      addCounts(counts, (await simulate({ seed, turns: 800, plan, tamper: (tampered) => (cluster = tampered) })).counts);
      const ids = defined(cluster).servers.map(({ id }) => id);
      replaced += ['n1', 'n2', 'n3', 'n4', 'n5'].filter((id) => !ids.includes(id)).length;
    }
    expect(counts.faults['bit rot']).toBeGreaterThan(5);
    expect(counts.events['CorruptionDetected']).toBeGreaterThan(5);
    expect(replaced).toBeGreaterThan(5);
  });

  test('fails the run when its server starts all the same', async () => {
    const attempts = Array.from({ length: 6 }, (_, i) =>
      simulate({
        seed: i + 1,
        turns: 500,
        plan: { faults: ['bit rot'] },
        tamper: ({ servers }) => {
          for (const { disk } of servers) disk.corruptEntry = () => undefined;
        },
      }),
    );
    const said = (await Promise.allSettled(attempts)).flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []));
    expect(said.some((words) => /n\d-\d+ starts although its disk is corrupt/.test(words))).toBe(true);
  });
});

describe('a schedule of faults', () => {
  test('brings each at its own rate, from and until its own time, beside what chance brings', async () => {
    const came: [string, number][] = [];
    await simulate({
      seed: 3,
      turns: 1000,
      plan: {
        faults: ['doubling'],
        schedule: [
          { fault: 'loss', fromMs: 200, everyMs: [100, 100], untilMs: 600 },
          { fault: 'delay spike', fromMs: 500 },
        ],
      },
      tamper: (cluster) => {
        const count = cluster.count.bind(cluster);
        cluster.count = (family, name) => {
          if (family === 'faults') came.push([name, cluster.clock.now()]);
          count(family, name);
        };
      },
    });
    expect(came.flatMap(([name, at]) => (name === 'loss' ? [at] : []))).toEqual([200, 300, 400, 500, 600]);
    expect(came.flatMap(([name, at]) => (name === 'delay spike' ? [at] : []))).toEqual([500]);
    expect(came.some(([name]) => name === 'doubling')).toBe(true);
  });

  test('is replayed by its seed', async () => {
    const plan = { faults: [], schedule: [{ fault: 'crash', everyMs: [50, 400] }] } as const;
    const [one, other] = [await simulate({ seed: 4, turns: 300, plan }), await simulate({ seed: 4, turns: 300, plan })];
    expect(one.counts.faults['crash']).toBeGreaterThan(2);
    expect(one.digest).toBe(other.digest);
  });

  test('is refused when a fault would come without end at one instant', async () => {
    const schedule = [{ fault: 'crash', everyMs: [0, 0] }] as const;
    await expect(simulate({ seed: 1, plan: { schedule } })).rejects.toThrow('schedule: crash comes every [0, 0] ms; the second must be above 0');
  });
});

test('whoever listens to events changes nothing for the cluster by throwing, leaving or coming back', async () => {
  for (const seed of [1, 2, 3]) {
    // Telling of a subscriber that failed takes a turn of its own, so that the runs are compared at a time, not at a turn.
    const at1500Ms = async (faults: readonly ('throwing reporter' | 'fickle subscriber')[]): Promise<unknown> => {
      let seen: unknown = null;
      const tamper = ({ clock, counts, invariants }: SimulatedCluster): void => {
        clock.schedule(1500, () => {
          const { messages, inputs, calls, operations } = structuredClone(counts);
          seen = { messages, inputs, calls, operations, committed: invariants.log.committed.map(({ term, kind }) => `${kind} ${term}`) };
        });
      };
      await simulate({ seed, turns: 800, plan: { faults, faultGapMs: [10, 50], mergeRate: 0 }, tamper });
      return seen;
    };
    const undisturbed = await at1500Ms([]);
    expect(undisturbed).not.toBeNull();
    expect(await at1500Ms(['throwing reporter', 'fickle subscriber'])).toEqual(undisturbed);
  }
});

test('subscribers that block the thread or propose within an event break no promise', async () => {
  const counts = emptyCounts();
  for (let seed = 1; seed <= 6; seed += 1) {
    addCounts(counts, (await simulate({ seed, turns: 500, plan: { faults: ['slow subscriber', 'calling subscriber'], faultGapMs: [20, 200] } })).counts);
  }
  expect(counts.faults).toMatchObject({ 'slow subscriber': expect.any(Number) as unknown, 'calling subscriber': expect.any(Number) as unknown });
});
