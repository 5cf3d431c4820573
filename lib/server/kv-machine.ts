import { createHash } from 'node:crypto';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { Committed, StateMachine } from '../ports/state-machine.js';
import { KV_LIMITS, type Expectation, type KvAnswer, type KvCommand, type KvListed, type KvQuery, type KvResult } from './kv/commands.js';
import { commandProblem, queryProblem } from './kv/shape.js';
import { encodeStore, kept, StoreDecoder, type Stored } from './kv/snapshot.js';
import { SortedMap } from './kv/sorted-map.js';

/** How much of the state is hashed before the event loop gets its turn. */
const DIGEST_SLICE_BYTES = 1024 * 1024;

/**
 * A key-value store to be replicated: put, delete and compare-and-set; get, list by prefix and a checksum of
 * the whole. Keys are texts, values bytes. A key's revision is the log index of the command that wrote it.
 *
 * Commands and queries are checked here, since they arrive from the log or a peer: what is malformed is
 * refused as a result, alike on every node, and never throws. Values in commands become the store's own, and
 * those in answers are: they must not be written to.
 */
export class KvMachine implements StateMachine<KvCommand, KvResult, KvQuery, KvAnswer> {
  #entries = new SortedMap<Stored>();
  /** The last command applied. */
  #index = 0;
  /** UTF-8 bytes of all keys and values. */
  #bytes = 0;

  apply(batch: readonly Committed<KvCommand>[]): readonly KvResult[] {
    return batch.map(({ index, command }) => {
      this.#index = index;
      return this.#execute(index, command);
    });
  }

  query(query: KvQuery): KvAnswer | Promise<KvAnswer> {
    const problem = queryProblem(query);
    if (problem !== null) return { type: 'refused', reason: problem };
    switch (query.type) {
      case 'get': {
        const stored = this.#entries.get(query.key);
        return { type: 'entry', index: this.#index, entry: stored === undefined ? null : { key: query.key, ...stored } };
      }
      case 'list':
        return this.#list(query);
      case 'stats':
        return this.#stats();
    }
  }

  snapshot(): AsyncIterable<Uint8Array> {
    // Taken now, not at the first chunk: what is applied from here on must not show.
    const chunks = encodeStore(this.#index, this.#entries.view());
    return (async function* () {
      yield* chunks;
    })();
  }

  /** @throws {Error} when the chunks are not a snapshot of this kind; the present state then stays. */
  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const decoder = new StoreDecoder();
    for await (const chunk of chunks) decoder.push(chunk);
    const { index, entries } = decoder.end();
    this.#entries = entries;
    this.#index = index;
    this.#bytes = 0;
    for (const [key, stored] of entries.entriesFrom('')) this.#bytes += sizeOf(key, stored);
  }

  reset(): void {
    this.#entries = new SortedMap();
    this.#index = 0;
    this.#bytes = 0;
  }

  #execute(index: number, command: KvCommand): KvResult {
    const problem = commandProblem(command);
    if (problem !== null) return { type: 'refused', reason: problem };
    const current = this.#entries.get(command.key);
    if (!holds(command.expect, current)) return { type: 'conflict', revision: current?.revision ?? null };
    if (current !== undefined) this.#bytes -= sizeOf(command.key, current);
    if (command.type === 'delete') {
      this.#entries.delete(command.key);
      return { type: 'deleted', existed: current !== undefined };
    }
    const stored = { value: kept(command.value), revision: index };
    this.#entries.set(command.key, stored);
    this.#bytes += sizeOf(command.key, stored);
    return { type: 'stored', revision: index, created: current === undefined };
  }

  #list({ prefix, after, limit, values }: KvQuery & { type: 'list' }): KvAnswer {
    const entries: KvListed[] = [];
    let bytes = 0;
    for (const [key, { value, revision }] of this.#entries.entriesFrom(after !== null && after > prefix ? after : prefix)) {
      if (!key.startsWith(prefix)) break;
      if (after !== null && key <= after) continue;
      bytes += key.length + (values ? value.length : 0);
      if (entries.length === limit || (entries.length > 0 && bytes > KV_LIMITS.maxPageBytes)) {
        return { type: 'page', index: this.#index, entries, next: entries.at(-1)?.key ?? null };
      }
      entries.push({ key, revision, bytes: value.length, value: values ? value : null });
    }
    return { type: 'page', index: this.#index, entries, next: null };
  }

  async #stats(): Promise<KvAnswer> {
    const counts = { index: this.#index, keys: this.#entries.size, bytes: this.#bytes };
    const hash = createHash('sha256');
    let hashed = 0;
    for await (const chunk of this.snapshot()) {
      hash.update(chunk);
      hashed += chunk.length;
      if (hashed >= DIGEST_SLICE_BYTES) {
        hashed = 0;
        await yieldToEventLoop();
      }
    }
    return { type: 'stats', ...counts, sha256: hash.digest('hex') };
  }
}

function holds(expect: Expectation | undefined, current: Stored | undefined): boolean {
  if (expect === undefined) return true;
  if (expect === 'absent') return current === undefined;
  if (expect === 'present') return current !== undefined;
  return current !== undefined && expect.includes(current.revision);
}

function sizeOf(key: string, stored: Stored): number {
  return Buffer.byteLength(key) + stored.value.length;
}
