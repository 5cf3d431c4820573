import { resolve } from 'node:path';
import type { Entry } from '../core/entry.js';
import type { LogId, LogIndex } from '../core/ids.js';
import type { SnapshotMeta } from '../core/messages.js';
import type { DurableWrite } from '../core/output.js';
import { RaftError, StorageError } from '../ports/errors.js';
import type { RecoveredState, Storage, StorageIdentity } from '../ports/storage.js';
import { DirectoryLock } from './file/directory-lock.js';
import type { AroundCommit } from './file/log-writer.js';
import { doAll, makeDirectory } from './file/files.js';
import { recover, type OpenedStore } from './file/recovery.js';
import { openSnapshot, prepareSnapshot, type PreparedSnapshot, type SnapshotReader } from './file/snapshot-file.js';

export interface FileStorageOptions {
  /** The directory, of this node alone, on a local file system. Created when it is missing. Required. */
  readonly path: string;
  /** What every commit goes through; for tests that count commits and make them fail. Default: nothing. */
  readonly aroundCommit?: AroundCommit;
}

/**
 * The durable store: log and hard state in a sequence of files, the snapshot in a file beside them.
 *
 * ```
 * rxraft.json      whose directory it is, and its format version     identity-file.ts
 * log-0000000001   segments of the log, the older ones first          segments.ts, segment.ts
 * log-…              commits: what is in force, and blocks of entries  commit.ts, state-record.ts, block.ts
 * snapshot         the latest                                        snapshot-file.ts
 * lock-…           the socket that keeps everyone else out           directory-lock.ts
 * ```
 *
 * Appends that arrive while a commit is under way go together in the next one; a commit is one durable write off the event
 * loop (log-writer.ts). Segments go when all their entries are compacted. A failed commit poisons the store, as the
 * contract says; a snapshot that can't be written is only rejected, since the one before it is intact.
 *
 * Damage to anything that counts is refused with a `CorruptLogError`, when the directory is opened or when it is read. A last
 * commit that a crash cut short, of which nobody was told that it was done, is no damage and is wiped out (replay.ts). What
 * can't be told from that: a last commit of which a disk lost whole sectors later, and found zeros in their place.
 *
 * ```ts
 * const storage = new FileStorage({ path: './data/a' });
 * const { hardState, lastLog } = await storage.open({ clusterId: 'shop', nodeId: 'a' });
 * ```
 */
export class FileStorage implements Storage {
  readonly #directory: string;
  readonly #aroundCommit: AroundCommit;
  /** Null before `open` and after `close`. */
  #store: OpenedStore | null = null;
  #lock: DirectoryLock | null = null;
  #phase: 'new' | 'open' | 'closed' = 'new';
  #opening: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | null = null;
  /** The snapshot that is being put in force; one at a time. */
  #publishing: Promise<unknown> = Promise.resolve();
  readonly #snapshotReaders = new Set<SnapshotReader>();

  constructor(options: FileStorageOptions) {
    this.#directory = resolve(options.path);
    this.#aroundCommit = options.aroundCommit ?? ((commit) => commit());
  }

