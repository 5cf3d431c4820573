/**
 * Makes a store in the directory argv[2], then flips argv[4] bits of its files one at a time, chosen with the seed argv[3],
 * and uses what is left of it. Says which bit before each try, so that a crash tells it, and what came of it after. Exits
 * with 1 on wrong data.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { RaftError } from '../../../lib/ports/errors.js';
import type { RecoveredState } from '../../../lib/ports/storage.js';
import { FileStorage } from '../../../lib/storage/file.js';
import { assertEntries, bytesOf, commands, Store } from '../../../lib/testing/storage-suite/store.js';
import { numbers } from './random.js';

const [directory = '', seed = '1', tries = '100'] = process.argv.slice(2);
const [pristine, damaged] = [join(directory, 'pristine'), join(directory, 'damaged')];
const SNAPSHOT = bytesOf(300_000, 7);
const COMPACTED = 37;
const LAST = 450;
const HARD_STATE = { term: 9, votedFor: 'somebody' };

function storeIn(path: string): Store {
  return new Store({ create: () => new FileStorage({ path }), crash: () => undefined, dispose: () => undefined });
}

/** Several segments, commits of one block and of many, cut blocks, a compacted log and a snapshot. */
async function makePristine(): Promise<void> {
  const store = storeIn(pristine);
  await store.open();
  for (let index = 1; index <= LAST; index++) await store.write({ entries: commands(index, index, 1, bytesAt(index)) });
  await store.write({ entries: commands(LAST + 1, LAST + 60, 1, 3000) });
  await store.write({ hardState: HARD_STATE, truncateAfter: LAST });
  await store.save(COMPACTED + 5, 1, SNAPSHOT);
  await store.storage.compact(COMPACTED);
  await store.storage.close();
}

function bytesAt(index: number): number {
  return index % 30 === 0 ? 9000 : 1700;
}

async function check(store: Store, state: RecoveredState, last: number): Promise<void> {
  assert.deepEqual([state.hardState, state.compacted.index, state.lastLog.index, state.snapshot?.last.index], [HARD_STATE, COMPACTED, last, COMPACTED + 5]);
  const entries = await store.readAll(COMPACTED + 1, last);
  assertEntries(entries, Array.from({ length: last - COMPACTED }, (_, i) => COMPACTED + 1 + i).flatMap((index) => commands(index, index, 1, bytesAt(index))));
  assert.ok(Buffer.from(SNAPSHOT).equals(await store.snapshotBytes()), 'the snapshot');
}

/** Reads everything, writes more, and reads it again. */
async function use(): Promise<string> {
  const store = storeIn(damaged);
  try {
    await check(store, await store.open(), LAST);
    for (let i = 1; i <= 6; i++) await store.write({ entries: commands(LAST + i, LAST + i, 1, bytesAt(LAST + i)) });
    await store.write({ truncateAfter: LAST + 3 });
    await check(store, await store.reopen(), LAST + 3);
    return 'harmless';
  } catch (error) {
    if (!(error instanceof RaftError)) throw error;
    assert.match(error.message, /restore|upgrade|checksum|does not|can't be opened|the commit failed/);
    return `refused: ${error.message}`;
  } finally {
    await store.storage.close();
  }
}

const random = numbers(Number(seed));
rmSync(pristine, { recursive: true, force: true });
await makePristine();
const names = readdirSync(pristine);
const contents = new Map(names.map((name) => [name, readFileSync(join(pristine, name))]));
const segments = names.filter((each) => each.startsWith('log-'));
/** In the segments, where something that is not zero stands: heads, entries, what pads them. */
const written = segments.map((each) => usedBytes(contents.get(each) ?? Buffer.alloc(0)));

function usedBytes(bytes: Buffer): number {
  let used = bytes.length;
  while (bytes[used - 1] === 0) used--;
  return used;
}

/** Half of the tries hit the head of a segment or the first bytes of a sector that is in use, where a commit may begin. */
function place(): { readonly name: string; readonly offset: number } {
  if (random(2) === 0) {
    const chosen = random(segments.length);
    return { name: segments[chosen] ?? '', offset: 512 * random(Math.ceil((written[chosen] ?? 0) / 512)) + random(120) };
  }
  const name = names[random(names.length)] ?? '';
  return { name, offset: random(contents.get(name)?.length ?? 0) };
}

for (let left = Number(tries); left > 0; left--) {
  const { name, offset } = place();
  const bit = random(8);
  rmSync(damaged, { recursive: true, force: true });
  mkdirSync(damaged);
  for (const each of names) copyFileSync(join(pristine, each), join(damaged, each));
  const content = Buffer.from(contents.get(name) ?? '');
  content[offset] = (content[offset] ?? 0) ^ (1 << bit);
  writeFileSync(join(damaged, name), content);
  writeSync(1, `${name} byte ${offset} bit ${bit}: `);
  writeSync(1, `${await use()}\n`);
}
