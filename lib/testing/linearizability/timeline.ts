import type { Call, ModelWords } from './model.js';
import type { DeadEnd } from './search.js';
import type { Failure } from './shrink.js';

/** Lines of a timeline at most; what is before the last so many is only counted. */
const MAX_CALLS = 40;
const COLUMN = 3;

/**
 * A failure for people: one line per call, time from left to right, and what stands in the way of every order.
 *
 * ```
 *   a  put "1"  ├──┤               stored
 *   b  put "2"        ├──┤         stored
 *   c  get                  ├──┤   "1"     ◄ fits nowhere
 * ```
 */
export function failureText<State, Operation, Result>(words: ModelWords<State, Operation, Result>, { calls, culprit }: Failure<Operation, Result>, deadEnds: readonly DeadEnd<State, Operation, Result>[]): string {
  return [...timeline(words, calls, culprit), ...deadEnds.flatMap((deadEnd) => deadEndText(words, deadEnd))].join('\n');
}

function timeline<Operation, Result>(words: ModelWords<never, Operation, Result>, calls: readonly Call<Operation, Result>[], culprit: Call<Operation, Result> | null): string[] {
  const byStart = [...calls].sort((a, b) => a.start - b.start);
  const shown = byStart.slice(-MAX_CALLS);
  const times = shown.flatMap(({ start, outcome }) => (outcome.type === 'returned' && outcome.at < Infinity ? [start, outcome.at] : [start]));
  const columns = [...new Set(times)].sort((a, b) => a - b);
  const width = columns.length * COLUMN + 1;
  const rows = shown.map((call) => [call.client, words.operation(call.operation), bar(call, columns, width), outcomeText(words, call), call === culprit ? '◄ fits nowhere' : '']);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd());
  return byStart.length > shown.length ? [`  … ${byStart.length - shown.length} earlier calls`, ...lines] : lines;
}

function bar({ start, outcome }: Call<unknown, unknown>, columns: readonly number[], width: number): string {
  const from = columns.indexOf(start) * COLUMN;
  if (outcome.type === 'open' || outcome.at === Infinity) return `${' '.repeat(from)}├${'╌'.repeat(width - from - 1)}`;
  const through = columns.indexOf(outcome.at) * COLUMN;
  return through === from ? `${' '.repeat(from)}│` : `${' '.repeat(from)}├${'─'.repeat(through - from - 1)}┤`;
}

function outcomeText<Result>(words: ModelWords<never, never, Result>, { outcome }: Call<unknown, Result>): string {
  if (outcome.type === 'open') return 'unknown';
  return outcome.at === Infinity ? `${words.result(outcome.result)}, unheard` : words.result(outcome.result);
}

function deadEndText<State, Operation, Result>(words: ModelWords<State, Operation, Result>, { order, state, next }: DeadEnd<State, Operation, Result>): string[] {
  const placed = order.map(({ client, operation }) => `${client}: ${words.operation(operation)}`);
  const listed = placed.length > MAX_CALLS ? [`… ${placed.length - MAX_CALLS} more`, ...placed.slice(-MAX_CALLS)] : placed;
  const needs = next.map(({ client, operation, outcome }) => `    ${client}: ${words.operation(operation)} needs ${outcome.type === 'returned' ? words.needs(operation, outcome.result) : 'nothing'}`);
  return [placed.length === 0 ? 'At the beginning the state is' : `After ${listed.join(', ')} the state is`, `    ${words.state(state)}`, 'and of what would have to be next', ...needs];
}
