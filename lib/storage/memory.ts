import { entryBytes, type Entry } from '../core/entry.js';
import type { LogIndex } from '../core/ids.js';
import type { SnapshotMeta } from '../core/messages.js';
import type { DurableWrite } from '../core/output.js';
import { CorruptLogError, StorageError } from '../ports/errors.js';
import type { RecoveredState, Storage, StorageIdentity } from '../ports/storage.js';
import { MemoryDisk } from './memory-disk.js';
import type { MemoryOperation, MemorySnapshot } from './memory-image.js';

export { MemoryDisk, type MemoryDiskOptions } from './memory-disk.js';

const SNAPSHOT_CHUNK_BYTES = 256 * 1024;

/**
 * A deterministic store in memory, for tests, simulations and benchmarks. Faults and crashes are injected through
 * its disk, which also keeps the data when this instance is gone. After `disk.crash()` the instance is inert: its
 * promises never settle, as those of a dead process never do.
 *
 * The hot path is shaped by the in-process benchmark: one promise per write, entries shared and never copied.
 *
 * ```ts
 * const storage = new MemoryStorage();
 * ```
 */
export class MemoryStorage implements Storage {
  #isClosed = false;

  constructor(readonly disk: MemoryDisk = new MemoryDisk()) {}

  async open(identity: StorageIdentity): Promise<RecoveredState> {
    this.disk.attach(this);
    try {
      this.#checkIdentity(identity);
      return this.disk.image.recover();
    } catch (error) {
      this.disk.detach();
      throw error;
    }
  }

  append(write: DurableWrite): Promise<void> {
    return this.#submit({ type: 'append', write });
  }

  read(from: LogIndex, to: LogIndex, maxBytes: number): Promise<Entry[]> {
    const refusal = this.#refusal<Entry[]>('read');
    if (refusal !== null) return refusal;
    // The executor turns an exception into a rejection.
    return new Promise((resolve) => resolve(this.#readNow(from, to, maxBytes)));
  }

  compact(through: LogIndex): Promise<void> {
    const refusal = this.#refusal<void>('compact');
    if (refusal !== null) return refusal;
    const covered = this.disk.image.snapshot?.meta.last.index ?? 0;
    if (through > covered) return Promise.reject(new StorageError('compact', `no durable snapshot covers entry ${through}; the latest ends at ${covered}`));
    return this.#submit({ type: 'compact', through });
  }

  async saveSnapshot(
    meta: Omit<SnapshotMeta, 'bytes'>,
    chunks: AsyncIterable<Uint8Array>,
    options: { readonly replaceLog: boolean },
  ): Promise<SnapshotMeta> {
    const bytes = await collect(chunks);
    const { last, configuration, configurationIndex } = meta;
    const snapshot: MemorySnapshot = { meta: { last, configuration, configurationIndex, bytes: bytes.length }, bytes };
    await this.#submit({ type: 'saveSnapshot', snapshot, replaceLog: options.replaceLog });
    return this.disk.image.snapshot?.meta ?? snapshot.meta;
  }

  async readSnapshot(offset = 0): Promise<{ readonly meta: SnapshotMeta; readonly chunks: AsyncIterable<Uint8Array> } | null> {
    const refusal = this.#refusal<null>('readSnapshot');
    if (refusal !== null) return refusal;
    const { snapshot, isSnapshotCorrupt } = this.disk.image;
    if (snapshot === null) return null;
    return { meta: snapshot.meta, chunks: chunksOf(snapshot, offset, isSnapshotCorrupt) };
  }

  async close(): Promise<void> {
    if (this.#isClosed || !this.disk.isHeldBy(this)) return;
    this.#isClosed = true;
    // An empty write is durable after everything that was issued before it. A poisoned store has nothing to wait for.
    await this.disk.submit({ type: 'append', write: { id: -1, hardState: null, truncateAfter: null, entries: [] } }).catch(() => undefined);
    if (this.disk.isHeldBy(this)) this.disk.detach();
  }

  #submit(operation: MemoryOperation): Promise<void> {
    return this.#refusal<void>(operation.type) ?? this.disk.submit(operation);
  }

  /** Null when the call may go on; otherwise what the caller gets instead. */
  #refusal<T>(operation: string): Promise<T> | null {
    if (this.#isClosed) return Promise.reject(new StorageError(operation, 'the storage is closed'));
    if (!this.disk.isHeldBy(this)) return new Promise<T>(() => undefined);
    return this.disk.poison === null ? null : Promise.reject(this.disk.poison);
  }

  #checkIdentity(identity: StorageIdentity): void {
    const image = this.disk.image;
    image.identity ??= identity;
    for (const key of ['clusterId', 'nodeId'] as const) {
      if (image.identity[key] === identity[key]) continue;
      throw new StorageError('open', `the disk belongs to ${key} ${image.identity[key]}, not ${identity[key]}`);
    }
  }

  #readNow(from: LogIndex, to: LogIndex, maxBytes: number): Entry[] {
    const entries: Entry[] = [];
    let bytes = 0;
    for (let index = from; index <= to; index++) {
      const entry = this.#issued(index);
      if (entry === null) break;
      bytes += entryBytes(entry);
      if (entries.length > 0 && bytes > maxBytes) break;
      entries.push(entry);
    }
    if (entries.length === 0) throw new StorageError('read', `entry ${from} is compacted away or past the end`);
    return entries;
  }

  /** The entry as it will be once everything that was issued is durable; null when there is none. */
  #issued(index: LogIndex): Entry | null {
    const { image } = this.disk;
    let entry: Entry | null = index > image.compacted.index && index <= image.lastLog.index ? image.verified(index) : null;
    for (const operation of this.disk.unsyncedOperations()) entry = afterwards(operation, index, entry);
    return entry;
  }
}

/** What `index` holds after the operation, when it held `before`. */
function afterwards(operation: MemoryOperation, index: LogIndex, before: Entry | null): Entry | null {
  switch (operation.type) {
    case 'append': {
      const { truncateAfter, entries } = operation.write;
      const first = entries[0]?.index ?? Infinity;
      const isTruncated = truncateAfter !== null && index > truncateAfter;
      return entries[index - first] ?? (isTruncated ? null : before);
    }
    case 'compact':
      return index <= operation.through ? null : before;
    case 'saveSnapshot':
      return operation.replaceLog ? null : before;
  }
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    parts.push(chunk.slice());
    length += chunk.length;
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

async function* chunksOf(snapshot: MemorySnapshot, from: number, isCorrupt: boolean): AsyncGenerator<Uint8Array> {
  if (isCorrupt) throw new CorruptLogError('snapshot', snapshot.meta.last.index, 'the checksum does not match');
  for (let offset = from; offset < snapshot.bytes.length; offset += SNAPSHOT_CHUNK_BYTES) {
    yield snapshot.bytes.subarray(offset, offset + SNAPSHOT_CHUNK_BYTES);
  }
}
