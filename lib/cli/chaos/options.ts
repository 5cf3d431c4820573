import { parseArgs } from 'node:util';
import { messageOf } from '../exit.js';
import { parseInteger } from '../parse.js';
import { FAULT_KINDS, isFaultKind, type FaultKind } from './fault-kinds.js';

export interface ChaosFlags {
  readonly nodes: number;
  /** How long faults are injected; null: `rounds` decides. */
  readonly minutes: number | null;
  /** How often each kind of fault comes; null: until the time is over. */
  readonly rounds: number | null;
  readonly seed: number;
  readonly faults: readonly FaultKind[];
  readonly clients: number;
  readonly rate: number;
  /** The run's own directory is made inside this one. */
  readonly data: string;
  readonly json: boolean;
  readonly keep: boolean;
}

export const USAGE = `npm run chaos -- [options]

Runs a cluster of operating-system processes with real disks and sockets, breaks it in every way while clients
read and write, and checks afterwards that no acknowledged write is lost, that the history is linearizable, that
the events have no gap and fold to the metrics.

  --minutes <count>   how long (default 5)
  --rounds <count>    instead of a time: every kind of fault so often, one after the other
  --nodes <count>     3 or 5, or another odd number (default 3)
  --seed <number>     of the schedule (default: random, printed)
  --faults <kinds>    only these, separated by commas; of ${FAULT_KINDS.join(', ')}
  --clients <count>   clients at once (default 12)
  --rate <count>      calls a second of all clients together, at most (default 400)
  --data <directory>  where data and logs are kept (default .rxraft/chaos)
  --keep              keep them although all went well
  --json              the report as JSON on standard output; all else goes to standard error
  --help              this text

Ends with 0 when everything held, with 1 when something did not: data and logs are then kept.
`;

const MAX_SEED = 0xffff_ffff;
const DEFAULT_MINUTES = 5;

/** Reads the command line; null when help was asked for. @throws {Error} with a sentence. */
export function parseFlags(args: readonly string[]): ChaosFlags | null {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: { minutes: text, rounds: text, nodes: text, seed: text, faults: text, clients: text, rate: text, data: text, json: flag, keep: flag, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) return null;
  if (values.minutes !== undefined && values.rounds !== undefined) throw new Error('give --minutes or --rounds, not both');
  const read = (name: 'rounds' | 'nodes' | 'seed' | 'clients' | 'rate', min: number, max: number): number | null => {
    const value = values[name];
    return value === undefined ? null : named(name, () => parseInteger(value, min, max));
  };
  const rounds = read('rounds', 1, 1_000_000);
  const nodes = read('nodes', 3, 9) ?? 3;
  if (nodes % 2 === 0) throw new Error(`--nodes: ${nodes} is even; an odd number of nodes survives as many failures with one node less`);
  return {
    nodes,
    rounds,
    minutes: rounds === null ? minutesOf(values.minutes) : null,
    seed: read('seed', 0, MAX_SEED) ?? Math.floor(Math.random() * 1_000_000_000),
    faults: values.faults === undefined ? FAULT_KINDS : named('faults', () => kindsOf(values.faults ?? '')),
    clients: read('clients', 1, 500) ?? 12,
    rate: read('rate', 1, 100_000) ?? 400,
    data: values.data ?? '.rxraft/chaos',
    json: values.json === true,
    keep: values.keep === true,
  };
}

/** The command that plans the same faults again; how they meet with what the nodes do is up to the machine. */
export function commandFor({ seed, nodes, faults, clients, rate, rounds, minutes }: ChaosFlags): string {
  const long = rounds === null ? `--minutes ${minutes ?? DEFAULT_MINUTES}` : `--rounds ${rounds}`;
  return `npm run chaos -- --seed ${seed} --nodes ${nodes} ${long} --clients ${clients} --rate ${rate}${faults.length === FAULT_KINDS.length ? '' : ` --faults ${faults.join(',')}`}`;
}

function minutesOf(text: string | undefined): number {
  const minutes = text === undefined ? DEFAULT_MINUTES : Number(text);
  if (!(minutes > 0 && minutes <= 100_000)) throw new Error(`--minutes: ${JSON.stringify(text)} is no number of minutes`);
  return minutes;
}

function kindsOf(text: string): FaultKind[] {
  return text.split(',').map((kind) => {
    if (isFaultKind(kind)) return kind;
    throw new Error(`${JSON.stringify(kind)} is no kind of fault; there are ${FAULT_KINDS.join(', ')}`);
  });
}

function named<T>(name: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`--${name}: ${messageOf(error)}`, { cause: error });
  }
}
