import { open, type RootDatabase } from 'lmdb';
import { CorruptLogError, StorageError } from '../../ports/errors.js';

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

/**
 * LMDB as an `Environment`; the only file that knows it.
 *
 * - `overlappingSync: false`: a commit resolves after its data, and then the page that makes them reachable, are synced.
 * - `eventTurnBatching: false`: with it LMDB opens a batch of its own around ours, whose promise nobody can catch.
 * - Keys are numbers in LMDB's ordered encoding, exact to 2^53; its `uint32` keys would end at 4 G entries.
 *
 * Opened on a file that `checkPages` has passed: from others LMDB may read what is not there, which ends the process.
 *
 * @throws {StorageError} when the file can't be opened.
 */
export function openEnvironment(file: string): Environment {
  try {
    const database = open<Uint8Array, number>({
      path: file,
      noSubdir: true,
      encoding: 'binary',
      overlappingSync: false,
      eventTurnBatching: false,
    });
    return new LmdbEnvironment(database);
  } catch (error) {
    throw new StorageError('open', `${file} can't be opened: ${messageOf(error)}`, { cause: error });
  }
}

class LmdbEnvironment implements Environment {
  readonly #database: RootDatabase<Uint8Array, number>;

  constructor(database: RootDatabase<Uint8Array, number>) {
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
