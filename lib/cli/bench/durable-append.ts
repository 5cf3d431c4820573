import { mkdtemp, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Entry } from '../../core/entry.js';
import { LmdbStorage } from '../../storage/lmdb.js';

const BATCH = 256;
const PAYLOAD = new Uint8Array(256).fill(7);

export interface AppendRates {
  readonly storePerSecond: number;
  readonly rawPerSecond: number;
}

/** Appends `batches` batches of 256 entries of 256 B, each durable before the next; then the same bytes with `fdatasync` per batch. */
export async function durableAppend(parent: string, batches: number): Promise<AppendRates> {
  const directory = await mkdtemp(join(parent, 'append-'));
  try {
    const storePerSecond = await storeRate(join(directory, 'store'), batches);
    const rawPerSecond = await rawRate(join(directory, 'raw'), batches);
    return { storePerSecond, rawPerSecond };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function storeRate(path: string, batches: number): Promise<number> {
  const storage = new LmdbStorage({ path });
  await storage.open({ clusterId: 'bench', nodeId: 'a' });
  let index = 0;
  const startedAt = performance.now();
  for (let id = 1; id <= batches; id += 1) {
    const entries: Entry[] = [];
    for (let i = 0; i < BATCH; i += 1) entries.push({ index: (index += 1), term: 1, kind: 'command', payload: PAYLOAD });
    await storage.append({ id, hardState: null, truncateAfter: null, entries });
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await storage.close();
  return (batches * BATCH) / seconds;
}

async function rawRate(path: string, batches: number): Promise<number> {
  const file = await open(path, 'w');
  const bytes = new Uint8Array(BATCH * PAYLOAD.length).fill(7);
  const startedAt = performance.now();
  for (let i = 0; i < batches; i += 1) {
    await file.write(bytes);
    await file.datasync();
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await file.close();
  return (batches * BATCH) / seconds;
}
