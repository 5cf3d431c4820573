import type { Step } from './recording.js';

/** What a disk writes whole. Commits are larger, and so may be torn. */
const SECTOR_BYTES = 512;

/**
 * What the files may hold after the power went at line `at` of a recording. What a sync that had returned covers is there.
 * Of the rest any part is: of writes any sectors; creations, renames and removals each or not. `keeps` decides.
 */
export function imageAt(steps: readonly Step[], at: number, keeps: () => boolean): ReadonlyMap<string, Buffer> {
  const begun = steps.filter(({ start }) => start <= at);
  const syncs = begun.filter(({ type, end }) => type.startsWith('sync') && end <= at);
  const files = new Map<number, GrowingFile>();
  const names = new Map<string, number>();
  for (const step of begun) {
    if (step.type === 'write') {
      const file = files.get(step.file) ?? new GrowingFile();
      files.set(step.file, file);
      if ((step.isSynced && step.end <= at) || syncs.some((sync) => sync.type === 'syncFile' && sync.file === step.file && step.end < sync.start)) file.write(step.bytes, step.at);
      else for (const [from, to] of sectorsOf(step.at, step.bytes.length)) if (keeps()) file.write(step.bytes.subarray(from - step.at, to - step.at), from);
    } else if (step.type === 'create' || step.type === 'rename' || step.type === 'remove') {
      const isDurable = syncs.some((sync) => sync.type === 'syncDirectory' && step.end < sync.start);
      if (!isDurable && !keeps()) continue;
      if (step.type === 'remove') names.delete(step.name);
      else names.set(step.name, step.file);
      if (step.type === 'rename') names.delete(step.old);
    }
  }
  return new Map([...names].map(([name, file]) => [name, files.get(file)?.bytes ?? Buffer.alloc(0)]));
}

function* sectorsOf(at: number, length: number): Generator<readonly [from: number, to: number]> {
  for (let from = at; from < at + length; ) {
    const to = Math.min(at + length, from - (from % SECTOR_BYTES) + SECTOR_BYTES);
    yield [from, to];
    from = to;
  }
}

/** Zeros where nothing was written. */
class GrowingFile {
  #buffer = Buffer.alloc(4096);
  #length = 0;

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  write(bytes: Buffer, at: number): void {
    this.#length = Math.max(this.#length, at + bytes.length);
    if (this.#length > this.#buffer.length) this.#buffer = Buffer.concat([this.#buffer, Buffer.alloc(2 * this.#length - this.#buffer.length)]);
    bytes.copy(this.#buffer, at);
  }
}
