import { entryBytes, type Entry } from '../../core/entry.js';
import type { LogIndex, Term } from '../../core/ids.js';
import { CorruptLogError } from '../../ports/errors.js';
import { LogOutline } from '../log-outline.js';
import { BlockReader } from './block.js';
import { blocksFrom } from './commit.js';
import type { Segments } from './segments.js';
import { Slice } from './slice.js';
import type { LogState } from './state-record.js';

/** About a millisecond of reading. */
const MAX_READ_BYTES = 1024 * 1024;

/** Reads committed blocks. A block's checksum is verified each time that something of it is given. */
export class LogReader {
  constructor(private readonly segments: Segments) {}

  termAt(index: LogIndex): Term {
    for (const block of this.#blocks(index)) while (block.next()) if (block.index === index) return block.term;
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
    for (const block of this.#blocks(from)) {
      while (block.next() && block.index <= to) {
        if (block.index < from) continue;
        const entry = block.entry();
        bytes += entryBytes(entry);
        if (bytes > limit && entries.length > 0) return entries;
        entries.push(entry);
      }
      if (block.last >= to) return entries;
    }
    throw missing(from + entries.length);
  }

  /** Verifies the whole log from the first entry to the last and says what recovery must know of it. */
  async scan(state: LogState): Promise<LogOutline> {
    const outline = new LogOutline();
    const end = state.last.index;
    let lastTerm = state.compacted.term;
    const slice = new Slice();
    let next = state.compacted.index + 1;
    for (const block of next > end ? [] : this.#blocks(next)) {
      while (block.next() && block.index <= end) {
        if (block.index < next) continue;
        lastTerm = block.term;
        outline.observe(block);
        next++;
      }
      if (next > end) break;
      if (slice.isOver()) await slice.rest();
    }
    if (next <= end) throw missing(next);
    if (lastTerm !== state.last.term) throw new CorruptLogError('log', end, `its term is ${lastTerm}, not ${state.last.term}`);
    return outline;
  }

  /** The blocks from that of `index` on, verified, whose entries follow each other without a gap. */
  *#blocks(index: LogIndex): Generator<BlockReader, void, undefined> {
    const { runs } = this.segments;
    let next = index;
    for (let position = runs.positionOf(index); ; position++) {
      const run = runs.get(position);
      if (run === undefined || run.first > next) return;
      const bytes = this.segments.read(run);
      for (const { offset, end, first, last } of blocksFrom(bytes, run.offset, run.offset, run.first)) {
        if (last < next) continue;
        if (first > run.last) break;
        const block = new BlockReader(bytes.subarray(offset - run.offset, end - run.offset), first, run.last);
        yield block;
        next = block.last + 1;
      }
      if (next <= run.last) throw missing(next);
    }
  }
}

function missing(index: LogIndex): CorruptLogError {
  return new CorruptLogError('log', index, 'the entry is not there although it was acknowledged; restore the directory from a backup, or empty it and let the node rejoin');
}
