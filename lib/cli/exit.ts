/** How the `rxraft` command ends. */
export const EXIT = Object.freeze({
  ok: 0,
  /** What was to be done failed. */
  failed: 1,
  /** The command line, an option or the environment is wrong: the same call fails again. */
  usage: 2,
  /** No node answered, or there is no leader: try again later. */
  unavailable: 3,
  /** It can't be known whether it happened, or still will: look before it is asked for again. */
  indeterminate: 4,
  /** Ctrl-C ended it before it was done, or ended what lasts until then. */
  interrupted: 130,
});

/** An error for the person at the terminal: its message is all that is printed. */
export class CliError extends Error {
  constructor(
    message: string,
    readonly exitCode: number = EXIT.failed,
  ) {
    super(message);
    this.name = 'CliError';
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
