import { styleFor, type Style } from './style.js';

/** Where a command prints. */
export interface Terminal {
  readonly style: Style;
  /** Whether a person watches: progress may then rewrite its line. */
  readonly isInteractive: boolean;
  /** Prints a line, above the progress line if there is one. */
  line(text?: string): void;
  /** Shows what is going on, in place of what was shown before. Nothing where nobody watches. */
  progress(text: string): void;
}

type Output = Pick<NodeJS.WriteStream, 'write'> & { readonly isTTY?: boolean; readonly columns?: number };

export function createTerminal(output: Output, env: Readonly<Record<string, string | undefined>>): Terminal {
  const isInteractive = output.isTTY === true && env['TERM'] !== 'dumb';
  let shown = '';
  const erase = (): void => {
    if (shown !== '') output.write('\r\u001b[K');
  };
  return {
    style: styleFor(isInteractive, env),
    isInteractive,
    line: (text = '') => {
      erase();
      output.write(`${text}\n${shown}`);
    },
    progress: (text) => {
      if (!isInteractive) return;
      erase();
      shown = text.slice(0, (output.columns ?? 80) - 1);
      output.write(shown);
    },
  };
}
