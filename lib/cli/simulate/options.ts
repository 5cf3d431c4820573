import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { parseInteger } from '../parse.js';

export interface SimulateFlags {
  /** The first seed; the others follow it. */
  readonly seed: number;
  readonly seeds: number;
  readonly turns: number;
  readonly nodes: number;
  /** How many runs at once. */
  readonly jobs: number;
}

export const USAGE = `npm run simulate -- [options]

Simulates whole clusters in virtual time, one for each seed, and checks Raft's invariants after every turn.

  --seeds <count>   how many seeds (default 100)
  --seed <number>   the first one, or with --seeds 1 the only one (default: random, printed)
  --turns <count>   turns of each node under faults (default 2000)
  --nodes <count>   nodes of each cluster (default 5)
  --jobs <count>    runs at once (default: one for each processor)
  --help            this text

Ends with 0 when every run held, with 1 when one did not: its seed, what it broke and how to replay it are printed.
`;

const MAX_SEED = 0xffff_ffff;

/** Reads the command line; null when help was asked for. @throws {Error} with a sentence. */
export function parseFlags(args: readonly string[]): SimulateFlags | null {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { seeds: text, seed: text, turns: text, nodes: text, jobs: text, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) return null;
  const read = (name: 'seeds' | 'seed' | 'turns' | 'nodes' | 'jobs', min: number, max: number, otherwise: number): number => {
    const value = values[name];
    if (value === undefined) return otherwise;
    try {
      return parseInteger(value, min, max);
    } catch (error) {
      throw new Error(`--${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  };
  return {
    seeds: read('seeds', 1, 10_000_000, 100),
    seed: read('seed', 0, MAX_SEED, Math.floor(Math.random() * 1_000_000_000)),
    turns: read('turns', 1, 10_000_000, 2000),
    nodes: read('nodes', 1, 99, 5),
    jobs: read('jobs', 1, 256, availableParallelism()),
  };
}
