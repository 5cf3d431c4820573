import { isMet, type Report, type Row } from './report.js';

/** A report for a terminal: the rows as a table, then what must be known of them. */
export function reportText({ rows, notes }: Pick<Report, 'rows' | 'notes'>): string {
  const width = Math.max(0, ...rows.map((row) => row.what.length));
  const lines = rows.map((row) => `  ${row.what.padEnd(width)}  ${valueText(row).padEnd(22)}${verdict(row)}`.trimEnd());
  return [...lines, ...notes.map((note) => `  · ${wrapped(note)}`)].join('\n');
}

/** A row's value as people write it: `1 234 567 /s`, `0.97 ×`. */
export function valueText({ value, unit }: Pick<Row, 'value' | 'unit'>): string {
  return `${numberText(value)} ${unit}`;
}

/** `≥ 0.5`, or nothing. */
export function budgetText({ budget, isCeiling }: Row): string {
  return budget === undefined ? '' : `${isCeiling === true ? '≤' : '≥'} ${numberText(budget)}`;
}

function verdict(row: Row): string {
  const met = isMet(row);
  return met === null ? '' : `budget ${budgetText(row)}  ${met ? 'met' : 'MISSED'}`;
}

function numberText(value: number): string {
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');
  return String(Number(value.toFixed(Math.abs(value) >= 10 ? 1 : 3)));
}

const LINE = 112;

function wrapped(text: string): string {
  let column = 0;
  return text
    .split(' ')
    .map((word) => {
      const isFull = column > 0 && column + word.length > LINE;
      column = isFull ? word.length + 1 : column + word.length + 1;
      return isFull ? `\n    ${word}` : word;
    })
    .join(' ')
    .replaceAll(' \n', '\n');
}
