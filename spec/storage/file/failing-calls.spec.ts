import { rmSync } from 'node:fs';
import type * as CallbackFileSystem from 'node:fs';
import type * as FileSystem from 'node:fs/promises';
import { RaftError } from '../../../lib/ports/errors.js';
import type { RecoveredState } from '../../../lib/ports/storage.js';
import { FileStorage } from '../../../lib/storage/file.js';
import { temporaryDirectory } from '../../support/file-fixture.js';
import { rejectionsTold } from '../../support/unhandled.js';
import type * as FailingCalls from '../crashes/failing-calls.js';
import { FAULTS } from '../crashes/failing-calls.js';
import { after, EMPTY, perform, type Content, type Operation } from '../crashes/history.js';
import { IDENTITY, verdict } from '../crashes/verdict.js';

jest.mock('node:fs/promises', () => jest.requireActual<typeof FailingCalls>('../crashes/failing-calls.js').failingFileSystem(jest.requireActual<typeof FileSystem>('node:fs/promises')));
jest.mock('node:fs', () => jest.requireActual<typeof FailingCalls>('../crashes/failing-calls.js').failingCallbacks(jest.requireActual<typeof CallbackFileSystem>('node:fs')));

const write = (term: number, count: number, truncateAfter: number | null = null): Operation => ({ type: 'write', hardState: { term, votedFor: 'a' }, truncateAfter, count, term });
const snapshot = (index: number, term: number, replaceLog = false): Operation => ({ type: 'snapshot', last: { index, term }, replaceLog });
/** Every kind of call. */
const OPERATIONS: readonly Operation[] = [
  write(1, 20),
  snapshot(10, 1),
  { type: 'compact', through: 8 },
  write(2, 3, 15),
  snapshot(14, 1),
  { type: 'compact', through: 12 },
  snapshot(30, 2, true),
  write(3, 2),
  // Into the next file of the log, which is made for it.
  write(3, 700),
];

describe('a call of the system that fails', () => {
  afterEach(() => void Object.assign(FAULTS, { failing: 0, mostBytes: Infinity }));

  it.each(['EIO', 'ENOSPC'])('with %s, whichever it is: is told of as it is, loses nothing that was acknowledged, and leaves a store that opens', async (code) => {
    const { calls } = await lived(0, code, Infinity);
    const failed = new Set<string | null>();
    for (let failing = 1; failing <= calls; failing++) failed.add((await lived(failing, code, Infinity)).failed);
    expect([...failed].map((name) => name?.replace(/(tmp|lock|starting)-.*/, '$1'))).toEqual(
      expect.arrayContaining(['writeFile', 'sync', 'close', 'stat', 'read', 'rename snapshot.tmp', 'open snapshot.tmp', 'rename rxraft.json.tmp', 'write', 'rename log-0000000001.tmp', 'open log-0000000001', 'open log-0000000002.tmp', 'rename log-0000000002.tmp']),
    );
  }, 60_000); // about a hundred stores are made, used and opened again, on a real disk that others use too

  it('a write that takes only some of the bytes, each time: goes on behind them, and nothing is lost', async () => {
    const { calls } = await lived(0, 'EIO', Infinity);
    FAULTS.mostBytes = 500;
    expect((await lived(0, 'EIO', Infinity)).calls).toBeGreaterThan(calls);
  });

  it('a write that takes none: is told of, and poisons the store', async () => {
    const path = temporaryDirectory();
    const storage = new FileStorage({ path });
    await storage.open(IDENTITY);
    FAULTS.mostBytes = 0;
    const appended = storage.append({ id: 1, hardState: { term: 1, votedFor: 'a' }, truncateAfter: null, entries: [] });
    await expect(appended).rejects.toThrow(/log-0000000001 takes no more bytes/);
    FAULTS.mostBytes = Infinity;
    await expect(storage.append({ id: 2, hardState: { term: 2, votedFor: null }, truncateAfter: null, entries: [] })).rejects.toThrow(/takes no more bytes/);
    await storage.close();
    rmSync(path, { recursive: true });
  });

  it('a commit, whichever it is: nothing later is acknowledged, nothing earlier is lost', async () => {
    const { commits } = await lived(0, 'EIO', Infinity);
    expect(commits).toBe(OPERATIONS.length - 2);
    for (let failing = 0; failing < commits; failing++) await lived(0, 'EIO', failing);
  }, 60_000);
});

/** One store from its making to its end, of which one call fails; and what is found afterwards. */
async function lived(failing: number, code: string, commitsBefore: number): Promise<{ readonly calls: number; readonly failed: string | null; readonly commits: number }> {
  const path = temporaryDirectory();
  Object.assign(FAULTS, { calls: 0, failing, code, failed: null });
  let commits = 0;
  const storage = new FileStorage({
    path,
    aroundCommit: (commit) => (commits++ < commitsBefore ? commit() : Promise.reject(new Error(`${code}: injected, commit`))),
  });
  try {
    const opened = await storage.open(IDENTITY).catch((error: unknown) => error);
    const isOpen = !(opened instanceof Error);
    if (!isOpen) {
      expect(opened).toBeInstanceOf(RaftError);
      expect(String(opened)).toContain(`${code}: injected`);
    }
    const legal = isOpen ? await used(storage, opened as RecoveredState, code) : [EMPTY];
    // A close may fail; it still lets go of everything.
    await storage.close().catch((error: unknown) => expect(String(error)).toContain('injected'));
    if (isOpen && FAULTS.failed === null) await reread(path, code);
    await rejectionsTold();
    const result = { calls: FAULTS.calls, failed: FAULTS.failed, commits };
    FAULTS.failing = 0;
    await verdict(path, legal);
    return result;
  } catch (error) {
    throw new Error(`call ${failing} (${String(FAULTS.failed)}), ${code}, ${commitsBefore} commits: ${String(error)}`, { cause: error });
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}

/** A second life, of which a call may fail. */
async function reread(path: string, code: string): Promise<void> {
  const storage = new FileStorage({ path });
  try {
    await storage.open(IDENTITY);
    const found = await storage.readSnapshot();
    for await (const chunk of found?.chunks ?? []) expect(chunk.length).toBeGreaterThan(0);
    await storage.close();
  } catch (error) {
    expect(String(error)).toContain(`${code}: injected`);
    await storage.close().catch((again: unknown) => expect(String(again)).toContain('injected'));
  }
}

/** What may be there afterwards: of an operation that failed, its effect or not. */
async function used(storage: FileStorage, state: RecoveredState, code: string): Promise<readonly Content[]> {
  expect(state.lastLog.index).toBe(0);
  let legal: readonly Content[] = [EMPTY];
  let expected = EMPTY;
  let poison: Error | null = null;
  for (const [i, operation] of OPERATIONS.entries()) {
    const error = await perform(storage, expected, operation, i + 1).then(() => null, (reason: unknown) => reason as Error);
    // A store that failed once stays so, and says why. A snapshot that could not be written leaves it as it was.
    if (poison !== null) expect(error).toBe(poison);
    else if (error !== null) {
      expect(error).toBeInstanceOf(RaftError);
      if (/the previous snapshot stays in force|no durable snapshot covers/.test(String(error))) continue;
      expect(String(error)).toContain(`${code}: injected`);
      poison = error;
      legal = [...legal, after(expected, operation)];
    } else {
      expected = after(expected, operation);
      legal = [expected];
    }
  }
  return legal;
}
