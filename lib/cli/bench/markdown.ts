import { isMet, type Row } from './report.js';
import type { Result } from './results.js';
import { budgetText, valueText } from './text.js';

const START = '<!-- bench:start -->';
const END = '<!-- bench:end -->';

/**
 * A document with its section of results written anew.
 * @param plotPath the path of a curve's plot, as the document links to it.
 * @throws {Error} when the document has no place for it.
 */
export function withResults(document: string, results: readonly Result[], plotPath: (curve: string) => string): string {
  const from = document.indexOf(START);
  const to = document.indexOf(END);
  if (from === -1 || to < from) throw new Error(`the lines ${START} and ${END} say where the results go; they are not there, or not in this order`);
  return `${document.slice(0, from + START.length)}\n${resultsMarkdown(results, plotPath)}\n${document.slice(to)}`;
}

function resultsMarkdown(results: readonly Result[], plotPath: (curve: string) => string): string {
  return results.map((result) => sectionOf(result, plotPath)).join('\n\n');
}

function sectionOf({ title, rows, curves, notes, at, machine, load, size }: Result, plotPath: (curve: string) => string): string {
  const plots = curves.map((curve) => `![${escaped(curve.title)}](${plotPath(curve.id)})`);
  const table = ['| what | measured | budget | |', '| --- | ---: | ---: | --- |', ...rows.map(lineOf)].join('\n');
  const taken = `Medians of ${size.runs} ${size.runs === 1 ? 'run' : 'runs'}, ${at.slice(0, 10)}, ${machine}, load ${load.toFixed(1)} before.`;
  return [`### ${title}`, ...plots, rows.length > LONG_TABLE ? folded(summaryOf(rows), table) : table, [...notes, taken].map((note) => `- ${escaped(note)}`).join('\n')].join('\n\n');
}

/** Rows of a table that a reader need not skip. */
const LONG_TABLE = 12;

function summaryOf(rows: readonly Row[]): string {
  const verdicts = rows.map(isMet).filter((met) => met !== null);
  return `${rows.length} figures; ${verdicts.filter(Boolean).length} of ${verdicts.length} budgets met`;
}

function folded(summary: string, text: string): string {
  return `<details>\n<summary>${summary}</summary>\n\n${text}\n\n</details>`;
}

function lineOf(row: Row): string {
  const met = isMet(row);
  const what = row.what.startsWith(' ') ? `… ${row.what.trimStart()}` : row.what;
  return `| ${escaped(what)} | ${valueText(row)} | ${budgetText(row)} | ${met === null ? '' : met ? 'met' : '**missed**'} |`;
}

function escaped(text: string): string {
  return text.replaceAll(/[\\|*_`<[\]]/g, '\\$&');
}
