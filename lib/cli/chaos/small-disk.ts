import { execFile } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, statfsSync } from 'node:fs';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { copyFiles } from './disk-damage.js';
import type { Guard } from './guard.js';

const run = promisify(execFile);
const ROOMY_BYTES = 256 << 20;
/** A log that grows and is cut while it is measured makes the measure wrong, never so often in a row. */
const MOST_TRIES = 20;

/** A file system of its own, in memory, below one directory; what the directory held is copied there, and back at the end. */
export class SmallDisk {
  readonly #directory: string;
  readonly #guard: Guard;

  private constructor(directory: string, guard: Guard) {
    this.#directory = directory;
    this.#guard = guard;
  }

  /** Null where this process may not mount one: it takes Linux, and the rights of root. */
  static async below(path: string, guard: Guard): Promise<SmallDisk | null> {
    const directory = resolve(path);
    const aside = asideOf(directory);
    renameSync(directory, aside);
    mkdirSync(directory);
    guard.watch(directory);
    try {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${ROOMY_BYTES},mode=700`, 'rxraft-chaos', directory]);
    } catch {
      guard.forget(directory);
      rmSync(directory, { recursive: true });
      renameSync(aside, directory);
      return null;
    }
    copyFiles(aside, directory);
    rmSync(aside, { recursive: true });
    return new SmallDisk(directory, guard);
  }

  /** From now on there is room for so many more bytes, about: no disk gets smaller than what is written to it meanwhile. */
  async leave(bytes: number): Promise<void> {
    let room = bytes;
    for (let tries = 1; ; tries += 1) {
      const used = this.#usedBytes();
      try {
        await run('mount', ['-o', `remount,size=${used + room}`, this.#directory]);
        return;
      } catch (error) {
        if (tries === MOST_TRIES) throw error;
        room += Math.max(0, this.#usedBytes() - used);
      }
    }
  }

  /** What it holds is on the disk below again, and it is gone. Nobody may use it any more. */
  async end(): Promise<void> {
    const aside = asideOf(this.#directory);
    copyFiles(this.#directory, aside);
    await run('umount', [this.#directory]);
    this.#guard.forget(this.#directory);
    rmSync(this.#directory, { recursive: true });
    renameSync(aside, this.#directory);
  }

  #usedBytes(): number {
    const { blocks, bfree, bsize } = statfsSync(this.#directory);
    return (blocks - bfree) * bsize;
  }
}

function asideOf(directory: string): string {
  return `${directory}.aside`;
}
