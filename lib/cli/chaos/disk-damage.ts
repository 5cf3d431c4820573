import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Dice } from '../../testing/simulation/dice.js';

const SECTOR_BYTES = 512;

/** The files of a node's log, the oldest first. */
export function logFilesOf(dataDir: string): string[] {
  return readdirSync(dataDir).filter((name) => /^log-\d+$/.test(name)).sort().map((name) => join(dataDir, name));
}

/** Flips a bit in one sector of the log that holds something, in a few, or in all. Returns what was done in words. */
export function damageLog(dataDir: string, dice: Dice): string {
  const files = logFilesOf(dataDir).map((file) => ({ file, bytes: readFileSync(file) }));
  const sectors = files.flatMap(({ bytes }) => sectorsInUse(bytes).map((at) => ({ bytes, at })));
  const hit = dice.shuffled(sectors).slice(0, dice.pick([1, 5, sectors.length]));
  for (const { bytes, at } of hit) flipBit(bytes, at + dice.whole(0, SECTOR_BYTES - 1), dice);
  for (const { file, bytes } of files) writeFileSync(file, bytes);
  return `a bit flipped in ${hit.length} of ${sectors.length} sectors of the log`;
}

function sectorsInUse(bytes: Buffer): number[] {
  const zeros = Buffer.alloc(SECTOR_BYTES);
  return Array.from({ length: Math.floor(bytes.length / SECTOR_BYTES) }, (_, i) => i * SECTOR_BYTES).filter((at) => !bytes.subarray(at, at + SECTOR_BYTES).equals(zeros));
}

/** Cuts one of the log's files off somewhere. */
export function truncateLog(dataDir: string, dice: Dice): string {
  const file = dice.pick(logFilesOf(dataDir));
  const { size } = statSync(file);
  const kept = dice.whole(0, size - 1);
  truncateSync(file, kept);
  return `${basename(file)} cut from ${size} to ${kept} bytes`;
}

/** Flips a bit of the snapshot; null when there is none. */
export function damageSnapshot(dataDir: string, dice: Dice): string | null {
  const file = join(dataDir, 'snapshot');
  if (!existsSync(file)) return null;
  const bytes = readFileSync(file);
  const at = dice.whole(0, bytes.length - 1);
  flipBit(bytes, at, dice);
  writeFileSync(file, bytes);
  return `a bit flipped at ${at} of the snapshot's ${bytes.length} bytes`;
}

export function backUp(dataDir: string): void {
  rmSync(backupOf(dataDir), { recursive: true, force: true });
  copyFiles(dataDir, backupOf(dataDir));
}

/** Puts back what `backUp` saved. */
export function restoreBackup(dataDir: string): void {
  rmSync(dataDir, { recursive: true, force: true });
  copyFiles(backupOf(dataDir), dataDir);
}

export function dropBackup(dataDir: string): void {
  rmSync(backupOf(dataDir), { recursive: true, force: true });
}

function flipBit(bytes: Buffer, at: number, dice: Dice): void {
  bytes[at] = (bytes[at] ?? 0) ^ (1 << dice.whole(0, 7));
}

function backupOf(dataDir: string): string {
  return `${dataDir}.backup`;
}

/** Copies what is in a directory; sockets that lock it can't be copied, and need not be. */
export function copyFiles(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: isKept });
}

function isKept(source: string): boolean {
  const stats = statSync(source, { throwIfNoEntry: false });
  return stats !== undefined && (stats.isFile() || stats.isDirectory());
}
