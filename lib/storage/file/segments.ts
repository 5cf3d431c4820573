import { closeSync, openSync, readSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Arena } from './arena.js';
import { encodeCommit, encodeEnd, layoutOf, SECTOR_BYTES, type Commit } from './commit.js';
import { doAll, syncDirectory } from './files.js';
import { Runs, type Run } from './runs.js';
import { Segment, segmentName } from './segment.js';

/** Each segment is twice as long as the one before, between these. */
const FIRST_SEGMENT_BYTES = 256 * 1024;
const MAX_SEGMENT_BYTES = 4 * 1024 * 1024;

/** Where the log goes on, as its files were found. */
export interface Tail {
  /** The number of the oldest segment. */
  readonly oldest: number;
  readonly active: Segment;
  readonly runs: Runs;
  /** The number of the segment of the last commit, which says what is in force; null when there is none. */
  readonly latest: number | null;
  /** Where the next commit goes in the active segment. */
  readonly position: number;
  /** Of the last commit. */
  readonly sequence: number;
}

/**
 * The log as a sequence of files. Commits are written one behind the other into the active segment; when it is half full the
 * next one is made ahead, off the path of the commits. One commit at a time is under way.
 */
export class Segments {
  readonly runs: Runs;
  #oldest: number;
  #active: Segment;
  #latest: number | null;
  #position: number;
  #sequence: number;
  #next: Promise<Segment | null> | null = null;
  /** Settles when no removal is under way. */
  #removing: Promise<void> = Promise.resolve();
  /** The segment that was read last stays open. */
  #reading: { readonly segment: number; readonly file: number } | null = null;

  constructor(
    private readonly directory: string,
    tail: Tail,
  ) {
    this.runs = tail.runs;
    this.#oldest = tail.oldest;
    this.#active = tail.active;
    this.#latest = tail.latest;
    this.#position = tail.position;
    this.#sequence = tail.sequence;
  }

  /** A log of no commit, with one segment. */
  static async create(directory: string): Promise<Segments> {
    const active = await Segment.create(directory, 1, FIRST_SEGMENT_BYTES);
    return new Segments(directory, { oldest: 1, active, runs: new Runs(), latest: null, position: SECTOR_BYTES, sequence: 0 });
  }

  /** Resolves once the commit is durable; from then on its entries are in `runs`. @throws when nothing of it may be relied on. */
  async commit(commit: Commit, arena: Arena): Promise<void> {
    const sequence = this.#sequence + 1;
    const layout = layoutOf(commit);
    // One sector stays free for the end mark.
    if (this.#position + layout.length + SECTOR_BYTES > this.#active.length) await this.#goOn(layout.length);
    const { bytes, blocks } = encodeCommit(commit, layout, { salt: this.#active.salt, offset: this.#position, sequence }, arena);
    await this.#active.write(bytes, this.#position);
    const isFirstOfSegment = this.#latest !== this.#active.number;
    this.#latest = this.#active.number;
    this.#position += bytes.length;
    this.#sequence = sequence;
    this.runs.truncateAfter(commit.kept);
    for (const block of blocks) this.runs.add(this.#active.number, block);
    this.runs.compact(commit.state.compacted.index);
    if (this.#position > this.#active.length / 2) this.#next ??= this.#madeAhead();
    // With an empty log nothing else would remove what commits of term and vote fill.
    if (isFirstOfSegment) await this.removeUnused();
  }

  /** Reads a part of a segment on this thread; it is short. */
  read({ segment, offset, end }: Run): Uint8Array {
    if (this.#reading?.segment !== segment) {
      this.#stopReading();
      this.#reading = { segment, file: openSync(join(this.directory, segmentName(segment)), 'r') };
    }
    const bytes = Buffer.allocUnsafeSlow(end - offset);
    for (let done = 0; done < bytes.length; ) {
      const count = readSync(this.#reading.file, bytes, done, bytes.length - done, offset + done);
      // What is missing is found by whoever verifies it.
      if (count === 0) return bytes.fill(0, done);
      done += count;
    }
    return bytes;
  }

  /** Removes segments of which nothing counts any more, the oldest first and each for good before the next, so that there is never a gap. */
  removeUnused(): Promise<void> {
    const removed = this.#removing.then(() => this.#removeUnused());
    this.#removing = removed.catch(() => undefined);
    return removed;
  }

  async close(): Promise<void> {
    this.#stopReading();
    await this.#removing;
    // That a segment could not be made ahead matters to nobody any more.
    const next = await this.#next?.catch(() => null);
    await doAll([async () => next?.close(), () => this.#active.close()]);
  }

  async #removeUnused(): Promise<void> {
    // The last commit says what is in force, whatever it holds; it may be in the segment before the active one.
    const first = Math.min(this.runs.get(0)?.segment ?? Infinity, this.#latest ?? 0);
    while (this.#oldest < first) {
      if (this.#reading?.segment === this.#oldest) this.#stopReading();
      await rm(join(this.directory, segmentName(this.#oldest)), { force: true });
      await syncDirectory(this.directory);
      this.#oldest++;
    }
  }

  /** Ends the active segment and begins the next, which takes a commit of `bytes`, whole sectors. */
  async #goOn(bytes: number): Promise<void> {
    const ended = this.#active;
    let next = await (this.#next ?? this.#madeAhead());
    if (next === null || 2 * SECTOR_BYTES + bytes > next.length) {
      this.#next = null;
      await next?.close();
      next = await Segment.create(this.directory, ended.number + 1, Math.max(this.#nextLength(), 2 * SECTOR_BYTES + bytes));
    }
    this.#next = Promise.resolve(next);
    await ended.write(encodeEnd({ salt: ended.salt, offset: this.#position, sequence: this.#sequence + 1 }), this.#position);
    this.#next = null;
    this.#active = next;
    this.#position = SECTOR_BYTES;
    await ended.close();
  }

  /** Null when there was no room for it: then it is tried again when it is needed. Any other failure is told of then. */
  #madeAhead(): Promise<Segment | null> {
    const made = Segment.create(this.directory, this.#active.number + 1, this.#nextLength()).catch((error: unknown) => {
      if (/^(ENOSPC|EDQUOT|EMFILE|ENFILE)$/.test((error as NodeJS.ErrnoException).code ?? '')) return null;
      throw error;
    });
    made.catch(() => undefined); // nobody waits for it yet
    return made;
  }

  #nextLength(): number {
    return Math.min(2 * this.#active.length, MAX_SEGMENT_BYTES);
  }

  #stopReading(): void {
    if (this.#reading !== null) closeSync(this.#reading.file);
    this.#reading = null;
  }
}
