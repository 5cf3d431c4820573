import type { Entry } from '../core/entry.js';
import type { LogId, LogIndex, NodeId, Term } from '../core/ids.js';
import type { SnapshotMeta } from '../core/messages.js';
import type { DurableWrite, HardState } from '../core/output.js';

/** Whose data a store holds. Checked against what is on disk at every open. */
export interface StorageIdentity {
  readonly clusterId: string;
  readonly nodeId: NodeId;
}

/** Where a run of entries of one term begins. */
export interface TermStart {
  readonly term: Term;
  readonly first: LogIndex;
}

/** What a store holds when it is opened. Everything in it is durable. */
export interface RecoveredState {
  /** Term 0 and no vote for a store that was never written. */
  readonly hardState: HardState;
  readonly snapshot: SnapshotMeta | null;
  /** The last entry that was compacted away; `ORIGIN` when none was. The log begins at `compacted.index + 1`. */
  readonly compacted: LogId;
  /** The last entry; equals `compacted` when the log is empty. */
  readonly lastLog: LogId;
  /** The terms of the log's entries as runs, in order of `first`; empty when the log is empty. */
  readonly terms: readonly TermStart[];
  /** Every configuration entry in the log, in order. */
  readonly configurations: readonly Entry[];
}

/**
 * The durable half of one node: its log, its hard state and its snapshots.
 *
 * - Nothing resolves before it is durable. Writes are issued without waiting for earlier ones, become
 *   durable in the order of the calls and resolve in that order (group commit is the store's own affair).
 * - A write is atomic: after a crash all of it is there, or none, and never a later one without an earlier one.
 * - A failed write or fsync poisons the store for good: that call and every later one reject with
 *   `StorageError`; nothing is retried.
 * - Every record's checksum is verified when it is read. A mismatch rejects with `CorruptLogError`, which
 *   names the index; nothing is skipped.
 * - No call blocks the thread for longer than a few milliseconds.
 */
export interface Storage {
  /**
   * Opens or creates the store and recovers its state.
   * @throws {StorageError} when another process holds the store, it belongs to another node or cluster, or its
   *   format is of another version.
   * @throws {CorruptLogError} when an acknowledged record can't be read back.
   */
  open(identity: StorageIdentity): Promise<RecoveredState>;

  /** Makes one write durable. The entries follow the log's last one without a gap once `truncateAfter` is done. */
  append(write: DurableWrite): Promise<void>;

  /**
   * Reads consecutive entries from `from` on: through `to` at most, at least one, and no more than `maxBytes`
   * (by `entryBytes`) unless the first alone is larger; a store may give fewer, so as not to hold the thread. Sees
   * every write that was issued before.
   * @throws {StorageError} when `from` is compacted away or past the end.
   */
  read(from: LogIndex, to: LogIndex, maxBytes: number): Promise<Entry[]>;

  /** Forgets every entry through `through`, which a durable snapshot covers (else it is refused). Works in chunks; a crash in between leaves a shorter or the old prefix. */
  compact(through: LogIndex): Promise<void>;

  /**
   * Saves a snapshot: when this resolves it is durable and is the one that `readSnapshot` gives. A crash
   * before then, or an error, leaves the previous one intact; an error of `chunks` is passed on as it is. A snapshot
   * that is older than the one in force does not take its place: then this gives the newer one's meta. `meta.bytes` is
   * filled in by the store.
   * With `replaceLog` (a snapshot from the leader that the log does not reach), the whole log is dropped atomically with it
   * and restarts after `meta.last`.
   */
  saveSnapshot(meta: Omit<SnapshotMeta, 'bytes'>, chunks: AsyncIterable<Uint8Array>, options: { readonly replaceLog: boolean }): Promise<SnapshotMeta>;

  /**
   * The latest snapshot, its bytes from `offset` on in chunks of at most 256 KiB, verified; null when there is none. What was
   * opened can be read to its end, whatever takes its place meanwhile.
   */
  readSnapshot(offset?: number): Promise<{ readonly meta: SnapshotMeta; readonly chunks: AsyncIterable<Uint8Array> } | null>;

  /** Waits for issued writes, then closes files and gives up the lock. A second call is a no-op. */
  close(): Promise<void>;
}
