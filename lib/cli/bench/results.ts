import { readFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import type { BenchSize } from './bench.js';
import { PARTS } from './parts.js';
import type { Report } from './report.js';

/** A part's report, with when, where and how it was taken. */
export interface Result extends Report {
  readonly part: string;
  readonly title: string;
  /** ISO 8601. */
  readonly at: string;
  readonly machine: string;
  /** How many threads wanted to run on it before anything was measured, on average of a minute. */
  readonly load: number;
  readonly size: BenchSize;
}

/** Where this runs. */
export function machineText(): string {
  return `Node.js ${process.version}, ${cpus().length} × ${(cpus()[0]?.model ?? 'unknown processor').replaceAll(/\s+/g, ' ')}`;
}

/** What stands in a file of earlier results; nothing when there is no file yet. */
export async function readResults(file: string): Promise<readonly Result[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  const { results } = JSON.parse(text) as { readonly results?: readonly Result[] };
  if (results === undefined) throw new Error(`${file} holds no results of this version; remove it, or choose another --out`);
  return results;
}

export function resultsText(results: readonly Result[]): string {
  return `${JSON.stringify({ results }, null, 2)}\n`;
}

/** New results in the place of those that they renew, in the order of the suite. */
export function merged(old: readonly Result[], fresh: readonly Result[]): Result[] {
  return PARTS.flatMap(({ name }) => [...fresh, ...old].find(({ part }) => part === name) ?? []);
}
