/** When a node takes a snapshot by itself, and how much log it keeps behind it. */
export interface SnapshotPolicy {
  /** Take one after this many applied entries since the last. Default 100 000. */
  readonly entries: number;
  /** Or after this many bytes of them. Default 64 MiB. */
  readonly bytes: number;
  /** Entries to keep behind the snapshot, so that a peer a little behind needs no snapshot. Default 10 000. */
  readonly keepEntries: number;
}

export const DEFAULT_SNAPSHOT_POLICY: SnapshotPolicy = Object.freeze({ entries: 100_000, bytes: 64 << 20, keepEntries: 10_000 });
