import type { Entry } from '../core/entry.js';
import { EntryList } from '../core/entry-list.js';
import { ORIGIN, type LogId, type LogIndex } from '../core/ids.js';
import type { SnapshotMeta } from '../core/messages.js';
import type { DurableWrite, HardState } from '../core/output.js';
import { CorruptLogError, StorageError } from '../ports/errors.js';
import type { RecoveredState, StorageIdentity } from '../ports/storage.js';
import { LogOutline } from './log-outline.js';

/** A snapshot and its bytes. */
export interface MemorySnapshot {
  readonly meta: SnapshotMeta;
  readonly bytes: Uint8Array;
}

/** One thing that becomes durable as a whole or not at all. */
export type MemoryOperation =
  | { readonly type: 'append'; readonly write: DurableWrite }
  | { readonly type: 'compact'; readonly through: LogIndex }
  | { readonly type: 'saveSnapshot'; readonly snapshot: MemorySnapshot; readonly replaceLog: boolean };

/** What a power cut leaves behind: the synced content of one memory disk. */
export class MemoryImage {
  /** Null until the disk is first opened. */
  identity: StorageIdentity | null = null;
  hardState: HardState = { term: 0, votedFor: null };
  snapshot: MemorySnapshot | null = null;
  compacted: LogId = ORIGIN;
  /** The log after `compacted`; shared with its maker. */
  readonly entries = new EntryList(1);
  /** Marks stand in for checksums, so that the hot path computes none. */
  readonly corruptEntries = new Set<LogIndex>();
  isSnapshotCorrupt = false;

  get lastLog(): LogId {
    return this.entries.at(this.entries.next - 1) ?? this.compacted;
  }

  apply(operation: MemoryOperation): void {
    switch (operation.type) {
      case 'append':
        return this.#append(operation.write);
      case 'compact':
        return this.#compact(operation.through);
      case 'saveSnapshot':
        return this.#saveSnapshot(operation.snapshot, operation.replaceLog);
      default:
        operation satisfies never;
    }
  }

  /** @throws {CorruptLogError} when the entry's mark says that its checksum would not match. */
  verified(index: LogIndex): Entry {
    const entry = this.entries.at(index);
    if (entry === undefined) throw new StorageError('read', `entry ${index} is not in the log (${this.compacted.index + 1} to ${this.lastLog.index})`);
    if (this.corruptEntries.size > 0 && this.corruptEntries.has(index)) {
      throw new CorruptLogError('log', index, 'the checksum does not match');
    }
    return entry;
  }

  recover(): RecoveredState {
    const outline = new LogOutline();
    for (const { index } of this.entries) outline.add(this.verified(index));
    return {
      hardState: this.hardState,
      snapshot: this.snapshot?.meta ?? null,
      compacted: { index: this.compacted.index, term: this.compacted.term },
      lastLog: { index: this.lastLog.index, term: this.lastLog.term },
      terms: outline.terms,
      configurations: outline.configurations,
    };
  }

  #append(write: DurableWrite): void {
    if (write.truncateAfter !== null) this.#truncateAfter(write.truncateAfter);
    const first = write.entries[0];
    if (first !== undefined && first.index !== this.lastLog.index + 1) {
      throw new StorageError('append', `entry ${first.index} does not follow the last one, ${this.lastLog.index}`);
    }
    this.entries.append(write.entries);
    if (write.hardState !== null) this.hardState = write.hardState;
  }

  #truncateAfter(index: LogIndex): void {
    if (index < this.compacted.index) throw new StorageError('append', `can't truncate after ${index}: compacted through ${this.compacted.index}`);
    if (index >= this.lastLog.index) return;
    this.entries.truncateAfter(index);
    for (const corrupt of this.corruptEntries) if (corrupt > index) this.corruptEntries.delete(corrupt);
  }

  #compact(through: LogIndex): void {
    if (through <= this.compacted.index) return;
    const last = this.entries.at(through);
    if (last === undefined) throw new StorageError('compact', `entry ${through} is past the end of the log, ${this.lastLog.index}`);
    this.entries.dropBefore(through + 1);
    this.compacted = { index: last.index, term: last.term };
    for (const corrupt of this.corruptEntries) if (corrupt <= through) this.corruptEntries.delete(corrupt);
  }

  #saveSnapshot(snapshot: MemorySnapshot, replaceLog: boolean): void {
    if (this.snapshot !== null && this.snapshot.meta.last.index > snapshot.meta.last.index) return;
    this.snapshot = snapshot;
    this.isSnapshotCorrupt = false;
    if (!replaceLog) return;
    this.compacted = snapshot.meta.last;
    this.entries.clear(this.compacted.index + 1);
    this.corruptEntries.clear();
  }
}
