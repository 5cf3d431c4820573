import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { compactSkip } from '../../testing/simulation/decisions.js';
import { FAULT_NAMES, type FaultName } from '../../testing/simulation/fault-names.js';
import { parseInteger } from '../parse.js';
import { MIN_SEEDS_FOR_COVERAGE } from './coverage.js';

export interface SimulateFlags {
  /** The first seed; the others follow it. */
  readonly seed: number;
  readonly seeds: number;
  readonly turns: number;
  readonly nodes: number;
  /** How many runs at once. */
  readonly jobs: number;
  /** Faults that may occur, whatever the seed draws; null for what it draws. */
  readonly faults: readonly FaultName[] | null;
  /** What is left out; see `SimulationOptions.skip`. */
  readonly skip: readonly string[];
  /** How many runs may go into making a failure small. */
  readonly shrinkRuns: number;
}

export const USAGE = `npm run simulate -- [options]

Simulates whole clusters in virtual time, one for each seed, and checks Raft's invariants after every turn.

  --seeds <count>   how many seeds (default 100)
  --seed <number>   the first one, or with --seeds 1 the only one (default: random, printed)
  --turns <count>   turns of each node under faults (default 2000)
  --nodes <count>   nodes of each cluster (default 5)
  --jobs <count>    runs at once (default: one for each processor)
  --faults <names>  the faults that may occur, with commas between (default: what each seed draws; none for no faults)
  --skip <list>     what is left out, with commas between: faults and operations by name, or single ones by number,
                    f3-9 for faults, o4 for operations, c7 for clients' calls
  --shrink <runs>   how many runs may go into making a failure small (default 200; 0 for none)
  --help            this text

Ends with 0 when every run held, with 1 when one did not: what happened in it, as small as it could be made, and the command
that replays it are printed. ${MIN_SEEDS_FOR_COVERAGE} seeds and more must between them meet every fault, operation and kind of event that a
simulation can reach, and 10,000 what is rare; that they did not is a failure too.
`;

const MAX_SEED = 0xffff_ffff;

/** Reads the command line; null when help was asked for. @throws {Error} with a sentence. */
export function parseFlags(args: readonly string[]): SimulateFlags | null {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { seeds: text, seed: text, turns: text, nodes: text, jobs: text, faults: text, skip: text, shrink: text, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) return null;
  const read = (name: 'seeds' | 'seed' | 'turns' | 'nodes' | 'jobs' | 'shrink', min: number, max: number, otherwise: number): number => {
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
    faults: values.faults === undefined ? null : faultsIn(values.faults),
    skip: skipIn(values.skip ?? ''),
    shrinkRuns: read('shrink', 0, 1_000_000, 200),
  };
}

/** The command that runs this again, as it is. */
export function commandFor({ seed, turns, nodes, faults, skip }: Pick<SimulateFlags, 'seed' | 'turns' | 'nodes' | 'faults' | 'skip'>): string {
  const parts = [`npm run simulate -- --seeds 1 --seed ${seed} --turns ${turns} --nodes ${nodes}`];
  if (faults !== null) parts.push(`--faults "${faults.length === 0 ? 'none' : faults.join(',')}"`);
  if (skip.length > 0) parts.push(`--skip "${skip.join(',')}"`);
  parts.push('--shrink 0'); // it is as small as it gets
  return parts.join(' ');
}

function faultsIn(text: string): readonly FaultName[] {
  return text === 'none' ? [] : listIn(text).map((name) => {
    const found = FAULT_NAMES.find((each) => each === name);
    if (found === undefined) throw new Error(`--faults: ${JSON.stringify(name)} is none of ${FAULT_NAMES.join(', ')}`);
    return found;
  });
}

function skipIn(text: string): readonly string[] {
  try {
    return compactSkip(listIn(text));
  } catch (error) {
    throw new Error(`--skip: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function listIn(text: string): string[] {
  return text.split(',').map((part) => part.trim()).filter((part) => part !== '');
}
