import { randomBytes } from 'node:crypto';
import { constants, fdatasync, write } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { CorruptLogError } from '../../ports/errors.js';
import { SECTOR_BYTES } from './commit.js';
import { syncDirectory } from './files.js';

const MAGIC = 0x73627872;
const VERSION = 1;
const HEADER_BYTES = 32;
const ZEROS_BYTES = 256 * 1024;

/** With it a write returns when it is durable. Where Node does not have it, `datasync` follows the write. */
const DSYNC = process.platform === 'linux' ? constants.O_DSYNC : 0;

/**
 * One file of the log. It is made whole, of zeros, before the first commit is written to it: then a commit overwrites what
 * is there, and the disk need not be told of a new length and new places, which doubles what a small commit costs; and what a
 * crash cut short shows as zeros.
 *
 * ```
 * sector 0   u32 CRC-32 of the next 28 bytes · u32 magic number · u32 version · u32 salt · f64 number · f64 length of the file
 * then       commits, one behind the other (commit.ts); zeros
 * ```
 */
export interface SegmentHead {
  readonly number: number;
  /** Of the file. */
  readonly length: number;
  /** A random number in the checksums of its commits: what stands in another file, or in a value, is none of them. */
  readonly salt: number;
}

export function segmentName(number: number): string {
  return `log-${String(number).padStart(10, '0')}`;
}

/** The number in a segment's name; null for any other. */
export function segmentNumber(name: string): number | null {
  const digits = /^log-(\d{10,})$/.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** What a crash may leave of segments that were being made. */
export function isHalfMade(name: string): boolean {
  return /^log-\d+\.tmp$/.test(name);
}

/** A segment that is open for writing. */
export class Segment implements SegmentHead {
  #writing: Promise<void> = Promise.resolve();

  private constructor(
    readonly file: string,
    readonly number: number,
    readonly length: number,
    readonly salt: number,
    private readonly handle: FileHandle,
  ) {}

  /** Makes one, durable with its name, and opens it. Takes the place of one with its number. */
  static async create(directory: string, number: number, length: number): Promise<Segment> {
    const file = join(directory, segmentName(number));
    const head: SegmentHead = { number, length, salt: randomBytes(4).readUInt32LE() };
    const temporary = `${file}.tmp`;
    try {
      const handle = await open(temporary, 'w');
      try {
        await writeZeros(handle, head);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
    } catch (error) {
      // The first error is the one to tell of; what can't be removed now is removed by the next open.
      await rm(temporary, { force: true }).catch(() => undefined);
      throw error;
    }
    await syncDirectory(dirname(file));
    return await Segment.open(file, head);
  }

  static async open(file: string, { number, length, salt }: SegmentHead): Promise<Segment> {
    return new Segment(file, number, length, salt, await open(file, constants.O_RDWR | DSYNC));
  }

  /** Resolves once the bytes are durable. By callback: what a promise of `node:fs` allocates shows in every append. */
  write(bytes: Uint8Array, position: number): Promise<void> {
    this.#writing = new Promise((resolve, reject) => {
      const { fd } = this.handle;
      const writeFrom = (done: number): void => {
        write(fd, bytes, done, bytes.length - done, position + done, (error, count) => {
          if (error !== null) reject(error);
          else if (count === 0) reject(new Error(`${this.file} takes no more bytes`));
          else if (done + count < bytes.length) writeFrom(done + count);
          else if (DSYNC === 0) fdatasync(fd, (failure) => (failure === null ? resolve() : reject(failure)));
          else resolve();
        });
      };
      writeFrom(0);
    });
    return this.#writing;
  }

  /** After the write that is under way: the number of a closed file may become another's. */
  async close(): Promise<void> {
    await this.#writing.catch(() => undefined); // whoever asked for it was told
    await this.handle.close();
  }
}

async function writeZeros(handle: FileHandle, head: SegmentHead): Promise<void> {
  await handle.writeFile(encodeHead(head));
  const zeros = new Uint8Array(ZEROS_BYTES);
  for (let left = head.length - HEADER_BYTES; left > 0; left -= ZEROS_BYTES) await handle.writeFile(zeros.subarray(0, left));
}

function encodeHead({ number, length, salt }: SegmentHead): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  [MAGIC, VERSION, salt].forEach((value, i) => view.setUint32(4 + 4 * i, value));
  view.setFloat64(16, number);
  view.setFloat64(24, length);
  view.setUint32(0, crc32(bytes.subarray(4)));
  return bytes;
}

/** Reads a whole segment. @throws {CorruptLogError} when its head is damaged, cut, or another file's. */
export async function readSegment(directory: string, number: number): Promise<{ readonly head: SegmentHead; readonly bytes: Uint8Array }> {
  const file = join(directory, segmentName(number));
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const first = new Uint8Array(SECTOR_BYTES);
    await handle.read(first, 0, SECTOR_BYTES, 0);
    const head = decodeHead(first, file, size);
    const bytes = new Uint8Array(size);
    for (let done = 0; done < size; ) {
      const { bytesRead } = await handle.read(bytes, done, size - done, done);
      if (bytesRead === 0) break; // what is missing is zeros, and judged as such
      done += bytesRead;
    }
    return { head, bytes };
  } finally {
    await handle.close();
  }
}

function decodeHead(bytes: Uint8Array, file: string, size: number): SegmentHead {
  const fail = (what: string): CorruptLogError => new CorruptLogError('log', null, `${file} ${what}; restore the directory from a backup, or empty it and let the node rejoin`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.getUint32(4) !== MAGIC || view.getUint32(0) !== crc32(bytes.subarray(4, HEADER_BYTES))) throw fail('does not begin as a segment of a log');
  const head: SegmentHead = { number: view.getFloat64(16), length: view.getFloat64(24), salt: view.getUint32(12) };
  if (view.getUint32(8) !== VERSION) throw fail(`is a segment of version ${view.getUint32(8)}, which this build can't read: use the newer one that wrote it`);
  if (segmentName(head.number) !== file.slice(-segmentName(head.number).length)) throw fail(`holds segment ${head.number}`);
  if (head.length !== size) throw fail(`has ${size} bytes of ${head.length}`);
  return head;
}
