import type { Storage } from '../ports/storage.js';
import type { ComplianceCase } from './compliance.js';
import { lifecycleCases } from './storage-suite/lifecycle-cases.js';
import { logCases } from './storage-suite/log-cases.js';
import { randomCases } from './storage-suite/random-case.js';
import { snapshotCases } from './storage-suite/snapshot-cases.js';

/** One place where data is kept, empty at first, and the storages opened on it one after another. */
export interface StorageFixture {
  /** Makes a storage over this fixture's data, not opened yet. Called again after each `close` or `crash`. */
  create(): Storage;
  /**
   * Ends the open storage as a power cut or `kill -9` would: what it had not acknowledged may be lost. Afterwards
   * `create` gives one that finds the rest. What the old one's promises do is ignored.
   */
  crash(): void | Promise<void>;
  /** Removes the data. */
  dispose(): void | Promise<void>;
}

/**
 * What every `Storage` must do, as cases for any test runner. A case throws when the adapter breaks the contract.
 *
 * ```ts
 * const fixture = () => {
 *   const disk = new MemoryDisk();
 *   return { create: () => new MemoryStorage(disk), crash: () => disk.crash(), dispose: () => undefined };
 * };
 * for (const { name, run } of storageSuite(fixture)) it(name, run);
 * ```
 */
export function storageSuite(newFixture: () => StorageFixture | Promise<StorageFixture>): readonly ComplianceCase[] {
  return [...logCases(newFixture), ...snapshotCases(newFixture), ...lifecycleCases(newFixture), ...randomCases(newFixture)];
}
