import { closeSync, openSync, readSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Arena } from './arena.js';
import { encodeCommit, encodeEnd, SECTOR_BYTES, wholeSectors, type Commit } from './commit.js';
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
    this.#position = tail.position;
    this.#sequence = tail.sequence;
  }

  /** A log of no commit, with one segment. */
  static async create(directory: string): Promise<Segments> {
    const active = await Segment.create(directory, 1, FIRST_SEGMENT_BYTES);
    return new Segments(directory, { oldest: 1, active, runs: new Runs(), position: SECTOR_BYTES, sequence: 0 });
  }

  /** Resolves once the commit is durable; from then on its entries are in `runs`. @throws when nothing of it may be relied on. */
  async commit(commit: Commit, arena: Arena): Promise<void> {
    const sequence = this.#sequence + 1;
    let encoded = encodeCommit(commit, { salt: this.#active.salt, offset: this.#position, sequence }, arena);
    // One sector stays free for the end mark.
    if (this.#position + encoded.bytes.length + SECTOR_BYTES > this.#active.length) {
      await this.#goOn(encoded.bytes.length);
      encoded = encodeCommit(commit, { salt: this.#active.salt, offset: this.#position, sequence }, arena);
    }
    const { bytes, blocks } = encoded;
    await this.#active.write(bytes, this.#position);
    this.#position += bytes.length;
    this.#sequence = sequence;
    this.runs.truncateAfter(commit.kept);
    for (const block of blocks) this.runs.add(this.#active.number, block);
    this.runs.compact(commit.state.compacted.index);
    if (this.#position > this.#active.length / 2) this.#next ??= this.#madeAhead();
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
    await doAll([async () => (await this.#next)?.close(), () => this.#active.close()]);
  }

  async #removeUnused(): Promise<void> {
    const first = this.runs.get(0)?.segment ?? this.#active.number;
    while (this.#oldest < first) {
      if (this.#reading?.segment === this.#oldest) this.#stopReading();
      await rm(join(this.directory, segmentName(this.#oldest)), { force: true });
      await syncDirectory(this.directory);
      this.#oldest++;
    }
  }

  /** Ends the active segment and begins the next, which takes a commit of `bytes`. */
  async #goOn(bytes: number): Promise<void> {
    const ended = this.#active;
    let next = await (this.#next ?? this.#madeAhead());
    if (next === null || 2 * SECTOR_BYTES + bytes > next.length) {
      await next?.close();
      next = await Segment.create(this.directory, ended.number + 1, Math.max(this.#nextLength(), wholeSectors(2 * SECTOR_BYTES + bytes)));
    }
    this.#next = null;
    await ended.write(encodeEnd({ salt: ended.salt, offset: this.#position, sequence: this.#sequence + 1 }), this.#position);
    this.#active = next;
    this.#position = SECTOR_BYTES;
    await ended.close();
  }

  /** Null when it could not be made: then it is tried again when it is needed, and that failure counts. */
  #madeAhead(): Promise<Segment | null> {
    return Segment.create(this.directory, this.#active.number + 1, this.#nextLength()).catch(() => null);
  }

  #nextLength(): number {
    return Math.min(2 * this.#active.length, MAX_SEGMENT_BYTES);
  }

  #stopReading(): void {
    if (this.#reading !== null) closeSync(this.#reading.file);
    this.#reading = null;
  }
}
