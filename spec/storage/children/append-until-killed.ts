/** Appends, truncates, snapshots and compacts in the directory argv[2] until it is killed; tells of what was acknowledged on stdout. */
import { writeSync } from 'node:fs';
import { configurationOf } from '../../../lib/core/configuration.js';
import type { Entry } from '../../../lib/core/entry.js';
import { FileStorage } from '../../../lib/storage/file.js';

const storage = new FileStorage({ path: process.argv[2] ?? '' });
const state = await storage.open({ clusterId: 'kill', nodeId: 'a' });
const term = state.hardState.term + 1;
const underWay: Promise<void>[] = [];
let { index } = state.lastLog;

for (let id = 1; ; id++) {
  const entries: Entry[] = [];
  for (let left = (id * 7) % 40; left >= 0; left--) {
    index++;
    // The last of a write is a noop, so that half a write shows.
    entries.push({ index, term, kind: left === 0 ? 'noop' : 'command', payload: new TextEncoder().encode(`entry ${index} `.repeat(1 + (index % 30))) });
  }
  const last = index;
  // Synchronously: what is in the pipe when the process dies was acknowledged.
  const acknowledged = storage.append({ id, hardState: { term, votedFor: 'a' }, truncateAfter: null, entries }).then(() => void writeSync(1, `${term} ${last}\n`));
  underWay.push(acknowledged);
  if (underWay.length > 8) await underWay.shift();
  if (id % 25 === 0) await snapshotAndCompact(last);
}

async function snapshotAndCompact(through: number): Promise<void> {
  await Promise.all(underWay.splice(0));
  const meta = { last: { index: through, term }, configuration: configurationOf({ a: 'a:1' }), configurationIndex: 0 };
  await storage.saveSnapshot(meta, content(through), { replaceLog: false });
  await storage.compact(through - 10);
}

async function* content(through: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 20; i++) yield new Uint8Array(50_000).fill(through & 255);
}
