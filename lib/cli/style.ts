import { styleText } from 'node:util';

export type Tone = 'plain' | 'dim' | 'bold' | 'good' | 'notice' | 'bad' | 'blue' | 'magenta' | 'cyan';

/** Dresses a text for the terminal, or leaves it as it is. */
export type Style = (tone: Tone, text: string) => string;

const FORMATS = { dim: 'dim', bold: 'bold', good: 'green', notice: 'yellow', bad: 'red', blue: 'blue', magenta: 'magenta', cyan: 'cyan' } as const;

export const plainStyle: Style = (_, text) => text;

export const colourStyle: Style = (tone, text) => (tone === 'plain' ? text : styleText(FORMATS[tone], text));

/** Colours for a terminal, unless NO_COLOR is set (no-color.org); FORCE_COLOR asks for them elsewhere too. */
export function styleFor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Style {
  if ((env['NO_COLOR'] ?? '') !== '') return plainStyle;
  const forced = env['FORCE_COLOR'] ?? '';
  if (forced !== '') return forced === '0' ? plainStyle : colourStyle;
  return isTerminal && env['TERM'] !== 'dumb' ? colourStyle : plainStyle;
}
