/** Colours that stay apart for colour-blind readers (Okabe and Ito), all dark enough for white ground. */
export const PALETTE: readonly string[] = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#5f4b8b', '#e69f00', '#56b4e9', '#333333'];

/** A shape for each line, so that no reader depends on colours. */
export const MARKS: readonly ((x: number, y: number) => string)[] = [
  (x, y) => `<circle cx="${round(x)}" cy="${round(y)}" r="4"/>`,
  (x, y) => `<rect x="${round(x - 3.5)}" y="${round(y - 3.5)}" width="7" height="7"/>`,
  (x, y) => polygon([x, y - 5], [x + 5, y], [x, y + 5], [x - 5, y]),
  (x, y) => polygon([x, y - 4.5], [x + 4.5, y + 3.5], [x - 4.5, y + 3.5]),
  (x, y) => polygon([x, y + 4.5], [x + 4.5, y - 3.5], [x - 4.5, y - 3.5]),
];

export const STYLE = [
  'text{font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#59636e}',
  '.ground{fill:#fff;stroke:#d1d9e0}',
  '.title{font-size:16px;font-weight:600;fill:#1f2328}',
  '.axis{font-size:12px}',
  '.tick{font-size:12px}',
  '.name{font-size:12px;fill:#1f2328}',
  '.grid{stroke:#e6eaef}',
  '.foot{stroke:#818b98}',
  '.tie{stroke:#b6bfc9}',
  '.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}',
  '.mark{stroke:#fff;stroke-width:1.2}',
].join('');

function polygon(...corners: readonly (readonly [number, number])[]): string {
  return `<polygon points="${corners.map(([x, y]) => `${round(x)},${round(y)}`).join(' ')}"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
