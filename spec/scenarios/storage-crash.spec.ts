import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EntryKind } from '../../lib/core/entry.js';
import { StorageError } from '../../lib/ports/errors.js';
import { FileStorage } from '../../lib/storage/file.js';
import { bytesOf, commands, Store } from '../../lib/testing/storage-suite/store.js';
import { Child } from '../support/child.js';
import { flipBit } from '../support/flip-bit.js';
import { fileFixture, temporaryDirectory } from '../support/file-fixture.js';
import { transpile, type Transpiled } from '../support/transpile.js';

const APPEND = 'spec/storage/children/append-until-killed.ts';
let scripts: Transpiled;
const directories: string[] = [];

beforeAll(() => {
  scripts = transpile([APPEND]);
});
afterAll(() => {
  scripts.dispose();
  for (const path of directories) rmSync(path, { recursive: true, force: true });
});

function directory(): string {
  const made = temporaryDirectory();
  directories.push(made);
  return made;
}

describe('crashes', () => {
  it('S64 a process killed while it appends, snapshots and compacts leaves every acknowledged write, no gap and no half batch', async () => {
    const path = directory();
    // Each round goes on where the one before was killed; the moments are spread over startup, commits and compactions.
    for (const acknowledgements of [1, 2, 5, 17, 33, 61, 90, 118, 7, 150]) {
      const appending = Child.node(scripts.file(APPEND), path);
      await appending.printed(acknowledgements);
      const { lines, stderr } = await appending.kill();
      expect(stderr).toBe('');
      expect(lines.length).toBeGreaterThanOrEqual(acknowledgements);
      const [term, index] = (lines.at(-1) ?? '').split(' ').map(Number);
      await expectWhole(path, Number(term), Number(index));
    }
  }, 120_000);

  it('S64 a crash between a snapshot’s taking force and the dropping of the log that it replaces is finished at the next open', async () => {
    for (const commitsBeforeTheCrash of [0, 1]) {
      const fixture = fileFixture();
      const store = new Store(fixture);
      await store.open();
      await store.write({ entries: commands(1, 40, 1, 10_000) });
      Object.assign(fixture.commits, { failure: new Error('the machine is off'), remaining: commitsBeforeTheCrash });
      const saved = store.save(30, 2, bytesOf(10, 1), true);
      if (commitsBeforeTheCrash === 0) await expect(saved).rejects.toThrow(StorageError);
      else await saved;
      const state = await store.reopen();
      expect([state.snapshot?.last, state.compacted, state.lastLog]).toEqual(Array(3).fill({ index: 30, term: 2 }));
      await store.write({ entries: commands(31, 35, 2) });
      expect((await store.reopen()).terms).toEqual([{ term: 2, first: 31 }]);
      await store.storage.close();
      await fixture.dispose();
    }
  });

  it('S64 a crash in the middle of a compaction leaves a log that opens, and the rest is removed then', async () => {
    for (const commitsBeforeTheCrash of [0, 1]) {
      const fixture = fileFixture();
      const store = new Store(fixture);
      await store.open();
      for (let first = 1; first <= 600; first += 20) await store.write({ entries: commands(first, first + 19, 1, 10_000) });
      await store.save(590, 1, bytesOf(10, 1));
      Object.assign(fixture.commits, { failure: new Error('the machine is off'), remaining: commitsBeforeTheCrash });
      // With its commit a compaction is done; the files that it removes are gone one by one (power cuts stop in between).
      const compacted = store.storage.compact(590);
      await (commitsBeforeTheCrash === 0 ? expect(compacted).rejects.toThrow(StorageError) : compacted);
      const state = await store.reopen();
      expect(state.compacted.index).toBe(commitsBeforeTheCrash === 0 ? 0 : 590);
      expect(state.lastLog.index).toBe(600);
      const segments = readdirSync(fixture.path).filter((name) => name.startsWith('log-'));
      expect(segments.includes('log-0000000001')).toBe(commitsBeforeTheCrash === 0);
      await store.storage.close();
      await fixture.dispose();
    }
  });

  it('S47 a crash at any byte of saving a snapshot leaves the previous one intact and usable', async () => {
    const fixture = fileFixture();
    const store = new Store(fixture);
    await store.open();
    await store.write({ entries: commands(1, 9, 1) });
    const meta = await store.save(5, 1, bytesOf(1000, 1));
    await store.storage.close();
    const whole = readFileSync(join(fixture.path, 'snapshot'));
    for (let length = 0; length <= whole.length; length += 97) {
      writeFileSync(join(fixture.path, 'snapshot.tmp-x'), whole.subarray(0, length));
      store.storage = fixture.create();
      expect((await store.open()).snapshot).toEqual(meta);
      expect(existsSync(join(fixture.path, 'snapshot.tmp-x'))).toBe(false);
      await store.storage.close();
    }
    await fixture.dispose();
  });

  it('S48 a snapshot file that is damaged or cut short anywhere is detected, never handed out', async () => {
    const fixture = fileFixture();
    const store = new Store(fixture);
    await store.open();
    await store.write({ entries: commands(1, 9, 1) });
    await store.save(5, 1, bytesOf(1000, 1));
    await store.storage.close();
    const file = join(fixture.path, 'snapshot');
    const whole = readFileSync(file);
    const expectReported = async () => {
      store.storage = fixture.create();
      const restored = store.open().then(() => store.snapshotBytes());
      await expect(restored).rejects.toMatchObject({ name: expect.stringMatching(/CorruptLogError|StorageError/) as string });
      await store.storage.close();
    };
    for (let offset = 0; offset < whole.length; offset += 53) {
      flipBit(file, offset);
      await expectReported();
      flipBit(file, offset);
    }
    for (let length = 0; length < whole.length; length += 101) {
      writeFileSync(file, whole.subarray(0, length));
      await expectReported();
    }
    await fixture.dispose();
  });
});

/** Opens what a killed process left, and checks it against the last write that it told of. */
async function expectWhole(path: string, term: number, acknowledged: number): Promise<void> {
  // A copy, so that the check itself changes nothing for the next round.
  const copy = directory();
  for (const name of readdirSync(path)) if (/^(rxraft|log-|snapshot)/.test(name)) copyFileSync(join(path, name), join(copy, name));
  const storage = new FileStorage({ path: copy });
  const state = await storage.open({ clusterId: 'kill', nodeId: 'a' });
  expect(state.hardState).toEqual({ term, votedFor: 'a' });
  expect(state.lastLog.index).toBeGreaterThanOrEqual(acknowledged);
  let lastKind: EntryKind | null = null;
  for (let index = state.compacted.index + 1; index <= state.lastLog.index; ) {
    for (const entry of await storage.read(index, state.lastLog.index, 1_000_000)) {
      expect(entry.index).toBe(index);
      lastKind = entry.kind;
      expect(new TextDecoder().decode(entry.payload)).toBe(`entry ${index} `.repeat(1 + (index % 30)));
      index++;
    }
  }
  // Each write of the child ends with a noop.
  expect(lastKind).toBe('noop');
  const snapshot = await storage.readSnapshot();
  for await (const chunk of snapshot?.chunks ?? []) expect(chunk.every((byte) => byte === ((snapshot?.meta.last.index ?? 0) & 255))).toBe(true);
  await storage.close();
}
