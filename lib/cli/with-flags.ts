import { EXIT, messageOf } from './exit.js';

/**
 * Runs a program with what its command line says, and returns its exit code. `parse` gives null when help was asked for, and
 * throws a sentence when something is wrong: both end here, with the usage.
 */
export async function withFlags<Flags>(parse: (args: readonly string[]) => Flags | null, usage: string, run: (flags: Flags) => Promise<number>): Promise<number> {
  let flags: Flags | null;
  try {
    flags = parse(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n\n${usage}`);
    return EXIT.usage;
  }
  if (flags !== null) return run(flags);
  process.stdout.write(usage);
  return EXIT.ok;
}