  async open(identity: StorageIdentity): Promise<RecoveredState> {
    if (this.#phase !== 'new') throw new StorageError('open', 'this storage was opened before; make a new one');
    this.#phase = 'open';
    const opening = this.#open(identity);
    this.#opening = opening.catch(() => undefined);
    return await opening;
  }

  async #open(identity: StorageIdentity): Promise<RecoveredState> {
    try {
      await makeDirectory(this.#directory);
      this.#lock = await DirectoryLock.acquire(this.#directory);
      const { store, state } = await recover(this.#directory, identity, this.#aroundCommit);
      this.#store = store;
      return state;
    } catch (error) {
      this.#phase = 'closed';
      // The first error is the one to tell of; a lock that is not let go of cleanly is one of the dead all the same.
      await this.#lock?.release().catch(() => undefined);
      throw asRaftError('open', error);
    }
  }

  append(write: DurableWrite): Promise<void> {
    return this.#store === null ? Promise.reject(this.#notOpen('append')) : this.#store.writer.submit({ type: 'append', write });
  }

  async read(from: LogIndex, to: LogIndex, maxBytes: number): Promise<Entry[]> {
    const { writer, reader } = this.#opened('read');
    if (writer.touches(to)) await writer.submit({ type: 'barrier' });
    if (writer.failure !== null) throw writer.failure;
    const { compacted, last } = writer.state;
    if (from <= compacted.index || from > last.index) throw new StorageError('read', `entry ${from} is compacted away or past the end (${compacted.index + 1} to ${last.index})`);
    return checked('read', () => reader.read(from, Math.min(to, last.index), maxBytes));
  }

  async compact(through: LogIndex): Promise<void> {
    const store = this.#opened('compact');
    const { writer, reader } = store;
    if (writer.failure !== null) throw writer.failure;
    const covered = store.snapshot?.last ?? null;
    if (covered === null || through > covered.index) throw new StorageError('compact', `no durable snapshot covers entry ${through}; the latest ends at ${covered?.index ?? 0}`);
    if (writer.touches(through)) await writer.submit({ type: 'barrier' });
    const { compacted: before, last } = writer.state;
    if (through <= before.index) return;
    if (through > last.index) throw new StorageError('compact', `entry ${through} is past the end of the log, ${last.index}`);
    const compacted: LogId = { index: through, term: checked('compact', () => reader.termAt(through)) };
    await writer.submit({ type: 'compact', compacted });
    await writer.removeCompacted();
  }

  async saveSnapshot(
    meta: Omit<SnapshotMeta, 'bytes'>,
    chunks: AsyncIterable<Uint8Array>,
    options: { readonly replaceLog: boolean },
  ): Promise<SnapshotMeta> {
    const { writer } = this.#opened('saveSnapshot');
    if (writer.failure !== null) throw writer.failure;
    const prepared = await prepareSnapshot(this.#directory, meta, chunks);
    const published = this.#publishing.then(() => this.#publish(prepared, options.replaceLog));
    this.#publishing = published.catch(() => undefined);
    return await published;
  }

  async readSnapshot(offset = 0): Promise<{ readonly meta: SnapshotMeta; readonly chunks: AsyncIterable<Uint8Array> } | null> {
    const { writer } = this.#opened('readSnapshot');
    if (writer.failure !== null) throw writer.failure;
    const reader = await openSnapshot(this.#directory);
    if (reader === null) return null;
    if (this.#store === null) {
      await reader.close();
      throw this.#notOpen('readSnapshot');
    }
    this.#snapshotReaders.add(reader);
    return { meta: reader.meta, chunks: this.#streamed(reader, offset) };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    if (this.#store === null) await this.#opening;
    const store = this.#store;
    this.#phase = 'closed';
    this.#store = null;
    if (store === null) return;
    const ends = [...this.#snapshotReaders].map((reader) => () => reader.close());
    await doAll([() => this.#publishing, () => store.writer.finish(this.#notOpen('append')), ...ends, () => store.segments.close(), async () => this.#lock?.release()]);
  }

  async #publish(prepared: PreparedSnapshot, replaceLog: boolean): Promise<SnapshotMeta> {
    const store = this.#store;
    const refusal = store === null ? this.#notOpen('saveSnapshot') : store.writer.failure;
    if (store === null || refusal !== null) {
      await prepared.discard();
      throw refusal ?? this.#notOpen('saveSnapshot');
    }
    if (store.snapshot !== null && store.snapshot.last.index > prepared.meta.last.index) {
      await prepared.discard();
      return store.snapshot;
    }
    try {
      await prepared.publish();
    } catch (error) {
      throw store.writer.fail(asRaftError('saveSnapshot', error));
    }
    store.snapshot = prepared.meta;
    // A crash here leaves a log that does not reach its snapshot; recovery drops it then.
    if (replaceLog) await store.writer.submit({ type: 'reset', to: prepared.meta.last });
    return prepared.meta;
  }

  async *#streamed(reader: SnapshotReader, offset: number): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* reader.chunks(offset);
    } catch (error) {
      throw asRaftError('readSnapshot', error);
    } finally {
      this.#snapshotReaders.delete(reader);
    }
  }

  #opened(operation: string): OpenedStore {
    if (this.#store === null) throw this.#notOpen(operation);
    return this.#store;
  }

  #notOpen(operation: string): StorageError {
    return new StorageError(operation, this.#phase === 'closed' ? 'the storage is closed' : 'the storage is not open yet');
  }
}

function checked<T>(operation: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw asRaftError(operation, error);
  }
}

function asRaftError(operation: string, error: unknown): RaftError {
  return error instanceof RaftError ? error : new StorageError(operation, error instanceof Error ? error.message : String(error), { cause: error });
}
