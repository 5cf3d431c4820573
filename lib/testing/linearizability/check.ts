import { endOf, wordsOf, type Call, type Model } from './model.js';
import { Search, type SearchLimits } from './search.js';
import { Shrinker } from './shrink.js';
import { failureText } from './timeline.js';

/** For each part of the state. */
export interface LinearizabilityOptions {
  /** Steps of the model that the search may take. Default: 5,000,000. */
  readonly maxSteps?: number;
  /** What the search may remember, roughly. Default: 256 MiB. */
  readonly maxMemoryBytes?: number;
  /** Steps for making a failure small. Default: 5,000,000; 0 leaves it as long as it is. */
  readonly maxShrinkSteps?: number;
}

/** What is known of a history. `text` says it to people. */
export type Linearizability<Operation, Result> = {
  readonly text: string;
  /** Steps of the model that it took, without the shrinking. */
  readonly steps: number;
} & (
  | { readonly type: 'linearizable' }
  | {
      readonly type: 'not linearizable';
      /** The first part that fails, and its calls made few enough to look at. */
      readonly part: string;
      readonly calls: readonly Call<Operation, Result>[];
      /** The one of these whose answer can't be; null when looking for it took too long. */
      readonly culprit: Call<Operation, Result> | null;
      readonly otherParts: readonly string[];
    }
  /** The search came to a limit in these parts, and no other part fails. This is no pass. */
  | { readonly type: 'undecided'; readonly parts: ReadonlyMap<string, keyof SearchLimits> }
);

/** Thrown when a history is not linearizable, or could not be decided. */
export class LinearizabilityError extends Error {
  override readonly name = 'LinearizabilityError';

  constructor(readonly verdict: Linearizability<unknown, unknown>) {
    super(verdict.text);
  }
}

/**
 * Whether the calls could have happened one at a time: each at a moment between its beginning and its end, all with the
 * results that the model gives in that order (Herlihy & Wing 1990).
 *
 * ```ts
 * const calls = [
 *   { client: 'a', operation: { type: 'put', key: 'x', value: '1' }, start: 1, outcome: { type: 'returned', at: 2, result: { type: 'stored' } } },
 *   { client: 'b', operation: { type: 'get', key: 'x' }, start: 3, outcome: { type: 'returned', at: 4, result: { type: 'entry', entry: null } } },
 * ] as const;
 * checkLinearizable(keyValueModel, calls).type; // 'not linearizable': the read began after the put had been answered
 * ```
 *
 * @throws {RangeError} when a call ends before it begins, or an option is out of range.
 */
export function checkLinearizable<State, Operation, Result>(
  model: Model<State, Operation, Result>,
  history: readonly Call<Operation, Result>[],
  options: LinearizabilityOptions = {},
): Linearizability<Operation, Result> {
  const limits: SearchLimits = { maxSteps: count(options, 'maxSteps', 5_000_000), maxMemoryBytes: count(options, 'maxMemoryBytes', 256 * 1024 * 1024) };
  const maxShrinkSteps = count(options, 'maxShrinkSteps', 5_000_000);
  const failures = new Map<string, readonly Call<Operation, Result>[]>();
  const undecided = new Map<string, keyof SearchLimits>();
  let steps = 0;
  for (const [part, calls] of partsOf(model, history)) {
    const result = new Search(model, calls, limits).run();
    steps += result.steps;
    if (result.type === 'none') failures.set(part, calls);
    if (result.type === 'gave up') undecided.set(part, result.limit);
  }
  const [first, ...others] = failures;
  if (first !== undefined) {
    const [part, calls] = first;
    const otherParts = others.map(([name]) => name);
    const small = new Shrinker(model, limits, maxShrinkSteps).shrink(calls);
    const again = new Search(model, small.calls, limits, false).run();
    const lines = [
      `not linearizable${nameOf(part)}: ${small.calls.length} of ${calls.length} calls have no order`,
      failureText(wordsOf(model), small, again.type === 'none' ? again.deadEnds : []),
      ...(otherParts.length === 0 ? [] : [`Not linearizable either: ${otherParts.join(', ')}`]),
      ...(undecided.size === 0 ? [] : [undecidedText(undecided, limits)]),
    ];
    return { type: 'not linearizable', steps, part, ...small, otherParts, text: lines.join('\n') };
  }
  if (undecided.size > 0) return { type: 'undecided', steps, parts: undecided, text: undecidedText(undecided, limits) };
  return { type: 'linearizable', steps, text: `${history.length} calls are linearizable` };
}

/** @throws {LinearizabilityError} unless the history is linearizable: one that could not be decided does not pass. */
export function assertLinearizable<State, Operation, Result>(model: Model<State, Operation, Result>, history: readonly Call<Operation, Result>[], options: LinearizabilityOptions = {}): void {
  const verdict = checkLinearizable(model, history, options);
  if (verdict.type !== 'linearizable') throw new LinearizabilityError(verdict);
}

function partsOf<Operation, Result>(model: Model<unknown, Operation, Result>, history: readonly Call<Operation, Result>[]): Map<string, Call<Operation, Result>[]> {
  const parts = new Map<string, Call<Operation, Result>[]>();
  for (const call of history) {
    const { client, start } = call;
    const end = endOf(call);
    if (!(start <= end)) throw new RangeError(`a call of ${client} begins at ${start} and ends at ${end}; it can't end before it begins`);
    const part = model.partition?.(call.operation) ?? '';
    const calls = parts.get(part);
    if (calls === undefined) parts.set(part, [call]);
    else calls.push(call);
  }
  return parts;
}

function undecidedText(parts: ReadonlyMap<string, keyof SearchLimits>, limits: SearchLimits): string {
  return [...parts].map(([part, limit]) => `undecided${nameOf(part)}: the search came to ${limit} (${limits[limit].toLocaleString('en')})`).join('\n');
}

function nameOf(part: string): string {
  return part === '' ? '' : ` (${part})`;
}

function count(options: LinearizabilityOptions, name: keyof LinearizabilityOptions, fallback: number): number {
  const value = options[name] ?? fallback;
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${name} is ${value}; it must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
  return value;
}
