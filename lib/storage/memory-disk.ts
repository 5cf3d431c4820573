import { entriesBytes } from '../core/entry.js';
import type { LogIndex } from '../core/ids.js';
import type { Clock } from '../ports/clock.js';
import { StorageError } from '../ports/errors.js';
import { MemoryImage, type MemoryOperation } from './memory-image.js';

/** A reaction to it runs in the next microtask, as by `queueMicrotask`, at a third of the cost. */
const SETTLED = Promise.resolve();

export interface MemoryDiskOptions {
  /** Needed for latency. Default: none; a sync then takes one microtask. */
  readonly clock?: Clock;
  /** How long each sync takes, or a function that says so afresh each time. Default 0. */
  readonly syncLatencyMs?: number | (() => number);
}

/** An operation on its way to the disk. `operation` was issued; it is durable once `resolve` was called. */
interface Unsynced {
  readonly operation: MemoryOperation;
  readonly resolve: () => void;
  readonly reject: (error: StorageError) => void;
}

/**
 * A simulated disk that outlives the storage opened on it: what is synced survives `crash`, the rest does not.
 *
 * ```ts
 * const disk = new MemoryDisk();
 * await new MemoryStorage(disk).open(identity);
 * disk.crash();                                   // the old instance never resolves anything again
 * const state = await new MemoryStorage(disk).open(identity);
 * ```
 *
 * Operations become durable strictly in order; those that wait while a sync runs go together in the next one.
 */
export class MemoryDisk {
  readonly image = new MemoryImage();
  /** Who has the disk open; anyone else is inert. */
  #holder: object | null = null;
  /** Issued, in order, not durable. */
  #unsynced: Unsynced[] = [];
  #isSyncing = false;
  #isHeld = false;
  /** Set by the first failure; every later operation is rejected with it until the disk is opened again. */
  #poison: StorageError | null = null;
  #failNextSync: string | null = null;
  #failAtWriteId: number | null = null;
  #limitBytes: number | null = null;
  /** Raised by a crash or a close, so that a sync under way comes to nothing. */
  #epoch = 0;
  readonly #clock: Clock | null;
  readonly #syncLatencyMs: number | (() => number);
  readonly #completeSync: () => void;

  constructor(options: MemoryDiskOptions = {}) {
    this.#clock = options.clock ?? null;
    this.#syncLatencyMs = options.syncLatencyMs ?? 0;
    this.#completeSync = () => this.#finishSync(this.#epoch);
  }

  // ── crashes and faults ───────────────────────────────────────────────────────────────────────────────

  /**
   * Power cut. Unsynced writes are lost, but for the first `survivingWrites` (default 0), which happened to reach
   * the platter; the one after them is torn and therefore, being atomic, gone.
   */
  crash(options: { readonly survivingWrites?: number } = {}): void {
    const survivors = this.#unsynced.slice(0, options.survivingWrites ?? 0);
    this.#release();
    for (const { operation } of survivors) this.image.apply(operation);
  }

  /** The next sync fails; what it carried is rejected and the store poisoned. */
  failNextSync(message = 'EIO: i/o error, fdatasync'): void {
    this.#failNextSync = message;
  }

  /** The sync that carries the write with this id fails. */
  failSyncAtWrite(id: number): void {
    this.#failAtWriteId = id;
  }

  /** The log may hold this many bytes (by `entryBytes`); null lifts the limit. */
  limitBytes(limitBytes: number | null): void {
    this.#limitBytes = limitBytes;
  }

  /** From now on nothing becomes durable until `releaseSync`. */
  holdSync(): void {
    this.#isHeld = true;
  }

  releaseSync(): void {
    this.#isHeld = false;
    this.#startSync();
  }

  /** Flips a bit of a stored entry: it can't be read any more. */
  corruptEntry(index: LogIndex): void {
    this.image.corruptEntries.add(index);
  }

  /** Flips a bit of the stored snapshot: it can't be read any more. */
  corruptSnapshot(): void {
    this.image.isSnapshotCorrupt = true;
  }

  /** Writes issued and not yet durable. */
  get unsyncedWrites(): number {
    return this.#unsynced.length;
  }

