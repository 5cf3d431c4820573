import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { dirname, join, relative, sep } from 'node:path';
import { EXIT, messageOf } from '../exit.js';
import { createBench, type Bench } from './bench.js';
import { measureInChildren } from './child-processes.js';
import { withResults } from './markdown.js';
import { parseFlags, USAGE, type BenchFlags } from './options.js';
import { plot } from './plot/plot.js';
import { machineText, merged, readResults, resultsText, type Result } from './results.js';
import { runParts } from './run-parts.js';
import { reportText } from './text.js';

const interrupt = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupt.abort());

/** Measures the parts that were asked for, prints their tables as they are done, and writes results and plots. */
async function main(): Promise<number> {
  const flags = readFlags();
  if (typeof flags === 'number') return flags;
  await Promise.all([flags.out, flags.plots].map((folder) => mkdir(folder, { recursive: true })));
  const directory = await mkdtemp(join(flags.out, 'run-'));
  try {
    const bench = createBench(flags, directory, measureInChildren(new URL('./worker.js', import.meta.url), interrupt.signal), (line) => say(`  ${line}`));
    const failed = await measureAll(flags, bench);
    await show(flags);
    return failed.length === 0 ? EXIT.ok : EXIT.failed;
  } catch (error) {
    if (interrupt.signal.aborted) return EXIT.interrupted;
    say(messageOf(error));
    return EXIT.failed;
  } finally {
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function readFlags(): BenchFlags | number {
  try {
    const flags = parseFlags(process.argv.slice(2));
    if (flags !== null) return flags;
    process.stdout.write(USAGE);
    return EXIT.ok;
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n\n${USAGE}`);
    return EXIT.usage;
  }
}

/** Each part's results are kept as soon as they are there. Gives the names of the parts that failed. */
function measureAll(flags: BenchFlags, bench: Bench): Promise<string[]> {
  const { parts, runs, total, proposals, entries, seconds } = flags;
  const machine = machineText();
  const [load = 0] = loadavg();
  console.log(`${machine}, load ${load.toFixed(1)} before; medians of ${runs} ${runs === 1 ? 'run' : 'runs'}`);
  return runParts(parts, bench, interrupt.signal, say, async ({ name, title }, report) => {
    console.log(`\n${title}\n${reportText(report)}`);
    await keep(flags, { part: name, title, at: new Date().toISOString(), machine, load, size: { runs, total, proposals, entries, seconds }, ...report });
  });
}

async function keep(flags: BenchFlags, result: Result): Promise<void> {
  const file = resultsFile(flags);
  await writeFile(file, resultsText(merged(await readResults(file), [result])));
}

/** The plots of all results that there are, and the document that shows them. */
async function show(flags: BenchFlags): Promise<void> {
  const { plots, readme } = flags;
  const results = await readResults(resultsFile(flags));
  const curves = results.flatMap((result) => result.curves);
  const plotFile = (id: string): string => join(plots, `${id}.svg`);
  for (const curve of curves) await writeFile(plotFile(curve.id), plot(curve));
  console.log(`\nwritten: ${[resultsFile(flags), ...curves.map(({ id }) => plotFile(id))].join(', ')}`);
  if (readme === null) return;
  const document = await readFile(readme, 'utf8');
  await writeFile(readme, withResults(document, results, (id) => relative(dirname(readme), plotFile(id)).split(sep).join('/')));
  console.log(`written: the results in ${readme}`);
}

function resultsFile({ out }: BenchFlags): string {
  return join(out, 'results.json');
}

process.exitCode = await main();
