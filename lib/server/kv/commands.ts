/**
 * What a write expects of the key before it: that it is absent, that it is present, or that its revision is
 * one of these. With a revision a put is a compare-and-set.
 */
export type Expectation = 'absent' | 'present' | readonly number[];

/** A write of the replicated key-value store. Small plain data, so that any codec carries it. */
export type KvCommand =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array; readonly expect?: Expectation }
  | { readonly type: 'delete'; readonly key: string; readonly expect?: Expectation };

/** What a write did. The last two changed nothing. */
export type KvResult =
  /** `revision` is the log index of the write, which the key keeps until it is written again. */
  | { readonly type: 'stored'; readonly revision: number; readonly created: boolean }
  | { readonly type: 'deleted'; readonly existed: boolean }
  /** The expectation did not hold; `revision` is the key's at that moment, null when it was absent. */
  | { readonly type: 'conflict'; readonly revision: number | null }
  /** The command is not one that this store takes. Every node refuses it alike. */
  | { readonly type: 'refused'; readonly reason: string };

/** A question to the store. */
export type KvQuery =
  | { readonly type: 'get'; readonly key: string }
  /** Keys that begin with `prefix`, in UTF-16 code unit order, after the key `after` (null: from the beginning). */
  | { readonly type: 'list'; readonly prefix: string; readonly after: string | null; readonly limit: number; readonly values: boolean }
  /** Counts and the checksum of the whole state: equal on every node that has applied the same commands. */
  | { readonly type: 'stats' };

export interface KvEntry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: number;
}

export interface KvListed {
  readonly key: string;
  readonly revision: number;
  readonly bytes: number;
  /** Null unless the query asked for values. */
  readonly value: Uint8Array | null;
}

/** `index` is the last command that the answer reflects. */
export type KvAnswer =
  | { readonly type: 'entry'; readonly index: number; readonly entry: KvEntry | null }
  /** `next` is the `after` of the next page; null when this is the last. */
  | { readonly type: 'page'; readonly index: number; readonly entries: readonly KvListed[]; readonly next: string | null }
  | { readonly type: 'stats'; readonly index: number; readonly keys: number; readonly bytes: number; readonly sha256: string }
  | { readonly type: 'refused'; readonly reason: string };

/**
 * Bounds that every node applies alike. They are part of what a command means: changing one is a new version
 * of the state machine, not an option.
 */
export const KV_LIMITS = Object.freeze({
  maxKeyBytes: 1024,
  maxValueBytes: 1024 * 1024,
  maxExpectedRevisions: 16,
  maxPageEntries: 1000,
  /** Keys and values of one page together, unless the first entry alone is larger. */
  maxPageBytes: 1024 * 1024,
});