  // ── for MemoryStorage ────────────────────────────────────────────────────────────────────────────────

  /** @throws {StorageError} when somebody else has it open. */
  attach(holder: object): void {
    if (this.#holder !== null) throw new StorageError('open', 'the disk is in use by another storage; close that one first');
    this.#holder = holder;
  }

  isHeldBy(holder: object): boolean {
    return this.#holder === holder;
  }

  /** The end of an orderly close. */
  detach(): void {
    this.#release();
  }

  get poison(): StorageError | null {
    return this.#poison;
  }

  /** Resolves when the operation is durable; operations resolve in the order of the calls. */
  submit(operation: MemoryOperation): Promise<void> {
    if (this.#poison !== null) return Promise.reject(this.#poison);
    return new Promise<void>((resolve, reject) => {
      this.#unsynced.push({ operation, resolve, reject });
      if (!this.#isSyncing) this.#startSync();
    });
  }

  /** Operations that are issued and not durable, oldest first. */
  *unsyncedOperations(): Generator<MemoryOperation> {
    for (const { operation } of this.#unsynced) yield operation;
  }

  // ── syncing ──────────────────────────────────────────────────────────────────────────────────────────

  #startSync(): void {
    if (this.#isSyncing || this.#isHeld || this.#poison !== null || this.#unsynced.length === 0) return;
    this.#isSyncing = true;
    const latencyMs = typeof this.#syncLatencyMs === 'function' ? this.#syncLatencyMs() : this.#syncLatencyMs;
    if (this.#clock === null || latencyMs <= 0) return void SETTLED.then(this.#completeSync);
    // Only what is waiting now is in this sync; what comes later goes with the next.
    const epoch = this.#epoch;
    const carried = this.#unsynced.length;
    this.#clock.schedule(latencyMs, () => this.#finishSync(epoch, carried));
  }

  #finishSync(epoch: number, carried = this.#unsynced.length): void {
    if (epoch !== this.#epoch) return;
    this.#isSyncing = false;
    if (this.#isHeld) return;
    const group = carried === this.#unsynced.length ? this.#unsynced : this.#unsynced.slice(0, carried);
    const failure = this.#injectedFailure(group);
    if (failure !== null) return this.#fail(failure);
    this.#unsynced = group === this.#unsynced ? [] : this.#unsynced.slice(carried);
    for (let i = 0; i < group.length; i++) {
      const { operation, resolve } = group[i] as Unsynced;
      try {
        if (this.#limitBytes !== null) this.#checkSpace(operation);
        this.image.apply(operation);
      } catch (error) {
        this.#unsynced = [...group.slice(i), ...this.#unsynced];
        return this.#fail(error instanceof StorageError ? error : new StorageError(operation.type, String(error), { cause: error }));
      }
      resolve();
    }
    this.#startSync();
  }

  #injectedFailure(group: readonly Unsynced[]): StorageError | null {
    const id = this.#failAtWriteId;
    const isHit = id !== null && group.some(({ operation }) => operation.type === 'append' && operation.write.id === id);
    if (this.#failNextSync === null && !isHit) return null;
    const message = this.#failNextSync ?? 'EIO: i/o error, fdatasync';
    this.#failNextSync = null;
    if (isHit) this.#failAtWriteId = null;
    return new StorageError('append', message);
  }

  #checkSpace(operation: MemoryOperation): void {
    if (operation.type !== 'append' || operation.write.entries.length === 0) return;
    const bytes = this.image.entries.bytes + entriesBytes(operation.write.entries);
    if (bytes > (this.#limitBytes ?? Infinity)) {
      throw new StorageError('append', 'ENOSPC: no space left on device; free space and start again');
    }
  }

  /** What was issued stays in `#unsynced`: after a failed fsync nobody knows what a power cut would leave. */
  #fail(error: StorageError): void {
    this.#poison = error;
    for (const { reject } of this.#unsynced) reject(error);
  }

  #release(): void {
    this.#epoch++;
    this.#holder = null;
    this.#unsynced = [];
    this.#isSyncing = false;
    this.#isHeld = false;
    this.#poison = null;
  }
}
