import assert from 'node:assert/strict';
import { configurationOf, encodeConfiguration } from '../../core/configuration.js';
import { EMPTY_PAYLOAD, type Entry } from '../../core/entry.js';
import type { LogIndex, Term } from '../../core/ids.js';
import type { SnapshotMeta } from '../../core/messages.js';
import type { HardState } from '../../core/output.js';
import type { RecoveredState, Storage, StorageIdentity } from '../../ports/storage.js';
import type { ComplianceCase } from '../compliance.js';
import type { StorageFixture } from './fixture.js';

export type NewFixture = () => StorageFixture | Promise<StorageFixture>;

export const IDENTITY: StorageIdentity = Object.freeze({ clusterId: 'compliance', nodeId: 'a' });

const CONFIGURATION = configurationOf({ a: 'a:1', b: 'b:1', c: 'c:1' });

/** Makes a case that gets an opened store and leaves nothing behind. */
export function storeCase(newFixture: NewFixture, name: string, body: (store: Store) => Promise<void>): ComplianceCase {
  const run = async (): Promise<void> => {
    const fixture = await newFixture();
    try {
      const store = new Store(fixture);
      await store.open();
      await body(store);
      await store.storage.close();
    } finally {
      await fixture.dispose();
    }
  };
  return { name, run };
}

/** What may be left out of a write. */
export interface WriteParts {
  readonly hardState?: HardState;
  readonly truncateAfter?: LogIndex;
  readonly entries?: readonly Entry[];
}

/** A storage under test, with short names for what the cases do. */
export class Store {
  storage: Storage;
  state: RecoveredState | null = null;
  #writes = 0;

  constructor(readonly fixture: StorageFixture) {
    this.storage = fixture.create();
  }

  async open(): Promise<RecoveredState> {
    this.state = await this.storage.open(IDENTITY);
    return this.state;
  }

  async reopen(): Promise<RecoveredState> {
    await this.storage.close();
    this.storage = this.fixture.create();
    return await this.open();
  }

  async crash(): Promise<RecoveredState> {
    await this.fixture.crash();
    this.storage = this.fixture.create();
    return await this.open();
  }

  write(parts: WriteParts): Promise<void> {
    return this.storage.append({ id: ++this.#writes, hardState: parts.hardState ?? null, truncateAfter: parts.truncateAfter ?? null, entries: parts.entries ?? [] });
  }

  async save(last: LogIndex, term: Term, content: Uint8Array, replaceLog = false): Promise<SnapshotMeta> {
    return await this.storage.saveSnapshot(metaOf(last, term), chunked(content, 100_000), { replaceLog });
  }

  /** Everything from `from` through `to`, in as many reads as it takes. */
  async readAll(from: LogIndex, to: LogIndex): Promise<Entry[]> {
    const entries: Entry[] = [];
    while (from + entries.length <= to) {
      const part = await this.storage.read(from + entries.length, to, 1_000_000);
      assert.ok(part.length > 0, 'a read gives at least one entry');
      entries.push(...part);
    }
    return entries;
  }

  async snapshotBytes(offset = 0): Promise<Uint8Array> {
    const snapshot = await this.storage.readSnapshot(offset);
    assert.ok(snapshot !== null, 'there is a snapshot');
    const parts: Uint8Array[] = [];
    for await (const chunk of snapshot.chunks) {
      assert.ok(chunk.length <= 256 * 1024, 'a chunk has at most 256 KiB');
      parts.push(chunk);
    }
    return Buffer.concat(parts);
  }
}

export function metaOf(last: LogIndex, term: Term): Omit<SnapshotMeta, 'bytes'> {
  return { last: { index: last, term }, configuration: CONFIGURATION, configurationIndex: Math.min(1, last) };
}

export async function* chunked(content: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < content.length; from += chunkBytes) yield content.subarray(from, from + chunkBytes);
}

/** Bytes that depend on `seed`, so that mixing two up shows. */
export function bytesOf(length: number, seed: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + seed * 17 + (i >> 8)) & 255;
  return bytes;
}

/** Commands `from` through `to`, whose payloads tell index and term. */
export function commands(from: LogIndex, to: LogIndex, term: Term, payloadBytes = 10): Entry[] {
  const entries: Entry[] = [];
  for (let index = from; index <= to; index++) entries.push({ index, term, kind: 'command', payload: bytesOf(payloadBytes, index + 1000 * term) });
  return entries;
}

export function noop(index: LogIndex, term: Term): Entry {
  return { index, term, kind: 'noop', payload: EMPTY_PAYLOAD };
}

export function configurationEntry(index: LogIndex, term: Term): Entry {
  return { index, term, kind: 'configuration', payload: encodeConfiguration(CONFIGURATION) };
}

export function assertEntries(actual: readonly Entry[], expected: readonly Entry[]): void {
  assert.deepEqual(actual.map(plain), expected.map(plain));
}

function plain({ index, term, kind, payload }: Entry): unknown {
  return { index, term, kind, payload: Buffer.from(payload).toString('base64') };
}
