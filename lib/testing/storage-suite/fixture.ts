import type { Storage } from '../../ports/storage.js';

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
