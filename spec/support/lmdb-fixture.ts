import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LmdbStorage, type Batch, type Environment } from '../../lib/storage/lmdb.js';
import { openEnvironment } from '../../lib/storage/lmdb/environment.js';
import type { StorageFixture } from '../../lib/testing/storage-suite.js';

/** A directory of its own under the system's temporary one. */
export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'rxraft-spec-'));
}

/** A real database whose next commits can be made to fail. */
export class FaultyEnvironment implements Environment {
  failure: Error | null = null;
  /** So many more commits go through before `failure` strikes. */
  remaining = 0;
  /** So many commits were asked for. */
  commits = 0;

  constructor(private readonly inner: Environment) {}

  get = (key: number) => this.inner.get(key);
  floorKey = (key: number) => this.inner.floorKey(key);
  keys = (from: number, below: number, limit: number) => this.inner.keys(from, below, limit);
  range = (from: number, below: number) => this.inner.range(from, below);
  close = () => this.inner.close();

  commit(batch: Batch): Promise<void> {
    this.commits++;
    const isFine = this.failure === null || this.remaining-- > 0;
    return isFine ? this.inner.commit(batch) : Promise.reject(this.failure ?? new Error('no failure'));
  }
}

/**
 * LMDB in a temporary directory. A crash lets the commit that is under way end and drops everything behind it; the
 * real thing, with a killed process, is S64.
 */
export function lmdbFixture(): StorageFixture & { readonly path: string; readonly environment: FaultyEnvironment | null } {
  const path = temporaryDirectory();
  let storage: LmdbStorage | null = null;
  let environment: FaultyEnvironment | null = null;
  return {
    path,
    get environment() {
      return environment;
    },
    create() {
      const made = new LmdbStorage({
        path,
        openEnvironment: (file) => {
          storage = made;
          environment = new FaultyEnvironment(openEnvironment(file));
          return environment;
        },
      });
      return made;
    },
    async crash() {
      if (environment !== null) environment.failure = new Error('the machine is off');
      await storage?.close();
    },
    async dispose() {
      await storage?.close();
      rmSync(path, { recursive: true, force: true });
    },
  };
}
