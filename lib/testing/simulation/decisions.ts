import { Dice } from './dice.js';
import { FAULT_NAMES } from './fault-names.js';
import { OPERATION_NAMES } from './operation-names.js';

/** What chance brings about, each family counted from 1: faults, what operators do, bursts of clients' calls. */
export type DecisionFamily = 'fault' | 'operation' | 'call';

/** One thing that chance brought about. */
export interface Decision {
  readonly family: DecisionFamily;
  readonly number: number;
  /** The fault's or the operation's; `calls` or `roaming client` for clients. */
  readonly name: string;
}

const LETTERS: Readonly<Record<DecisionFamily, string>> = Object.freeze({ fault: 'f', operation: 'o', call: 'c' });
const FAMILIES = Object.keys(LETTERS) as DecisionFamily[];

/**
 * Numbers what chance brings about and leaves out what is to be skipped. Each has dice of its own, so that to leave one out
 * changes nothing about what the others draw.
 */
export class Decisions {
  /** Those that were not skipped, in the order in which they came. */
  readonly taken: Decision[] = [];
  readonly #skipped: ReadonlySet<string>;
  readonly #counts: Record<DecisionFamily, number> = { fault: 0, operation: 0, call: 0 };

  /** @param skip see `SimulationOptions.skip`. @throws {RangeError} when it names what there is not. */
  constructor(
    private readonly seed: number,
    skip: readonly string[],
  ) {
    this.#skipped = new Set(skip.flatMap(expanded));
  }

  /** The dice of the family's next decision; null when it is to be left out. */
  next(family: DecisionFamily, name: string): Dice | null {
    const number = (this.#counts[family] += 1);
    if (this.#skipped.has(name) || this.#skipped.has(LETTERS[family] + String(number))) return null;
    this.taken.push({ family, number, name });
    return new Dice(this.seed, `${family} ${number}`);
  }
}

/** A decision, as `skip` names it. */
export function tokenOf({ family, number }: Pick<Decision, 'family' | 'number'>): string {
  return LETTERS[family] + String(number);
}

/** As short as can be: kinds by name, numbers that follow one another as ranges, `f3-9`. */
export function compactSkip(tokens: Iterable<string>): string[] {
  const all = [...new Set([...tokens].flatMap(expanded))];
  const kinds = all.filter((token) => !isNumbered(token)).sort();
  const ranges = FAMILIES.flatMap((family) => {
    const letter = LETTERS[family];
    const numbers = all.filter((token) => isNumbered(token) && token.startsWith(letter)).map((token) => Number(token.slice(1)));
    return rangesOf(numbers.sort((a, b) => a - b)).map(([first, last]) => (first === last ? `${letter}${first}` : `${letter}${first}-${last}`));
  });
  return [...kinds, ...ranges];
}

function rangesOf(numbers: readonly number[]): [number, number][] {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last?.[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges;
}

function expanded(token: string): string[] {
  const range = /^([foc])(\d+)-(\d+)$/.exec(token);
  if (range !== null) {
    const [, letter = '', first, last] = range;
    return Array.from({ length: Math.max(0, Number(last) - Number(first) + 1) }, (_, i) => letter + String(Number(first) + i));
  }
  const kinds: readonly string[] = [...FAULT_NAMES, ...OPERATION_NAMES, 'calls', 'roaming client'];
  if (!isNumbered(token) && !kinds.includes(token)) {
    throw new RangeError(`skip is ${JSON.stringify(token)}; it must be a fault, an operation, calls, or numbers such as f3, o7-12 or c5`);
  }
  return [token];
}

function isNumbered(token: string): boolean {
  return /^[foc]\d+$/.test(token);
}
