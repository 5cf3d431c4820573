import { countsText } from '../../testing/simulation/report.js';
import { createTerminal } from '../terminal.js';
import { MIN_SEEDS_FOR_COVERAGE, unmet } from './coverage.js';
import { commandFor, parseFlags, USAGE, type SimulateFlags } from './options.js';
import { runSimulations, type Tally } from './run-simulations.js';

/** A story that could not be made small is told from here. */
const MAX_STORY_LINES = 400;

/** The seeds on the command line, one simulation each; the report on standard output, progress on standard error. */
async function main(): Promise<number> {
  const flags = readFlags();
  if (flags === null) return 2;
  if (flags === 'help') return 0;
  const terminal = createTerminal(process.stderr, process.env);
  const startedAt = performance.now();
  terminal.line(`${flags.seeds} seeds from ${flags.seed}, ${flags.nodes} nodes, ${flags.turns} turns each, ${flags.jobs} at a time`);
  const tally = await runSimulations(flags, new URL('./worker.js', import.meta.url), ({ runs, turns, failures }) => {
    const seconds = (performance.now() - startedAt) / 1000;
    terminal.progress(`${runs} of ${flags.seeds} runs, ${turns.toLocaleString('en')} turns, ${failures.length} failed, ${seconds.toFixed(0)} s`);
  });
  terminal.progress('');
  report(flags, tally, (performance.now() - startedAt) / 1000);
  return tally.failures.length === 0 && neverMet(flags, tally).length === 0 ? 0 : 1;
}

function readFlags(): SimulateFlags | 'help' | null {
  try {
    const flags = parseFlags(process.argv.slice(2));
    if (flags !== null) return flags;
    process.stdout.write(USAGE);
    return 'help';
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return null;
  }
}

function report(flags: SimulateFlags, tally: Tally, seconds: number): void {
  const { runs, turns, committed, virtualMs, counts, failures } = tally;
  console.log(`${countsText(counts)}\n`);
  console.log(`${runs} runs (seeds ${flags.seed} to ${flags.seed + runs - 1}), ${turns.toLocaleString('en')} turns, ${committed.toLocaleString('en')} entries committed, ${(virtualMs / 1000).toLocaleString('en', { maximumFractionDigits: 0 })} virtual seconds in ${seconds.toFixed(1)} s`);
  for (const { message, story, smallest } of failures) {
    console.log(`\nFAILED ${message}`);
    if (story.length > 0) console.log(`\nthe story:\n${story.slice(-MAX_STORY_LINES).join('\n')}`);
    console.log(`\nreplay it: ${commandFor(smallest)}`);
  }
  const missing = neverMet(flags, tally);
  if (missing.length > 0) console.log(`\nFAILED to meet in ${runs} runs: ${missing.join(', ')}`);
  console.log(failures.length === 0 ? 'every invariant held after every turn' : `\n${failures.length} of ${runs} runs failed`);
}

/** What these seeds should have met between them and did not. Circumstances of one's own may well exclude something. */
function neverMet({ turns, nodes, faults, skip }: SimulateFlags, { runs, counts, failures }: Tally): string[] {
  const isUsual = turns >= 2000 && nodes >= 5 && faults === null && skip.length === 0 && failures.length === 0;
  return isUsual && runs >= MIN_SEEDS_FOR_COVERAGE ? unmet(counts) : [];
}

process.exitCode = await main();
