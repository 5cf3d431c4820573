import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CorruptLogError } from '../../ports/errors.js';
import { blocksOf, commitHead, isCutShort, isZero, SECTOR_BYTES, stateOf, verifyBlocks, type CommitHead } from './commit.js';
import { doAll } from './files.js';
import { Runs } from './runs.js';
import { isHalfMade, readSegment, Segment, segmentName, segmentNumber, type SegmentHead } from './segment.js';
import { Segments } from './segments.js';
import { Slice } from './slice.js';
import type { LogState } from './state-record.js';

/** The numbers of the segments in a directory, ascending; removes what a crash left half made. */
export async function listSegments(directory: string): Promise<number[]> {
  const numbers: number[] = [];
  for (const name of await readdir(directory)) {
    const number = segmentNumber(name);
    if (number !== null) numbers.push(number);
    else if (isHalfMade(name)) await rm(join(directory, name), { force: true });
  }
  return numbers.sort((a, b) => a - b);
}

/**
 * Finds the commits of a log, front to back, and opens it where it ends; `state` is that of the last one, null when there
 * is none. A last commit that a crash cut short, which nobody was told of as done, is wiped out. Only where that decides what
 * a last commit is are blocks verified here: `LogReader.scan` verifies all that count.
 *
 * @param numbers of its segments, ascending, at least one
 * @throws {CorruptLogError} when a commit that was acknowledged is damaged, or a segment is missing.
 */
export async function replay(directory: string, numbers: readonly number[]): Promise<{ readonly segments: Segments; readonly state: LogState | null }> {
  const [oldest = 1] = numbers;
  const log = new Replay();
  for (const [i, number] of numbers.entries()) {
    if (number !== oldest + i) throw gone(directory, oldest + i);
    const { head, bytes } = await readSegment(directory, number);
    await log.add(bytes, head, join(directory, segmentName(number)));
  }
  const { end, runs, state, latest } = log;
  if (end === null) throw gone(directory, oldest + numbers.length);
  if (latest !== null) await rewrite(directory, latest);
  if (end.garbageBytes > 0) await rewrite(directory, { head: end.head, offset: end.position, bytes: new Uint8Array(end.garbageBytes) });
  const active = await Segment.open(join(directory, segmentName(end.head.number)), end.head);
  return { segments: new Segments(directory, { oldest, active, runs, latest: log.stateIn, position: end.position, sequence: log.sequence ?? 0 }), state };
}

async function rewrite(directory: string, { head, offset, bytes }: Written): Promise<void> {
  const segment = await Segment.open(join(directory, segmentName(head.number)), head);
  await doAll([() => segment.write(bytes, offset), () => segment.close()]);
}

/** What stands at a place of a segment. */
interface Written {
  readonly head: SegmentHead;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Where the log ends. */
interface End {
  readonly head: SegmentHead;
  readonly position: number;
  /** So much of a commit that was cut short is behind it. */
  readonly garbageBytes: number;
}

/** What the segments so far hold. */
class Replay {
  readonly runs = new Runs();
  /** Of the last commit. */
  state: LogState | null = null;
  /** The segment of the last commit. */
  stateIn: number | null = null;
  sequence: number | null = null;
  /** Null as long as the log goes on in the next segment. */
  end: End | null = null;
  /**
   * The last commit or end mark. It is written once more, since it may be in the system's memory alone: when the process was killed,
   * or the disk failed, before it was durable. Everything before it is.
   */
  latest: Written | null = null;
  readonly #slice = new Slice();

  async add(bytes: Uint8Array, head: SegmentHead, file: string): Promise<void> {
    if (this.end !== null) {
      // Made ahead; it is made again when it is needed.
      if (!isZero(bytes.subarray(SECTOR_BYTES))) throw damaged(file, SECTOR_BYTES, 'the segment before it does not say that the log goes on here');
      return;
    }
    const commits: CommitHead[] = [];
    let at = SECTOR_BYTES;
    let commit = commitHead(bytes, head.salt, at);
    for (; commit !== null && !commit.isEnd; commit = commitHead(bytes, head.salt, at)) {
      commits.push(commit);
      at += commit.length;
      await this.#rested();
    }
    if (commit === null) this.end = endOf(bytes, head, file, commits, at);
    for (const each of commits) {
      this.#follow(each, file);
      this.sequence = each.sequence;
      this.runs.truncateAfter(each.kept);
      for (const block of blocksOf(bytes, each)) this.runs.add(head.number, block);
      await this.#rested();
    }
    const last = commits.at(-1);
    if (last !== undefined) {
      this.state = stateOf(bytes, last);
      this.stateIn = head.number;
    }
    const latest = commit ?? last;
    if (latest !== undefined) this.latest = { head, offset: latest.offset, bytes: bytes.slice(latest.offset, latest.offset + latest.length) };
    if (commit === null) return;
    this.#follow(commit, file);
    this.sequence = commit.sequence - 1;
  }

  #follow({ sequence, offset }: CommitHead, file: string): void {
    if (this.sequence !== null && sequence !== this.sequence + 1) throw damaged(file, offset, `commit ${sequence} is behind commit ${this.sequence}`);
  }

  async #rested(): Promise<void> {
    if (this.#slice.isOver()) await this.#slice.rest();
  }
}

/**
 * Judges what is at `at`, where no head is right any more, and the last of the `commits` before it, which is taken off them when
 * it was cut short. Every other one was acknowledged, since another follows it.
 */
function endOf(bytes: Uint8Array, head: SegmentHead, file: string, commits: CommitHead[], at: number): End {
  const rest = bytes.subarray(at);
  const last = commits.at(-1);
  if (isZero(rest)) {
    if (last === undefined || !isCutShort(bytes, last)) {
      if (last !== undefined) verifyBlocks(bytes, last);
      return { head, position: at, garbageBytes: 0 };
    }
    commits.pop();
    return { head, position: last.offset, garbageBytes: last.length };
  }
  for (let later = at + SECTOR_BYTES; later < bytes.length; later += SECTOR_BYTES) {
    if (commitHead(bytes, head.salt, later) !== null) throw damaged(file, at, 'commits that came later are behind it');
  }
  // The head is in one sector, which is written whole or not at all.
  if (!isZero(rest.subarray(0, SECTOR_BYTES))) throw damaged(file, at, 'its head does not match its checksum');
  let garbageBytes = rest.length;
  while (isZero(rest.subarray(garbageBytes - SECTOR_BYTES, garbageBytes))) garbageBytes -= SECTOR_BYTES;
  return { head, position: at, garbageBytes };
}

function damaged(file: string, offset: number, what: string): CorruptLogError {
  return new CorruptLogError('log', null, `the commit at byte ${offset} of ${file} is damaged: ${what}; restore the directory from a backup, or empty it and let the node rejoin`);
}

function gone(directory: string, number: number): CorruptLogError {
  return new CorruptLogError('log', null, `${join(directory, segmentName(number))} is gone; restore the directory from a backup, or empty it and let the node rejoin`);
}
