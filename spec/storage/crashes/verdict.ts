import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { FileStorage } from '../../../lib/storage/file.js';
import { assertEntries, Store } from '../../../lib/testing/storage-suite/store.js';
import { after, contentOf, EMPTY, entriesOf, lastOf, snapshotAt, type Content, type Operation } from './history.js';

export const IDENTITY = { clusterId: 'crash', nodeId: 'a' };

/** What a process told of on its way: what it was about to do, and what was acknowledged, in order. */
export class Account {
  /** What the store held before the first operation, after it, and so on. */
  readonly contents: Content[];
  acknowledged = 0;

  constructor(start: Content = EMPTY) {
    this.contents = [start];
  }

  add(line: string): void {
    if (line === 'done') this.acknowledged++;
    else if (line.startsWith('{')) this.contents.push(after(this.contents.at(-1) ?? EMPTY, JSON.parse(line) as Operation));
  }

  /** What a crash may leave: all that was acknowledged, and any number of the operations that were under way behind it. */
  get legal(): readonly Content[] {
    return this.contents.slice(this.acknowledged);
  }
}

/** Opens what a crash left, and reads all of it. @throws when that is not one of `legal`. */
export async function verdict(path: string, legal: readonly Content[]): Promise<Content> {
  const store = new Store({ create: () => new FileStorage({ path }), crash: () => undefined, dispose: () => undefined });
  try {
    const state = await store.storage.open(IDENTITY);
    const content = contentOf(state);
    if (!legal.some((each) => isDeepStrictEqual(each, content))) assert.deepEqual(content, legal[0], `none of ${legal.length} legal contents`);
    const first = content.compacted.index + 1;
    assertEntries(await store.readAll(first, lastOf(content)), entriesOf(first, content.terms));
    if (content.snapshot !== null) assert.ok(Buffer.from(snapshotAt(content.snapshot)).equals(await store.snapshotBytes()), 'the snapshot');
    return content;
  } finally {
    await store.storage.close();
  }
}
