import type { ComplianceCase } from './compliance.js';
import type { StorageFixture } from './storage-suite/fixture.js';
import { lifecycleCases } from './storage-suite/lifecycle-cases.js';
import { logCases } from './storage-suite/log-cases.js';
import { randomCases } from './storage-suite/random-case.js';
import { snapshotCases } from './storage-suite/snapshot-cases.js';

export type { StorageFixture } from './storage-suite/fixture.js';

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
