import type { Entry } from '../../../lib/core/entry.js';
import type { LogId } from '../../../lib/core/ids.js';
import type { HardState } from '../../../lib/core/output.js';
import type { RecoveredState, Storage } from '../../../lib/ports/storage.js';
import { bytesOf, chunked, commands, metaOf } from '../../../lib/testing/storage-suite/store.js';

/** One call of a store. All that it writes follows from it. */
export type Operation =
  | { readonly type: 'write'; readonly hardState: HardState | null; readonly truncateAfter: number | null; readonly count: number; readonly term: number }
  | { readonly type: 'snapshot'; readonly last: LogId; readonly replaceLog: boolean }
  | { readonly type: 'compact'; readonly through: number };

/** What a store holds. */
export interface Content {
  readonly hardState: HardState;
  readonly snapshot: LogId | null;
  readonly compacted: LogId;
  /** The terms of the entries from `compacted.index + 1` on. */
  readonly terms: readonly number[];
}

export const EMPTY: Content = { hardState: { term: 0, votedFor: null }, snapshot: null, compacted: { index: 0, term: 0 }, terms: [] };

export function contentOf({ hardState, snapshot, compacted, lastLog, terms }: RecoveredState): Content {
  const all: number[] = [];
  for (let index = compacted.index + 1; index <= lastLog.index; index++) all.push(terms.findLast(({ first }) => first <= index)?.term ?? -1);
  return { hardState, snapshot: snapshot?.last ?? null, compacted, terms: all };
}

export function lastOf({ compacted, terms }: Content): number {
  return compacted.index + terms.length;
}

export function after(content: Content, operation: Operation): Content {
  const { compacted, terms } = content;
  switch (operation.type) {
    case 'write': {
      const kept = operation.truncateAfter === null ? terms : terms.slice(0, operation.truncateAfter - compacted.index);
      return { ...content, hardState: operation.hardState ?? content.hardState, terms: [...kept, ...Array<number>(operation.count).fill(operation.term)] };
    }
    case 'snapshot':
      return operation.replaceLog ? { ...content, snapshot: operation.last, compacted: operation.last, terms: [] } : { ...content, snapshot: operation.last };
    case 'compact':
      return { ...content, compacted: { index: operation.through, term: terms[operation.through - compacted.index - 1] ?? -1 }, terms: terms.slice(operation.through - compacted.index) };
  }
}

export function nextOperation(content: Content, random: (bound: number) => number): Operation {
  const { hardState, compacted, snapshot, terms } = content;
  const [last, covered] = [lastOf(content), Math.max(compacted.index, snapshot?.index ?? 0)];
  const choice = random(20);
  if (choice === 0) return { type: 'snapshot', last: { index: last + 1 + random(9), term: hardState.term }, replaceLog: true };
  if (choice < 3 && last > covered) {
    const index = covered + 1 + random(last - covered);
    return { type: 'snapshot', last: { index, term: terms[index - compacted.index - 1] ?? -1 }, replaceLog: false };
  }
  if (choice < 6 && covered > compacted.index) return { type: 'compact', through: compacted.index + 1 + random(covered - compacted.index) };
  if (choice < 9 || hardState.term === 0) {
    const term = hardState.term + 1;
    const truncateAfter = last >= covered ? covered + random(last - covered + 1) : null;
    return { type: 'write', hardState: { term, votedFor: random(2) === 0 ? null : `node-${term}` }, truncateAfter, count: random(4), term };
  }
  return { type: 'write', hardState: null, truncateAfter: null, count: 1 + random(12), term: hardState.term };
}

export async function perform(storage: Storage, before: Content, operation: Operation, id: number): Promise<void> {
  if (operation.type === 'compact') return await storage.compact(operation.through);
  if (operation.type === 'snapshot') {
    const { last, replaceLog } = operation;
    await storage.saveSnapshot(metaOf(last.index, last.term), chunked(snapshotAt(last), 70_000), { replaceLog });
    return;
  }
  const { hardState, truncateAfter, count, term } = operation;
  const first = (truncateAfter ?? lastOf(before)) + 1;
  await storage.append({ id, hardState, truncateAfter, entries: entriesOf(first, Array<number>(count).fill(term)) });
}

export function entriesOf(first: number, terms: readonly number[]): Entry[] {
  return terms.flatMap((term, i) => commands(first + i, first + i, term, (first + i + term) % 9 === 0 ? 6000 : (first + i) % 60));
}

export function snapshotAt({ index, term }: LogId): Uint8Array {
  return bytesOf(((index * 7919 + term) % 3) * 140_000 + index, index + term);
}
