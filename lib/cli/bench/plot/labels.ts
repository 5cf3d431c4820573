/** Moves labels apart that want to stand at `wanted` on a line from 0 to `length`: in the same order, at least `gap` between any two. */
export function spread(wanted: readonly number[], gap: number, length: number): number[] {
  const order = wanted.map((_, i) => i).sort((a, b) => (wanted[a] ?? 0) - (wanted[b] ?? 0));
  const placed = new Array<number>(wanted.length).fill(0);
  let free = -Infinity;
  for (const i of order) free = (placed[i] = Math.max(wanted[i] ?? 0, free)) + gap;
  let limit = Math.max(length, (wanted.length - 1) * gap);
  for (const i of order.toReversed()) limit = (placed[i] = Math.min(placed[i] ?? 0, limit)) - gap;
  return placed;
}

/** `1.5 M`, `250 k`, `0.2`: at most three digits that count. */
export function tickText(value: number): string {
  const [divisor, suffix] = UNITS.find(([unit]) => Math.abs(value) >= unit) ?? [1, ''];
  return `${Number((value / divisor).toPrecision(3))}${suffix}`;
}

const UNITS: readonly (readonly [number, string])[] = [
  [1e9, ' G'],
  [1e6, ' M'],
  [1e3, ' k'],
];

/** Roughly how wide a text is, in pixels, in the wider ones of the fonts that systems have. */
export function textWidth(text: string, fontSize: number): number {
  let ems = 0;
  for (const letter of text) ems += NARROW.test(letter) ? 0.36 : WIDE.test(letter) ? 0.9 : 0.61;
  return ems * fontSize;
}

const NARROW = /[ijlftrI.,:;|!'()[\] ]/;
const WIDE = /[mwMW%@]/;

export function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}
