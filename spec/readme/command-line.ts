import { runProgram, type Actions } from '../../lib/cli/program.js';

/** What the real command line makes of a command, without running it: null when it takes it, else what it prints. */
export async function complaintAbout(args: readonly string[]): Promise<string | null> {
  const { taken, printed } = await parsed(args);
  return taken ? null : printed;
}

/** The options that a command's help offers, such as `--if-absent`. */
export async function optionsOf(command: string): Promise<readonly string[]> {
  const { printed } = await parsed([...command.split(' '), '--help']);
  return [...printed.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map((match) => match[1] ?? '');
}

/** The words of a shell's line: split at spaces, but for what stands in quotes. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) => word.replaceAll(/'([^']*)'|"([^"]*)"/g, '$1$2'));
}

async function parsed(args: readonly string[]): Promise<{ readonly taken: boolean; readonly printed: string }> {
  let taken = false;
  let printed = '';
  const take = async (): Promise<number> => {
    taken = true;
    return 0;
  };
  const actions: Actions = { serve: take, cluster: take, client: take };
  const print = (text: string): void => void (printed += text);
  await runProgram(args, '0.0.0', actions, { out: print, err: print });
  return { taken, printed };
}
