import type { Configuration } from '../../lib/core/configuration.js';
import type { Entry } from '../../lib/core/entry.js';
import type { LogId, NodeId } from '../../lib/core/ids.js';

const SUPERSCRIPTS = [...'⁰¹²³⁴⁵⁶⁷⁸⁹'];
/** Longer lists of entries name the first and the last. */
const LISTED_ENTRIES = 6;

/** Index and, raised, term: `3²` is entry 3 of term 2. */
export function idText({ index, term }: LogId): string {
  return `${index}${[...String(term)].map((digit) => SUPERSCRIPTS[Number(digit)]).join('')}`;
}

/** What is in an entry stands behind it: `4²(noop) 5²(x) 6²(ade|abc)`. */
export function entriesText(entries: readonly Entry[]): string {
  const [first, last] = [entries[0], entries[entries.length - 1]];
  if (first !== undefined && last !== undefined && entries.length > LISTED_ENTRIES) return `${idText(first)}…${idText(last)}`;
  return entries.map((entry) => `${idText(entry)}${contentText(entry)}`).join(' ');
}

/** Voters, outgoing voters and learners: `abc`, `abd|abc`, `abc+d`; `-` for no configuration at all. */
export function membersText({ voters, votersOutgoing, learners }: Omit<Configuration, 'nodes'>): string {
  if (voters.length === 0) return '-';
  const outgoing = votersOutgoing.length === 0 ? '' : `|${namesText(votersOutgoing)}`;
  return `${namesText(voters)}${outgoing}${learners.length === 0 ? '' : `+${namesText(learners)}`}`;
}

export function rangeText(from: number, to: number): string {
  return from === to ? String(from) : `${from}..${to}`;
}

function namesText(ids: readonly NodeId[]): string {
  return ids.join(ids.every((id) => id.length === 1) ? '' : ',');
}

function contentText({ kind, payload }: Entry): string {
  const text = new TextDecoder().decode(payload);
  if (kind === 'noop') return '(noop)';
  if (kind === 'configuration') return `(${membersText(JSON.parse(text) as Configuration)})`;
  if (text.length > 8) return `(${text.length} bytes)`;
  return text === '' ? '' : `(${text})`;
}
