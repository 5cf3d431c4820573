import { open, type RootDatabase } from 'lmdb';
import { statSync, truncateSync } from 'node:fs';
import { CorruptLogError, RaftError, StorageError } from '../../ports/errors.js';

export interface Put {
  readonly key: number;
  readonly value: Uint8Array;
}

/** Changes that become durable together; removals come first. */
export interface Batch {
  readonly removes: readonly number[];
  readonly puts: readonly Put[];
}

/**
 * The little of a database that the log needs: byte records under non-negative integers, in numeric order. Reads are
 * synchronous and short; what they return is the caller's own. One commit at a time is under way.
 */
export interface Environment {
  /** The file was shorter than what it counts. By pages that are free, or it was cut: `get` tells, where others end the process. */
  readonly wasShort: boolean;
  get(key: number): Uint8Array | null;
  /** The greatest key in 1..`key`. */
  floorKey(key: number): number | null;
  /** Ascending keys with `from` ≤ key < `below`. */
  keys(from: number, below: number, limit: number): number[];
  /** Ascending records with `from` ≤ key < `below`. */
  range(from: number, below: number): Iterable<Put>;
  /** Resolves once the batch is durable. Never touches the disk on the calling thread. @throws when nothing of it may be relied on. */
  commit(batch: Batch): Promise<void>;
  close(): Promise<void>;
}

/** LMDB's two first pages, where the system's pages are small; they tell of everything else. */
const LEAST_BYTES = 8192;

/**
 * LMDB as an `Environment`; the only file that knows it.
 *
 * - `overlappingSync: false`: a commit resolves after its data, and then the page that makes them reachable, are synced.
 * - `eventTurnBatching: false`: with it LMDB opens a batch of its own around ours, whose promise nobody can catch.
 * - Keys are numbers in LMDB's ordered encoding, exact to 2^53; its `uint32` keys would end at 4 G entries.
 *
 * @throws {StorageError} when the file can't be opened. {CorruptLogError} when its beginning is missing.
 */
export function openEnvironment(file: string): Environment {
  try {
    requireBeginning(file);
    const database = open<Uint8Array, number>({
      path: file,
      noSubdir: true,
      encoding: 'binary',
      overlappingSync: false,
      eventTurnBatching: false,
    });
    return new LmdbEnvironment(database, fillUp(file, database));
  } catch (error) {
    if (error instanceof RaftError) throw error;
    throw new StorageError('open', `${file} can't be opened: ${messageOf(error)}`, { cause: error });
  }
}

/** LMDB reads its first pages unseen: where they are missing the process would end with SIGSEGV. An empty file is a new one. */
function requireBeginning(file: string): void {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  if (size > 0 && size < LEAST_BYTES) throw new CorruptLogError('log', null, `${file} has ${size} bytes, fewer than any log; restore the directory from a backup, or empty it and let the node rejoin`);
}

/**
 * Reading a page of the map that the file has lost ends the process with SIGBUS. With zeros in its place LMDB sees that
 * it is no page; or ends the process while it goes from page to page. A file may lawfully be shorter than what it
 * counts, by pages that are free: for those nothing changes. Returns whether it was shorter.
 */
function fillUp(file: string, database: RootDatabase<Uint8Array, number>): boolean {
  const { lastPageNumber, pageSize } = database.getStats() as { readonly lastPageNumber: number; readonly pageSize: number };
  const counted = (lastPageNumber + 1) * pageSize;
  const wasShort = statSync(file).size < counted;
  if (wasShort) truncateSync(file, counted);
  return wasShort;
}

class LmdbEnvironment implements Environment {
  readonly #database: RootDatabase<Uint8Array, number>;

  constructor(
    database: RootDatabase<Uint8Array, number>,
    readonly wasShort: boolean,
  ) {
    this.#database = database;
  }

  get(key: number): Uint8Array | null {
    return reading(() => this.#database.getBinary(key)) ?? null;
  }

  floorKey(key: number): number | null {
    return reading(() => [...this.#database.getKeys({ start: key, end: 0, reverse: true, limit: 1 })])[0] ?? null;
  }

  keys(from: number, below: number, limit: number): number[] {
    return reading(() => [...this.#database.getKeys({ start: from, end: below, limit })]);
  }

  *range(from: number, below: number): Generator<Put> {
    const records = this.#database.getRange({ start: from, end: below })[Symbol.iterator]();
    try {
      for (let next = reading(() => records.next()); next.done !== true; next = reading(() => records.next())) yield next.value;
    } finally {
      records.return?.();
    }
  }

  async commit(batch: Batch): Promise<void> {
    try {
      await this.#database.batch(() => {
        for (const key of batch.removes) void this.#database.remove(key);
        for (const { key, value } of batch.puts) void this.#database.put(key, value);
      });
    } catch (error) {
      throw await commitFailure(error);
    }
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}

/** @throws {CorruptLogError} when LMDB finds that its pages make no sense. */
function reading<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!/MDB_(CORRUPTED|PAGE_NOTFOUND)/.test(messageOf(error))) throw error;
    throw new CorruptLogError('log', null, `${messageOf(error)}; restore the directory from a backup, or empty it and let the node rejoin`);
  }
}

/**
 * LMDB rejects a failed batch with an error whose `commitError` is a second promise, rejected a moment later with the
 * actual reason. Left alone, that one ends the process as an unhandled rejection. It also prints the reason to stderr,
 * which can't be prevented.
 *
 * A transaction that can't even begin is not reported by LMDB at all (lmdb 3.5.6): the commit never settles, so
 * nothing is acknowledged. It happens after a failed commit, after which none is asked for, and when memory is out.
 */
async function commitFailure(error: unknown): Promise<Error> {
  const reason = error instanceof Error && 'commitError' in error ? error.commitError : null;
  const soon = new Promise<undefined>((resolve) => setImmediate(resolve, undefined));
  const cause: unknown = reason instanceof Promise ? await Promise.race([reason.catch((e: unknown) => e), soon]) : null;
  return new Error(messageOf(cause ?? error), { cause: cause ?? error });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
