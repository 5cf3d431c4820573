import type { Style, Tone } from '../style.js';

/** A cell: its text, and a tone if it shall stand out. */
export type Cell = string | { readonly text: string; readonly tone: Tone };

/** Rows under a header, in columns as wide as they need. Tones do not count as width. */
export function table(header: readonly string[], rows: readonly (readonly Cell[])[], style: Style): string {
  const cells = [header.map((text): Cell => ({ text, tone: 'dim' })), ...rows];
  const widths = header.map((_, column) => Math.max(...cells.map((row) => textOf(row[column] ?? '').length)));
  return cells
    .map((row) => {
      const last = row.length - 1;
      return row.map((cell, column) => dressed(cell, column === last ? 0 : (widths[column] ?? 0), style)).join('  ').trimEnd();
    })
    .join('\n');
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}

function dressed(cell: Cell, width: number, style: Style): string {
  const text = textOf(cell);
  const padding = ' '.repeat(Math.max(0, width - text.length));
  return `${typeof cell === 'string' ? text : style(cell.tone, text)}${padding}`;
}
