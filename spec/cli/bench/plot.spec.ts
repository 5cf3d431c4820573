import { escapeXml, spread, tickText } from '../../../lib/cli/bench/plot/labels.js';
import { plot } from '../../../lib/cli/bench/plot/plot.js';
import { scaleFor } from '../../../lib/cli/bench/plot/scale.js';
import type { Curve } from '../../../lib/cli/bench/report.js';

describe('an axis', () => {
  test.each([
    ['linear', [1, 3, 5, 7], [0, 1, 2, 3, 4, 5, 6, 7]],
    ['linear', [12, 109.6], [0, 20, 40, 60, 80, 100, 120]],
    ['linear', [0.1, 0.31], [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35]],
    ['linear', [-3, 4], [-3, -2, -1, 0, 1, 2, 3, 4]],
    ['linear', [0], [0, 0.2, 0.4, 0.6, 0.8, 1]],
    ['linear', [], [0, 0.2, 0.4, 0.6, 0.8, 1]],
    ['log', [64, 65_536], [100, 1000, 10_000, 100_000]],
    ['log', [90_000, 1_700_000], [50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000]],
    ['log', [0.003, 0.004], [0.002, 0.005]],
    ['log', [1], [1, 2]],
    ['log', [], [1, 10]],
  ] as const)('that is %s and holds %j is marked at round numbers', (kind, values, ticks) => {
    expect(scaleFor(kind, values).ticks).toEqual(ticks);
  });

  test.each(['linear', 'log'] as const)('that is %s has a place within it for every value, in their order', (kind) => {
    for (const values of [[1, 2, 3], [0.07, 13, 999], [5, 5], [123_456, 7_890_123], [1e-7, 1e9]]) {
      const scale = scaleFor(kind, values);
      const places = values.map((value) => scale.at(value));
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      for (const place of [...places, ...scale.ticks.map((tick) => scale.at(tick))]) {
        expect(place).toBeGreaterThanOrEqual(-1e-9);
        expect(place).toBeLessThanOrEqual(1 + 1e-9);
      }
    }
  });

  it('of powers has no place for 0 and below, nor has any for what is no number', () => {
    const values = [0, -1, 10, NaN, Infinity];
    expect(values.filter(scaleFor('log', values).has)).toEqual([10]);
    expect(values.filter(scaleFor('linear', values).has)).toEqual([0, -1, 10]);
  });
});

describe('labels', () => {
  it('stay where they want to be when there is room', () => {
    expect(spread([10, 90, 50], 18, 100)).toEqual([10, 90, 50]);
  });

  it('are moved apart in their order, and stay within the length', () => {
    for (const wanted of [[50, 50, 50], [98, 99, 100], [0, 1, 2], [100, 0, 99, 98]]) {
      const places = spread(wanted, 18, 100);
      const order = wanted.map((_, i) => i).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
      const sorted = order.map((i) => places[i] ?? NaN);
      for (let i = 1; i < sorted.length; i += 1) expect((sorted[i] ?? NaN) - (sorted[i - 1] ?? NaN)).toBeGreaterThanOrEqual(18);
      expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...places)).toBeLessThanOrEqual(100);
    }
  });

  test.each([
    [0, '0'],
    [0.2, '0.2'],
    [50, '50'],
    [1000, '1 k'],
    [2500, '2.5 k'],
    [1_500_000, '1.5 M'],
    [2e9, '2 G'],
  ])('write %d as %s', (value, text) => {
    expect(tickText(value)).toBe(text);
  });

  it('can hold any text', () => {
    expect(escapeXml(`<a & "b" 'c'>`)).toBe('&lt;a &amp; &quot;b&quot; &#39;c&#39;&gt;');
  });
});

describe('a plot', () => {
  const curve: Curve = {
    id: 'x',
    title: 'Rates < limits & "more"',
    xLabel: 'clients <n>',
    yLabel: 'ms & more',
    xScale: 'log',
    yScale: 'linear',
    series: [
      { name: 'ours <1>', points: [[1, 10], [64, 55.5], [4096, 61]] },
      { name: 'theirs', points: [[1, 8], [64, NaN], [4096, 60.5]] },
      { name: 'nothing', points: [] },
    ],
  };

  it('has every point inside the area between its axes', () => {
    for (const xScale of ['linear', 'log'] as const) {
      const svg = plot({ ...curve, xScale });
      const [, left, right] = /<line class="grid" x1="([\d.]+)" y1="[\d.]+" x2="([\d.]+)"/.exec(svg) ?? [];
      const heights = [...svg.matchAll(/<line class="grid" x1="[\d.]+" y1="([\d.]+)"/g)].map((match) => Number(match[1]));
      const points = [...svg.matchAll(/<polyline [^>]*points="([^"]*)"/g)].flatMap((match) => (match[1] ?? '').split(' ').filter((pair) => pair !== '').map((pair) => pair.split(',').map(Number)));
      expect(points).toHaveLength(5);
      for (const [x = NaN, y = NaN] of points) {
        expect(x).toBeGreaterThanOrEqual(Number(left));
        expect(x).toBeLessThanOrEqual(Number(right));
        expect(y).toBeGreaterThanOrEqual(Math.min(...heights));
        expect(y).toBeLessThanOrEqual(Math.max(...heights));
      }
    }
  });

  it('is well-formed, says what it shows, and runs nothing', () => {
    const svg = plot(curve);
    const open: string[] = [];
    for (const [, end, name = '', closed] of svg.matchAll(/<(\/?)(\w+)(?:\s[^<>]*?)?(\/?)>/g)) {
      if (end === '/') expect(open.pop()).toBe(name);
      else if (closed !== '/') open.push(name);
    }
    expect(open).toEqual([]);
    expect(svg.replaceAll(/<[^<>]*>/g, '')).not.toMatch(/[<>]|&(?!amp;|lt;|gt;|quot;|#39;)/);
    expect(svg).toContain('<title>Rates &lt; limits &amp; &quot;more&quot;</title>');
    for (const text of ['ours &lt;1&gt;', 'theirs', 'clients &lt;n&gt;', 'ms &amp; more']) expect(svg).toContain(`>${text}</text>`);
    expect(svg).not.toMatch(/script|href|NaN|Infinity|undefined/);
  });

  it('names lines that end together one below the other', () => {
    const heights = [...plot(curve).matchAll(/<text class="name" x="[\d.]+" y="([\d.]+)"/g)].map((match) => Number(match[1]));
    expect(Math.abs((heights[0] ?? NaN) - (heights[1] ?? NaN))).toBeGreaterThanOrEqual(18);
  });

  it('needs no name for a line that is alone', () => {
    expect(plot({ ...curve, series: curve.series.slice(0, 1) })).not.toContain('class="name"');
  });

  it('can show that there is nothing', () => {
    expect(plot({ ...curve, series: [] })).not.toMatch(/NaN|Infinity/);
  });
});
