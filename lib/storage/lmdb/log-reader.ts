import { entryBytes, type Entry } from '../../core/entry.js';
import type { LogIndex, Term } from '../../core/ids.js';
import { CorruptLogError } from '../../ports/errors.js';
import { LogOutline } from '../log-outline.js';
import { BlockReader } from './block.js';
import type { Environment } from './environment.js';
import { Slice } from './slice.js';
import type { LogState } from './state-record.js';

/** About 2 ms of reading. */
const MAX_READ_BYTES = 4 * 1024 * 1024;

/** Reads committed blocks. Every block's checksum is verified each time it is read. */
export class LogReader {
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** The block that holds `index`, which is known to be in the log. @throws {CorruptLogError} when it is damaged or gone. */
  blockOf(index: LogIndex): BlockReader {
    const first = this.#environment.floorKey(index);
    const bytes = first === null ? null : this.#environment.get(first);
    if (first === null || bytes === null) throw missing(index);
    const block = new BlockReader(bytes, first);
    if (block.last < index) throw missing(index);
    return block;
  }

  termAt(index: LogIndex): Term {
    const block = this.blockOf(index);
    while (block.next()) if (block.index === index) return block.term;
    throw missing(index);
  }

  /**
   * From `from`, at most through `to`, both known to be in the log; cut at `maxBytes` after the first, and at
   * `MAX_READ_BYTES`, so that the event loop is not held. Payloads are views of blocks that are this call's own.
   */
  read(from: LogIndex, to: LogIndex, maxBytes: number): Entry[] {
    const limit = Math.min(maxBytes, MAX_READ_BYTES);
    const entries: Entry[] = [];
    let bytes = 0;
    for (let next = from; next <= to; ) {
      const block = this.blockOf(next);
      while (block.next()) {
        if (block.index < next) continue;
        if (block.index > to) return entries;
        const entry = block.entry();
        bytes += entryBytes(entry);
        if (bytes > limit && entries.length > 0) return entries;
        entries.push(entry);
      }
      next = block.last + 1;
    }
    return entries;
  }

  /** Verifies the whole log from the first entry to the last and says what recovery must know of it. */
  async scan(state: LogState): Promise<LogOutline> {
    const outline = new LogOutline();
    const end = state.last.index;
    let next = state.compacted.index + 1;
    let lastTerm = state.compacted.term;
    const slice = new Slice();
    while (next <= end) {
      for (const { key, value } of this.#environment.range(this.#environment.floorKey(next) ?? next, end + 1)) {
        const block = new BlockReader(value, key);
        if (key > next || block.last < next || block.last > end) throw missing(next);
        while (block.next()) {
          if (block.index < next) continue;
          lastTerm = block.term;
          outline.observe(block);
        }
        next = block.last + 1;
        if (slice.isOver()) break;
      }
      if (slice.isOver()) await slice.rest();
      else if (next <= end) throw missing(next);
    }
    if (lastTerm !== state.last.term) throw new CorruptLogError('log', end, `its term is ${lastTerm}, not ${state.last.term}`);
    return outline;
  }
}

function missing(index: LogIndex): CorruptLogError {
  return new CorruptLogError('log', index, 'the entry is not there although it was acknowledged; restore the directory from a backup, or empty it and let the node rejoin');
}
