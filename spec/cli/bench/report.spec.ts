import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withResults } from '../../../lib/cli/bench/markdown.js';
import { isMet, median, type Row } from '../../../lib/cli/bench/report.js';
import { merged, readResults, resultsText, type Result } from '../../../lib/cli/bench/results.js';
import { reportText, valueText } from '../../../lib/cli/bench/text.js';

const size = { runs: 1, total: 2, proposals: 3, entries: 4, seconds: 5 };
const rows: readonly Row[] = [
  { what: 'proposals | all', value: 1_234_567.8, unit: 'proposals/s', budget: 1_000_000 },
  { what: '  / ceiling', value: 0.4444, unit: '×', budget: 0.5 },
  { what: '  delay', value: 3.21, unit: 'ms', budget: 10, isCeiling: true },
  { what: 'told only', value: 12.345, unit: 'ns' },
];
const result = (part: string, changes: Partial<Result> = {}): Result => ({ part, title: `Of ${part}`, at: '2026-11-22T01:02:03.000Z', machine: 'Node.js v20, 2 × <CPU>', load: 0.12, size, rows, curves: [], notes: ['Mind that.'], ...changes });

describe('a median', () => {
  test.each([
    [[3], 3],
    [[9, 1, 3], 3],
    [[4, 1, 3, 2], 2.5],
    [[], NaN],
  ])('of %j is %d', (values, middle) => {
    expect(median(values)).toBe(middle);
  });
});

describe('a row', () => {
  it('keeps its budget from below, or from above where it is a ceiling', () => {
    expect(rows.map(isMet)).toEqual([true, false, true, null]);
  });

  test.each([
    [1_234_567.8, '1 234 567 x'.replace('567', '568')],
    [999.94, '999.9 x'],
    [12.345, '12.3 x'],
    [0.97251, '0.973 x'],
    [0, '0 x'],
  ])('writes %d as %s', (value, text) => {
    expect(valueText({ value, unit: 'x' })).toBe(text);
  });
});

it('is a table with verdicts and notes for a terminal', () => {
  expect(reportText({ rows, notes: ['Mind that.', 'word '.repeat(40).trim()] }).split('\n')).toEqual([
    '  proposals | all  1 234 568 proposals/s budget ≥ 1 000 000  met',
    '    / ceiling      0.444 ×               budget ≥ 0.5  MISSED',
    '    delay          3.21 ms               budget ≤ 10  met',
    '  told only        12.3 ns',
    '  · Mind that.',
    `  · ${'word '.repeat(22).trim()}`,
    `    ${'word '.repeat(18).trim()}`,
  ]);
});

describe('a document', () => {
  const document = 'before\n<!-- bench:start -->\nold\n<!-- bench:end -->\nafter\n';
  const curve = { id: 'c', title: 'A [curve]', xLabel: '', yLabel: '', xScale: 'linear', yScale: 'linear', series: [] } as const;

  it('gets its section of results written anew, the rest as it was', () => {
    const written = withResults(document, [result('append', { curves: [curve] })], (id) => `figures/${id}.svg`);
    expect(written.split('\n')).toEqual([
      'before',
      '<!-- bench:start -->',
      '### Of append',
      '',
      '![A \\[curve\\]](figures/c.svg)',
      '',
      '| what | measured | budget | |',
      '| --- | ---: | ---: | --- |',
      '| proposals \\| all | 1 234 568 proposals/s | ≥ 1 000 000 | met |',
      '| … / ceiling | 0.444 × | ≥ 0.5 | **missed** |',
      '| … delay | 3.21 ms | ≤ 10 | met |',
      '| told only | 12.3 ns |  |  |',
      '',
      '- Mind that.',
      '- Medians of 1 run, 2026-11-22, Node.js v20, 2 × \\<CPU>, load 0.1 before.',
      '<!-- bench:end -->',
      'after',
      '',
    ]);
    expect(withResults(written, [], String)).toBe('before\n<!-- bench:start -->\n\n<!-- bench:end -->\nafter\n');
  });

  it('folds long tables away', () => {
    const long = withResults(document, [result('append', { rows: [...rows, ...rows, ...rows, ...rows] })], String);
    expect(long).toContain('<details>\n<summary>16 figures; 8 of 12 budgets met</summary>\n\n| what |');
    expect(long).toContain('|\n\n</details>\n\n- Mind that.');
  });

  test.each(['no place', '<!-- bench:end --><!-- bench:start -->', '<!-- bench:start -->'])('without a place for them is refused: %s', (text) => {
    expect(() => withResults(text, [], String)).toThrow('say where the results go');
  });
});

describe('results', () => {
  it('take the place of those that they renew, in the order of the suite', () => {
    const old = [result('append'), result('memory')];
    const fresh = [result('append', { at: 'now' }), result('proposals')];
    expect(merged(old, fresh)).toEqual([fresh[1], fresh[0], old[1]]);
  });

  it('are read back as they were written, or are none yet; what is no file of results is refused', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rxraft-spec-'));
    const file = join(folder, 'results.json');
    expect(await readResults(file)).toEqual([]);
    writeFileSync(file, resultsText([result('append')]));
    expect(await readResults(file)).toEqual([result('append')]);
    writeFileSync(file, '{"rows":[]}');
    await expect(readResults(file)).rejects.toThrow('remove it, or choose another --out');
    rmSync(folder, { recursive: true });
  });
});
