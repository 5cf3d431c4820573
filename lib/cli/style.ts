export type Tone = 'plain' | 'dim' | 'bold' | 'good' | 'notice' | 'bad' | 'blue' | 'magenta' | 'cyan';

/** Dresses a text for the terminal, or leaves it as it is. */
export type Style = (tone: Tone, text: string) => string;

/** Select Graphic Rendition: the codes that switch a tone on and off. (`util.styleText` looks at the real standard output, whatever is asked of it.) */
const CODES: Readonly<Record<Exclude<Tone, 'plain'>, readonly [on: number, off: number]>> = {
  dim: [2, 22],
  bold: [1, 22],
  good: [32, 39],
  notice: [33, 39],
  bad: [31, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
};

export const plainStyle: Style = (_, text) => text;

export const colourStyle: Style = (tone, text) => {
  if (tone === 'plain') return text;
  const [on, off] = CODES[tone];
  return `\u001b[${on}m${text}\u001b[${off}m`;
};

/** Colours for a terminal, unless NO_COLOR is set (no-color.org); FORCE_COLOR asks for them elsewhere too. */
export function styleFor(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): Style {
  if ((env['NO_COLOR'] ?? '') !== '') return plainStyle;
  const forced = env['FORCE_COLOR'] ?? '';
  if (forced !== '') return forced === '0' ? plainStyle : colourStyle;
  return isTerminal && env['TERM'] !== 'dumb' ? colourStyle : plainStyle;
}
