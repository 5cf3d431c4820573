import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry } from '../../core/entry.js';
import { FileStorage } from '../../storage/file.js';
import { median } from './report.js';

const BATCH = 256;
const PAYLOAD = new Uint8Array(256).fill(7);
const BYTES = new Uint8Array(BATCH * PAYLOAD.length).fill(7);

/** How often store and file have their turn: disks have moods. */
const ROUNDS = 20;

export interface AppendJob {
  readonly directory: string;
  readonly batches: number;
  /** Batches that are under way at once. */
  readonly depth: number;
}

/** Entries per second. */
export interface AppendRates {
  readonly store: number;
  /** To a file, one batch after the other. */
  readonly file: number;
  /** To a file, `depth` batches under way. */
  readonly fileInFlight: number;
}

/** Appends batches of 256 entries of 256 B, and in turn with that the same bytes to a file with one `fdatasync` a batch. */
export async function durableAppend({ directory: parent, batches, depth }: AppendJob): Promise<AppendRates> {
  const directory = await mkdtemp(join(parent, 'append-'));
  const storage = new FileStorage({ path: join(directory, 'store') });
  const handle = await open(join(directory, 'file'), 'w');
  try {
    await storage.open({ clusterId: 'bench', nodeId: 'a' });
    const append = storeAppender(storage);
    const write = fileWriter(handle);
    const portion = Math.ceil(batches / ROUNDS);
    const contestants = [() => rate(portion, depth, append), () => rate(portion, 1, write), () => rate(portion, depth, write)];
    const rates = contestants.map((): number[] => []);
    await Promise.all([rate(depth, depth, append), rate(depth, depth, write)]);
    for (let round = 0; round < ROUNDS; round += 1) for (const [i, contestant] of contestants.entries()) rates[i]?.push(await contestant());
    const [store = NaN, file = NaN, fileInFlight = NaN] = rates.map(median);
    return { store, file, fileInFlight };
  } finally {
    await storage.close();
    await handle.close();
    await rm(directory, { recursive: true, force: true });
  }
}

async function rate(batches: number, depth: number, call: () => Promise<void>): Promise<number> {
  let left = batches;
  const lane = async (): Promise<void> => {
    while (left-- > 0) await call();
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: depth }, lane));
  return (batches * BATCH) / ((performance.now() - startedAt) / 1000);
}

function storeAppender(storage: FileStorage): () => Promise<void> {
  let id = 0;
  let index = 0;
  return () => {
    const entries: Entry[] = [];
    for (let i = 0; i < BATCH; i += 1) entries.push({ index: (index += 1), term: 1, kind: 'command', payload: PAYLOAD });
    return storage.append({ id: (id += 1), hardState: null, truncateAfter: null, entries });
  };
}

function fileWriter(file: FileHandle): () => Promise<void> {
  let position = 0;
  return async () => {
    const at = position;
    position += BYTES.length;
    await file.write(BYTES, 0, BYTES.length, at);
    await file.datasync();
  };
}
