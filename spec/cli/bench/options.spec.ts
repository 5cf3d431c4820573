import { parseFlags, USAGE } from '../../../lib/cli/bench/options.js';
import { PARTS } from '../../../lib/cli/bench/parts.js';

describe('the command line of the benchmark', () => {
  const namesOf = (...args: string[]): string[] | undefined => parseFlags(args)?.parts.map(({ name }) => name);

  it('measures the short parts without a name, and every part when all are asked for', () => {
    expect(namesOf()).toEqual(['proposals', 'reporter', 'append', 'replay', 'memory', 'scaling', 'isolate']);
    expect(namesOf('all')).toEqual(PARTS.map(({ name }) => name));
  });

  it('measures the parts that are named, each once, in the order of the suite', () => {
    expect(namesOf('isolate', 'append', 'isolate')).toEqual(['append', 'isolate']);
    expect(namesOf('cluster', '-n', '3')).toEqual(['cluster']);
  });

  it('has defaults, and an option for each', () => {
    const defaults = { runs: 5, total: 400_000, proposals: 10_000_000, entries: 1_000_000, seconds: 5, out: '.bench', plots: '.bench', readme: null };
    expect(parseFlags([])).toMatchObject(defaults);
    const args = '-n 1 --total 2 --proposals 3 --entries 4 --seconds 5 --out o --plots p --readme r'.split(' ');
    expect(parseFlags(args)).toMatchObject({ runs: 1, total: 2, proposals: 3, entries: 4, seconds: 5, out: 'o', plots: 'p', readme: 'r' });
  });

  it('puts plots beside the results unless it is told otherwise', () => {
    expect(parseFlags(['--out', 'o'])).toMatchObject({ out: 'o', plots: 'o' });
  });

  test.each([
    [['latency'], '"latency" is no part of the suite; there are proposals, reporter, '],
    [['--runs', '0'], '--runs: '],
    [['--total', '1.5'], '--total: '],
    [['--entries', 'many'], '--entries: '],
    [['--fast'], `Unknown option '--fast'`],
  ])('refuses %j with a sentence', (args, sentence) => {
    expect(() => parseFlags(args)).toThrow(sentence);
  });

  it('has a help that names every part with its minutes, and every option', () => {
    expect(parseFlags(['--help'])).toBeNull();
    for (const { name, minutes } of PARTS) expect(USAGE).toMatch(new RegExp(`^ {2}${name} .* about ${minutes} min$`, 'm'));
    for (const option of ['runs', 'total', 'proposals', 'entries', 'seconds', 'out', 'plots', 'readme', 'help']) expect(USAGE).toContain(`--${option} `);
  });
});
