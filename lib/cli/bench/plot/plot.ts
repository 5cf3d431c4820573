import type { Curve } from '../report.js';
import { escapeXml, spread, textWidth, tickText } from './labels.js';
import { MARKS, PALETTE, STYLE } from './look.js';
import { scaleFor, type Scale } from './scale.js';

const WIDTH = 760;
const HEIGHT = 400;
const TOP = 76;
const BOTTOM = 56;
const LABEL_GAP = 18;
const LABEL_SIZE = 12;

/** Where the points may be. */
interface Area {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

interface Line {
  readonly name: string;
  readonly colour: string;
  readonly mark: (x: number, y: number) => string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/**
 * A curve as an SVG: on a ground of its own, for light pages and dark ones, without scripts. Each line is named at its end.
 * Points that an axis has no place for (0 on one of powers, what is no number) are left out.
 */
export function plot(curve: Curve): string {
  const every = curve.series.flatMap(({ points }) => points);
  const x = scaleFor(curve.xScale, every.map(([value]) => value));
  const y = scaleFor(curve.yScale, every.map(([, value]) => value));
  const area = areaFor(curve, y);
  const lines = curve.series.map((series, i) => lineOf(series, i, x, y, area));
  const title = escapeXml(curve.title);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${title}">`,
    `<title>${title}</title>`,
    `<style>${STYLE}</style>`,
    `<rect class="ground" x="0.5" y="0.5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="8"/>`,
    `<text class="title" x="24" y="32">${title}</text>`,
    `<text class="axis" x="24" y="54">${escapeXml(curve.yLabel)}</text>`,
    `<text class="axis" x="${pixels((area.left + area.right) / 2)}" y="${HEIGHT - 14}" text-anchor="middle">${escapeXml(curve.xLabel)}</text>`,
    ...grid(x, y, area),
    ...lines.map(drawn),
    ...(curve.series.length > 1 ? names(lines, area) : []),
    '</svg>\n',
  ].join('\n');
}

function areaFor({ series }: Curve, y: Scale): Area {
  const ticks = Math.max(...y.ticks.map((tick) => textWidth(tickText(tick), LABEL_SIZE)));
  const labels = series.length > 1 ? 34 + Math.max(...series.map(({ name }) => textWidth(name, LABEL_SIZE))) : 16;
  return { left: Math.round(32 + ticks), right: Math.round(WIDTH - 16 - labels), top: TOP, bottom: HEIGHT - BOTTOM };
}

function lineOf({ name, points }: Curve['series'][number], i: number, x: Scale, y: Scale, area: Area): Line {
  const placed = points
    .filter(([a, b]) => x.has(a) && y.has(b))
    .map(([a, b]) => [area.left + x.at(a) * (area.right - area.left), area.bottom - y.at(b) * (area.bottom - area.top)] as const);
  return { name, colour: PALETTE[i % PALETTE.length] ?? '', mark: MARKS[i % MARKS.length] ?? (() => ''), points: placed };
}

function grid(x: Scale, y: Scale, { left, right, top, bottom }: Area): string[] {
  const across = y.ticks.flatMap((tick) => {
    const at = pixels(bottom - y.at(tick) * (bottom - top));
    return [`<line class="grid" x1="${left}" y1="${at}" x2="${right}" y2="${at}"/>`, `<text class="tick" x="${left - 10}" y="${at}" dy="4" text-anchor="end">${tickText(tick)}</text>`];
  });
  const along = x.ticks.flatMap((tick) => {
    const at = pixels(left + x.at(tick) * (right - left));
    return [`<line class="foot" x1="${at}" y1="${bottom}" x2="${at}" y2="${bottom + 5}"/>`, `<text class="tick" x="${at}" y="${bottom + 20}" text-anchor="middle">${tickText(tick)}</text>`];
  });
  return [...across, ...along, `<line class="foot" x1="${left}" y1="${bottom}" x2="${right}" y2="${bottom}"/>`];
}

function drawn({ colour, mark, points }: Line): string {
  const path = points.map(([x, y]) => `${pixels(x)},${pixels(y)}`).join(' ');
  return [`<polyline class="line" stroke="${colour}" points="${path}"/>`, `<g class="mark" fill="${colour}">`, ...points.map(([x, y]) => mark(x, y)), '</g>'].join('\n');
}

/** Every line's name beside its last point, moved apart where they would collide, and tied to it by a thin stroke then. */
function names(lines: readonly Line[], area: Area): string[] {
  const ended = lines.flatMap((line) => {
    const end = line.points.at(-1);
    return end === undefined ? [] : [{ line, end }];
  });
  const places = spread(ended.map(({ end }) => end[1] - area.top), LABEL_GAP, area.bottom - area.top);
  return ended.flatMap(({ line, end: [x, y] }, i) => {
    const at = area.top + (places[i] ?? 0);
    const label = area.right + 22;
    const tie = x < area.right - 1 || Math.abs(at - y) > 3 ? [`<line class="tie" x1="${pixels(x + 6)}" y1="${pixels(y)}" x2="${label - 9}" y2="${pixels(at)}"/>`] : [];
    return [...tie, `<g class="mark" fill="${line.colour}">${line.mark(label, at)}</g>`, `<text class="name" x="${label + 10}" y="${pixels(at)}" dy="4">${escapeXml(line.name)}</text>`];
  });
}

/** Tenths are enough, and keep files that are committed small. */
function pixels(value: number): string {
  return String(Math.round(value * 10) / 10);
}
