import type { Terminal } from '../terminal.js';
import type { ClientFlags } from './flags.js';
import type { ClusterClient } from './cluster-client.js';

/** Where a command's results, and what is said beside them, go. */
export interface ClientOutput {
  /** Results: standard output, text or a value's bytes as they are. */
  write(data: string | Uint8Array): void;
  /** Lines of results for people. */
  readonly terminal: Terminal;
  /** Progress and remarks: standard error, so that results can be piped. */
  readonly notes: Terminal;
}

/** What a command that talks to a running cluster works with. */
export interface ClientContext extends ClientOutput {
  readonly args: readonly string[];
  readonly flags: ClientFlags;
  readonly cluster: ClusterClient;
  /** Standard input to its end. */
  readonly readInput: () => Promise<Uint8Array>;
  /** Aborted by Ctrl-C. Asking for it means to end in order then, rather than at once. */
  readonly interrupt: () => AbortSignal;
  /** Resolves after a while, or at once when it is interrupted. */
  readonly pause: (ms: number, interrupt: AbortSignal) => Promise<void>;
}

/** A command, as the command line offers it and as it runs. Resolves with the exit code. */
export interface ClientCommand {
  /** `put`, `member add`. */
  readonly name: string;
  readonly arguments: string;
  readonly summary: string;
  readonly options: readonly (keyof ClientFlags)[];
  readonly examples: readonly (readonly [call: string, why: string])[];
  run(context: ClientContext): Promise<number>;
}

/** Prints a result: as one line of JSON when asked to, else for people. */
export function print(context: ClientContext, value: unknown, text: () => string): void {
  if (context.flags.json === true) context.write(`${JSON.stringify(value)}\n`);
  else context.terminal.line(text());
}
