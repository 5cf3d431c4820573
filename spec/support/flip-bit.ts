import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

/** Flips one bit of a file, as a disk might; a second call mends it. */
export function flipBit(file: string, offset: number): void {
  const byte = readFileSync(file)[offset];
  if (offset < 0 || byte === undefined) throw new RangeError(`${file} has no byte ${offset}`);
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Uint8Array.of(byte ^ 4), 0, 1, offset);
  closeSync(descriptor);
}
