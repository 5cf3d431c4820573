import { shrink } from '../../lib/testing/shrink.js';
import { simulate, SimulationError, type SimulationOptions } from '../../lib/testing/simulate.js';
import type { SimulatedCluster } from '../../lib/testing/simulated-cluster.js';
import { compactSkip, Decisions } from '../../lib/testing/simulation/decisions.js';

jest.setTimeout(180_000);

/** Disks that, after a crash, have another vote than they acknowledged. */
function forgetfulDisks(cluster: SimulatedCluster): void {
  for (const { disk } of cluster.servers) {
    const crash = disk.crash.bind(disk);
    disk.crash = (options) => {
      crash(options);
      disk.image.hardState = { term: 1, votedFor: null };
    };
  }
}

const FAILING: SimulationOptions = { seed: 2, tamper: forgetfulDisks };

describe('shrinking a failure', () => {
  test('leaves the fault that brings it about, fewer turns and fewer nodes, and tells the story', async () => {
    const { options, error, decisions, story, runs } = (await shrink(FAILING)) ?? fail('it held');
    expect(error.message).toContain('term and vote on disk are never taken back (§5.2)');
    expect(decisions.length).toBeLessThanOrEqual(3);
    expect(options.nodes).toBeLessThan(5);
    expect(options.turns).toBeLessThan(500);
    expect(runs).toBeLessThanOrEqual(200);
    expect(story.length).toBeLessThan(80);
    expect(story.some((line) => / is leader in term \d+ \(electionWon\)/.test(line))).toBe(true);
    expect(story.at(-1)).toMatch(/ms {2}✗ term and vote on disk are never taken back \(§5\.2\): n\d: term \d+/);
  });

  test('gives options, and words, that fail in the same way when they are run', async () => {
    const { options, error } = (await shrink(FAILING, { maxRuns: 30 })) ?? fail('it held');
    await expect(simulate(options)).rejects.toThrow(error.message);
    const words = /^replay: await simulate\(({ .* })\);$/m.exec(error.message)?.[1] ?? '';
    const spelled = JSON.parse(words.replaceAll(/(\w+): /g, '"$1": ')) as SimulationOptions;
    await expect(simulate({ ...spelled, tamper: forgetfulDisks })).rejects.toThrow(error.message);
  });

  test('keeps to its number of runs', async () => {
    expect(await shrink(FAILING, { maxRuns: 5 })).toMatchObject({ runs: 5 });
  });

  test('is nothing when nothing fails', async () => {
    expect(await shrink({ seed: 1, turns: 100 })).toBeNull();
  });
});

describe('what is skipped', () => {
  test('does not happen, and what else chance brings is as it was', async () => {
    const taken = async (skip: readonly string[]): Promise<SimulatedCluster['decisions']['taken']> => {
      let cluster: SimulatedCluster | undefined;
      await simulate({ seed: 4, turns: 300, skip, tamper: (tampered) => (cluster = tampered) });
      return cluster?.decisions.taken ?? [];
    };
    const [all, few] = [await taken([]), await taken(['calls', 'f1-3', 'o2'])];
    expect(all.slice(0, 5).length).toBe(5);
    const isLeft = ({ family, number }: (typeof all)[number]): boolean => family !== 'call' && !(family === 'fault' && number <= 3) && !(family === 'operation' && number === 2);
    const left = all.filter(isLeft);
    const common = Math.min(left.length, few.length);
    expect(common).toBeGreaterThan(5);
    const byNumber = (decisions: typeof all): Map<string, string> => new Map(decisions.map(({ family, number, name }) => [`${family} ${number}`, name]));
    const names = byNumber(few);
    for (const [key, name] of byNumber(left)) if (names.has(key)) expect([key, names.get(key)]).toEqual([key, name]);
    expect(few.every(isLeft)).toBe(true);
  });

  test('is written in short: kinds by name, numbers as ranges', () => {
    expect(compactSkip(['f3', 'f1', 'f2', 'crash', 'c9', 'o4-5', 'o6', 'f2', 'f8'])).toEqual(['crash', 'f1-3', 'f8', 'o4-6', 'c9']);
    expect(compactSkip([])).toEqual([]);
  });

  test('is refused when it names what there is not', () => {
    expect(() => new Decisions(1, ['crahs'])).toThrow('skip is "crahs"; it must be a fault, an operation, calls, or numbers such as f3, o7-12 or c5');
  });

  test('is said when a run fails', async () => {
    const error: unknown = await simulate({ ...FAILING, skip: ['c1-2', 'bridge'] }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SimulationError);
    expect((error as SimulationError).message).toContain('replay: await simulate({ seed: 2, nodes: 5, turns: 2000, skip: ["c1-2","bridge"] });');
  });
});

function fail(words: string): never {
  throw new Error(words);
}
