import { InvariantViolation } from './invariants/violation.js';
import { simulate, SimulationError, type SimulationOptions } from './simulate.js';
import { compactSkip, tokenOf, type Decision } from './simulation/decisions.js';

export interface ShrinkOptions {
  /** How many runs it may take. Default 200. */
  readonly maxRuns?: number;
  /** Is told how far it is. */
  readonly onProgress?: (runs: number, decisions: number) => void;
}

/** A failing simulation with as little in it as was found, and what happens in it. */
export interface ShrunkFailure<C = unknown, R = unknown, Q = unknown, A = unknown> {
  /** Run them and it fails. */
  readonly options: SimulationOptions<C, R, Q, A>;
  readonly error: SimulationError;
  /** Faults, operations and calls that are left. */
  readonly decisions: readonly Decision[];
  /** What happened, without the messages: a line each. */
  readonly story: readonly string[];
  readonly runs: number;
}

/** The failure at hand. */
interface Failure<C, R, Q, A> {
  readonly options: SimulationOptions<C, R, Q, A>;
  readonly error: SimulationError;
}

/**
 * Makes a failing simulation small: fewer turns, fewer nodes, without the kinds of faults and operations that it does not
 * need, then without single ones, as long as the same property is broken. Null when it does not fail.
 *
 * @example
 * const failure = await shrink({ seed: 17 });
 * if (failure !== null) console.log(failure.story.join('\n'));
 */
export async function shrink<C = unknown, R = unknown, Q = unknown, A = unknown>(options: SimulationOptions<C, R, Q, A>, limits: ShrinkOptions = {}): Promise<ShrunkFailure<C, R, Q, A> | null> {
  const error = await failureOf(options);
  return error === null ? null : new Shrinker({ options, error }, limits).run();
}

class Shrinker<C, R, Q, A> {
  readonly #property: string;
  readonly #maxRuns: number;
  readonly #mostTurns: number;
  #runs = 1;

  constructor(
    private smallest: Failure<C, R, Q, A>,
    private readonly limits: ShrinkOptions,
  ) {
    this.#property = propertyOf(smallest.error);
    this.#maxRuns = limits.maxRuns ?? 200;
    this.#mostTurns = turnsOf(smallest.options);
  }

  async run(): Promise<ShrunkFailure<C, R, Q, A>> {
    await this.#endSooner();
    await this.#useFewerNodes();
    await this.#leaveOutKinds();
    for (let before = Infinity; this.#left < before && this.#runs < this.#maxRuns; ) {
      before = this.#left;
      await this.#leaveOut('fault');
      await this.#leaveOut('operation');
      await this.#leaveOut('call');
    }
    const { options } = this.smallest;
    const error = (await failureOf(options)) ?? this.smallest.error; // once more, so that its words name these very options
    return { options, error, decisions: error.decisions, story: error.story, runs: this.#runs };
  }

  /** How much chance brings about still. */
  get #left(): number {
    return this.smallest.error.decisions.length;
  }

  /** Faults end, for the others, where this one fails: until then nothing changes. */
  async #endSooner(): Promise<void> {
    const { options, error } = this.smallest;
    const turns = turnsFor(options, error);
    if (turns < turnsOf(options)) await this.#try({ turns });
  }

  async #useFewerNodes(): Promise<void> {
    for (let nodes = 1; nodes < (this.smallest.options.nodes ?? 5); nodes += 1) {
      if (await this.#try({ nodes })) return;
    }
  }

  async #leaveOutKinds(): Promise<void> {
    for (const kind of new Set(this.smallest.error.decisions.map(({ name }) => name))) await this.#try(this.#without([kind]));
  }

  /** Delta debugging (Zeller 2002): ever smaller parts of what is left are tried without. */
  async #leaveOut(family: Decision['family']): Promise<void> {
    const left = (): string[] => this.smallest.error.decisions.filter((decision) => decision.family === family).map(tokenOf);
    for (let size = Math.ceil(left().length / 2); size >= 1 && this.#runs < this.#maxRuns; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      // From the end: what comes last is followed by least.
      for (let end = left().length; end > 0; end = Math.min(end - size, left().length)) await this.#try(this.#without(left().slice(Math.max(0, end - size), end)));
    }
  }

  #without(tokens: readonly string[]): Partial<SimulationOptions<C, R, Q, A>> {
    return { skip: compactSkip([...(this.smallest.options.skip ?? []), ...tokens]) };
  }

  /** Whether it still fails in the same way; then it is the smallest. */
  async #try(change: Partial<SimulationOptions<C, R, Q, A>>): Promise<boolean> {
    if (this.#runs >= this.#maxRuns) return false;
    this.#runs += 1;
    const { options: before } = this.smallest;
    // With less to disturb them nodes take more turns before they come to it.
    const options = { ...before, turns: Math.min(this.#mostTurns, 2 * turnsOf(before) + 20), ...change };
    const error = await failureOf(options);
    this.limits.onProgress?.(this.#runs, this.#left);
    if (error === null || propertyOf(error) !== this.#property || !isSmaller(error, this.smallest.error)) return false;
    this.smallest = { options: { ...options, turns: Math.min(turnsOf(options), turnsFor(options, error)) }, error };
    return true;
  }
}

/** Or as small. Without a fault the same may happen much later, and after much else. */
function isSmaller(one: SimulationError, other: SimulationError): boolean {
  const difference = one.decisions.length - other.decisions.length;
  return difference < 0 || (difference === 0 && one.turn <= other.turn);
}

function turnsOf({ turns = 2000 }: { readonly turns?: number }): number {
  return turns;
}

/** So many that faults end only after this failure. */
function turnsFor({ nodes = 5 }: { readonly nodes?: number }, { turn }: SimulationError): number {
  return Math.floor(turn / nodes) + 1;
}

async function failureOf<C, R, Q, A>(options: SimulationOptions<C, R, Q, A>): Promise<SimulationError | null> {
  try {
    await simulate(options);
    return null;
  } catch (error) {
    if (error instanceof SimulationError) return error;
    throw error;
  }
}

/** What was broken, without where and by whom. */
export function propertyOf({ cause }: SimulationError): string {
  if (cause instanceof InvariantViolation) return cause.property;
  return (cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause)).replaceAll(/\bn?\d[\d.]*(?:-\d+)?/g, '#');
}
