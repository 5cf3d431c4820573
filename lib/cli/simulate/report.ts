import { countsText, type SimulationCounts } from '../../testing/simulation/report.js';
import { coverageOf, type Coverage, type Unmet } from './coverage.js';
import { commandFor, type SimulateFlags } from './options.js';
import type { Tally } from './run-simulations.js';
import type { SimulationFailure } from './worker.js';

/** A story that could not be made small is told from here. */
const MAX_STORY_LINES = 400;

/** Whether every run held, and the runs met between them what they had to meet. */
export function hasHeld(flags: SimulateFlags, tally: Tally): boolean {
  return tally.failures.length === 0 && overdue(flags, tally, coverageOf(tally.counts)).length === 0;
}

/** What happened, what went wrong and how to see it again, and the verdict. */
export function reportLines(flags: SimulateFlags, tally: Tally, seconds: number): string[] {
  const { runs, turns, committed, virtualMs, counts, failures } = tally;
  const coverage = coverageOf(counts);
  return [
    countsText(withZeros(counts, coverage)),
    '',
    `${runs} runs (seeds ${flags.seed} to ${flags.seed + runs - 1}), ${turns.toLocaleString('en')} turns, ${committed.toLocaleString('en')} entries committed, ${(virtualMs / 1000).toLocaleString('en', { maximumFractionDigits: 0 })} virtual seconds in ${seconds.toFixed(1)} s`,
    ...failures.flatMap(failureLines),
    ...coverageLines(flags, tally, coverage),
    failures.length === 0 ? 'every invariant held after every turn' : `\n${failures.length} of ${runs} runs failed`,
  ];
}

/** Which run failed, and over what: one line. */
export function headOf(failure: SimulationFailure | undefined): string {
  return failure?.message.split('\n', 1)[0] ?? '';
}

function failureLines({ message, story, smallest }: SimulationFailure): string[] {
  const told = story.length === 0 ? [] : ['', 'the story:', ...story.slice(-MAX_STORY_LINES)];
  return ['', `FAILED ${message}`, ...told, '', `replay it: ${commandFor(smallest)}`];
}

function coverageLines(flags: SimulateFlags, tally: Tally, { unmet, known, unreachable }: Coverage): string[] {
  const lines = [`${known - unmet.length} of ${known} kinds of faults, operations and events occurred, without those that can't: ${Object.entries(unreachable).map(([kind, why]) => `${kind} (${why})`).join(', ')}`];
  const late = overdue(flags, tally, { unmet });
  const others = unmet.filter((each) => !late.includes(each));
  for (const seeds of new Set(others.map(({ withinSeeds }) => withinSeeds))) {
    const names = others.filter(({ withinSeeds }) => withinSeeds === seeds).map(({ words }) => words);
    lines.push(`never (a failure from ${seeds.toLocaleString('en')} seeds on, under the usual circumstances): ${names.join(', ')}`);
  }
  if (late.length > 0) lines.push(`\nFAILED to meet in ${tally.runs} runs: ${late.map(({ words }) => words).join(', ')}`);
  return lines;
}

/** What so many seeds should have met between them. Circumstances of one's own may well exclude something. */
function overdue({ turns, nodes, faults, skip }: SimulateFlags, { runs, failures }: Tally, { unmet }: Pick<Coverage, 'unmet'>): Unmet[] {
  const isUsual = turns >= 2000 && nodes >= 5 && faults === null && skip.length === 0 && failures.length === 0;
  return isUsual ? unmet.filter(({ withinSeeds }) => runs >= withinSeeds) : [];
}

/** What never occurred has its row too. */
function withZeros(counts: SimulationCounts, { unmet }: Coverage): SimulationCounts {
  const copy = structuredClone(counts);
  for (const { family, name } of unmet) copy[family][name] = 0;
  return copy;
}
