import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileStorage } from '../../lib/storage/file.js';
import { stateBytes, writeState, type LogState } from '../../lib/storage/file/state-record.js';
import type { StorageFixture } from '../../lib/testing/storage-suite.js';

/** A directory of its own under the system's temporary one. */
export function temporaryDirectory(): string {
  return mkdtempSync(join(tmpdir(), 'rxraft-spec-'));
}

/** The record of a state, in bytes of its own. */
export function stateRecord(state: LogState): Uint8Array {
  const bytes = new Uint8Array(stateBytes(state.hardState.votedFor));
  writeState(state, new DataView(bytes.buffer), 0);
  return bytes;
}

/** Real commits, of which the next can be made to fail. */
export class FaultyCommits {
  failure: Error | null = null;
  /** So many more commits go through before `failure` strikes. */
  remaining = 0;
  /** So many commits were asked for. */
  count = 0;

  readonly around = (commit: () => Promise<void>): Promise<void> => {
    this.count++;
    const isFine = this.failure === null || this.remaining-- > 0;
    return isFine ? commit() : Promise.reject(this.failure ?? new Error('no failure'));
  };
}

/**
 * The durable store in a temporary directory. A crash lets the commit that is under way end and drops everything behind it; the
 * real thing, with a killed process, is S64.
 */
export function fileFixture(): StorageFixture & { readonly path: string; readonly commits: FaultyCommits } {
  const path = temporaryDirectory();
  let storage: FileStorage | null = null;
  let commits = new FaultyCommits();
  return {
    path,
    get commits() {
      return commits;
    },
    create() {
      commits = new FaultyCommits();
      storage = new FileStorage({ path, aroundCommit: commits.around });
      return storage;
    },
    async crash() {
      commits.failure = new Error('the machine is off');
      await storage?.close();
    },
    async dispose() {
      await storage?.close();
      rmSync(path, { recursive: true, force: true });
    },
  };
}
