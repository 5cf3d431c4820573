import { cpSync, existsSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Dice } from '../../testing/simulation/dice.js';

const PAGE_BYTES = 4096;
/**
 * LMDB's two meta pages have no checksum: a flip there can make it take the older of the two for the newer, which is a
 * disk that went back in time. No log can notice that by itself; a replaced node can't fall for it.
 */
const META_PAGES = 2;

export function logFileOf(dataDir: string): string {
  return join(dataDir, 'log.mdb');
}

/** Flips a bit in one page of the log, in a few, or in all. Returns what was done in words. */
export function damageLog(dataDir: string, dice: Dice): string {
  const file = logFileOf(dataDir);
  const bytes = readFileSync(file);
  const pages = Array.from({ length: Math.floor(bytes.length / PAGE_BYTES) - META_PAGES }, (_, i) => META_PAGES + i);
  const hit = dice.shuffled(pages).slice(0, dice.pick([1, 5, pages.length]));
  for (const page of hit) flipBit(bytes, page * PAGE_BYTES + dice.whole(0, PAGE_BYTES - 1), dice);
  writeFileSync(file, bytes);
  return `a bit flipped in ${hit.length} of ${pages.length} pages of the log`;
}

/** Cuts the log off somewhere behind its first pages. */
export function truncateLog(dataDir: string, dice: Dice): string {
  const file = logFileOf(dataDir);
  const { size } = statSync(file);
  const kept = dice.whole(META_PAGES * PAGE_BYTES, size - 1);
  truncateSync(file, kept);
  return `the log cut from ${size} to ${kept} bytes`;
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
