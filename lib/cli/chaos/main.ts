import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT } from '../exit.js';
import { createTerminal, type Terminal } from '../terminal.js';
import { withFlags } from '../with-flags.js';
import { Chaos } from './chaos.js';
import { Guard } from './guard.js';
import { MemberPlan } from './members.js';
import { commandFor, parseFlags, USAGE, type ChaosFlags } from './options.js';
import { reportLines } from './report.js';

/** What `npm run chaos` does: signals, the run's directory and the report. */
async function main(flags: ChaosFlags): Promise<number> {
  const terminal = createTerminal(flags.json ? process.stderr : process.stdout, process.env);
  const interrupt = interruptSignal();
  const guard = new Guard();
  mkdirSync(flags.data, { recursive: true });
  const directory = mkdtempSync(join(flags.data, 'run-'));
  terminal.line(`rxraft chaos: ${flags.nodes} processes, ${flags.clients} clients, seed ${flags.seed}, fresh data in ${directory}`);
  try {
    const plan = await MemberPlan.open(directory, flags.nodes);
    const script = fileURLToPath(new URL('./child.js', import.meta.url));
    return await run(flags, new Chaos({ flags, plan, script, guard, terminal, interrupt }), directory, terminal);
  } finally {
    await guard.close();
  }
}

async function run(flags: ChaosFlags, chaos: Chaos, directory: string, terminal: Terminal): Promise<number> {
  const report = await chaos.run();
  terminal.line('');
  for (const line of reportLines(report, chaos.histogramLines, terminal.style)) terminal.line(line);
  if (flags.json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  const isGood = report.problems.length === 0;
  if (!isGood) terminal.line(`again, with the same faults in the same order: ${commandFor(flags)}`);
  if (isGood && !flags.keep) rmSync(directory, { recursive: true, force: true });
  else terminal.line(`data and logs are kept in ${directory}`);
  return isGood ? EXIT.ok : EXIT.failed;
}

/** Aborted by the first SIGINT, SIGTERM or SIGHUP; a second one ends the process at once, and the guard its nodes. */
function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(EXIT.interrupted);
      controller.abort(signal);
    });
  }
  return controller.signal;
}

process.exitCode = await withFlags(parseFlags, USAGE, main);
