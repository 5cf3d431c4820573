import { parseArgs } from 'node:util';
import { messageOf } from '../exit.js';
import { parseInteger } from '../parse.js';
import type { BenchSize } from './bench.js';
import { PARTS, type Part } from './parts.js';

export interface BenchFlags extends BenchSize {
  /** In the order of the suite. */
  readonly parts: readonly Part[];
  /** Where results.json goes, and what is written on the way. */
  readonly out: string;
  /** Where the plots go. */
  readonly plots: string;
  /** A Markdown file whose section of results is to be written anew; null for none. */
  readonly readme: string | null;
}

/** Parts that last longer are measured when they are asked for. */
const SHORT_MINUTES = 5;

const ALL = 'all';

const NAME_WIDTH = Math.max(...PARTS.map(({ name }) => name.length));

export const USAGE = `npm run bench -- [parts] [options]

Measures rxraft on this machine, and holds the figures against the project's budgets. Quote the ratios: they are taken in
turn within one run. Absolute figures drift with the machine.

${PARTS.map(({ name, title, minutes }) => `  ${name.padEnd(NAME_WIDTH)}  ${title}: about ${minutes} min`).join('\n')}

Without a name those that take up to ${SHORT_MINUTES} minutes, one after the other; with "${ALL}" every one. The
minutes are those of a quiet machine of two cores and the defaults below.

  -n, --runs <count>    runs of each measurement; the median is reported (default 5)
  --total <count>       proposals per run, half of it with one proposer (default 400000)
  --proposals <count>   proposals of the memory measurement (default 10000000)
  --entries <count>     entries of the long logs in replay and scaling (default 1000000)
  --seconds <count>     how long each load of the cluster measurement lasts (default 5)
  --out <folder>        where results.json goes; parts that are measured anew take their own place in it (default .bench)
  --plots <folder>      where the plots go, an SVG a curve (default: as --out)
  --readme <file>       writes tables and plots between the file's lines <!-- bench:start --> and <!-- bench:end -->
  -h, --help            this text
`;

/** Reads the command line; null when help was asked for. @throws {Error} with a sentence. */
export function parseFlags(args: readonly string[]): BenchFlags | null {
  const text = { type: 'string' } as const;
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { runs: { ...text, short: 'n' }, total: text, proposals: text, entries: text, seconds: text, out: text, plots: text, readme: text, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) return null;
  const count = (name: keyof BenchSize, otherwise: number): number => {
    const value = values[name];
    if (value === undefined) return otherwise;
    try {
      return parseInteger(value, 1, Number.MAX_SAFE_INTEGER);
    } catch (error) {
      throw new Error(`--${name}: ${messageOf(error)}`, { cause: error });
    }
  };
  const out = values.out ?? '.bench';
  return {
    parts: partsNamed(positionals),
    runs: count('runs', 5),
    total: count('total', 400_000),
    proposals: count('proposals', 10_000_000),
    entries: count('entries', 1_000_000),
    seconds: count('seconds', 5),
    out,
    plots: values.plots ?? out,
    readme: values.readme ?? null,
  };
}

function partsNamed(names: readonly string[]): readonly Part[] {
  const unknown = names.find((name) => name !== ALL && !PARTS.some((part) => part.name === name));
  if (unknown !== undefined) throw new Error(`${JSON.stringify(unknown)} is no part of the suite; there are ${[...PARTS.map(({ name }) => name), ALL].join(', ')}`);
  if (names.includes(ALL)) return PARTS;
  return PARTS.filter(({ name, minutes }) => (names.length === 0 ? minutes <= SHORT_MINUTES : names.includes(name)));
}
