import type { LogIndex, Term } from './ids.js';

/** `command` is the application's; `noop` opens a leader's term (§8); `configuration` is cluster membership (§6). */
export type EntryKind = 'command' | 'noop' | 'configuration';

/** One slot of the replicated log. Immutable once made, so that nodes in one process may share it. */
export interface Entry {
  readonly index: LogIndex;
  readonly term: Term;
  readonly kind: EntryKind;
  /** The encoded command or configuration; empty for a noop. Never written to after the entry is made. */
  readonly payload: Uint8Array;
}

/** What an entry is taken to cost beyond its payload wherever bytes are bounded. */
export const ENTRY_OVERHEAD_BYTES = 32;

/** What entries without content carry. */
export const EMPTY_PAYLOAD: Uint8Array = new Uint8Array(0);

/** The size that every byte bound counts. */
export function entryBytes(entry: Entry): number {
  return entry.payload.length + ENTRY_OVERHEAD_BYTES;
}

/** The size of several entries. */
export function entriesBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entryBytes(entry);
  return bytes;
}
