import { EXIT } from '../exit.js';
import { Progress } from '../progress.js';
import { createTerminal } from '../terminal.js';
import { withFlags } from '../with-flags.js';
import { parseFlags, USAGE, type SimulateFlags } from './options.js';
import { headOf, hasHeld, reportLines } from './report.js';
import { runSimulations, type Tally } from './run-simulations.js';

/** The seeds on the command line, one simulation each; the report on standard output, progress on standard error. */
async function main(flags: SimulateFlags): Promise<number> {
  const terminal = createTerminal(process.stderr, process.env);
  const progress = new Progress(terminal);
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  terminal.line(`${flags.seeds} seeds from ${flags.seed}, ${flags.nodes} nodes, ${flags.turns} turns each, ${flags.jobs} at a time`);
  let failed = 0;
  const tally = await runSimulations(flags, new URL('./worker.js', import.meta.url), (soFar) => {
    for (; failed < soFar.failures.length; failed += 1) terminal.line(`FAILED ${headOf(soFar.failures[failed])}`);
    progress.show(soFar.runs / flags.seeds, progressText(flags, soFar, seconds()));
  });
  progress.end();
  for (const line of reportLines(flags, tally, seconds())) process.stdout.write(`${line}\n`);
  return hasHeld(flags, tally) ? EXIT.ok : EXIT.failed;
}

function progressText({ seeds }: SimulateFlags, { runs, turns, failures }: Tally, seconds: number): string {
  const left = (seconds / runs) * (seeds - runs);
  return `${runs} of ${seeds} runs, ${turns.toLocaleString('en')} turns, ${failures.length} failed, ${seconds.toFixed(0)} s, about ${left.toFixed(0)} s left`;
}

process.exitCode = await withFlags(parseFlags, USAGE, main);
