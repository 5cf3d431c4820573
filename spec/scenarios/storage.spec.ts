import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { CorruptLogError, StorageError } from '../../lib/ports/errors.js';
import { FileStorage } from '../../lib/storage/file.js';
import { MemoryDisk, MemoryStorage } from '../../lib/storage/memory.js';
import { bytesOf, commands, IDENTITY, Store } from '../../lib/testing/storage-suite/store.js';
import { Child } from '../support/child.js';
import { flipBit } from '../support/flip-bit.js';
import { fileFixture, temporaryDirectory } from '../support/file-fixture.js';
import { transpile, type Transpiled } from '../support/transpile.js';

const FILL_DISK = 'spec/storage/children/fill-disk.ts';
let scripts: Transpiled;
const directories: string[] = [];

beforeAll(() => {
  scripts = transpile([FILL_DISK]);
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

describe('fsync failures', () => {
  it('S62 one failed sync poisons the memory store: nothing later is acknowledged, and a restart finds what was', async () => {
    const disk = new MemoryDisk();
    const storage = new MemoryStorage(disk);
    await storage.open(IDENTITY);
    const write = (index: number) => storage.append({ id: index, hardState: null, truncateAfter: null, entries: commands(index, index, 1) });
    await write(1);
    disk.failNextSync();
    const outcomes = await Promise.allSettled([write(2), write(3)]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
    await expect(write(2)).rejects.toThrow(StorageError);
    disk.crash();
    expect((await new MemoryStorage(disk).open(IDENTITY)).lastLog.index).toBe(1);
  });

  it('S62 one failed commit poisons the durable store: nothing later is acknowledged, and a restart finds what was', async () => {
    const fixture = fileFixture();
    const store = new Store(fixture);
    await store.open();
    await store.write({ entries: commands(1, 10, 1) });
    fixture.commits.failure = new Error('EIO: i/o error');
    const outcomes = await Promise.allSettled([store.write({ entries: commands(11, 11, 1) }), store.write({ entries: commands(12, 12, 1) })]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
    // The disk works again; the store does not.
    fixture.commits.failure = null;
    const calls = [
      () => store.write({ entries: commands(11, 11, 1) }),
      () => store.storage.read(1, 1, 1),
      () => store.save(5, 1, bytesOf(1, 1)),
      () => store.storage.readSnapshot(),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ name: 'StorageError', message: expect.stringContaining('EIO') as string });
    expect((await store.reopen()).lastLog).toEqual({ index: 10, term: 1 });
    await store.storage.close();
    await fixture.dispose();
  });
});

describe('damaged data', () => {
  it('S63 an unacknowledged tail may vanish in a crash, an acknowledged write may not', async () => {
    const disk = new MemoryDisk();
    const storage = new MemoryStorage(disk);
    await storage.open(IDENTITY);
    await storage.append({ id: 1, hardState: null, truncateAfter: null, entries: commands(1, 3, 1) });
    disk.holdSync();
    void storage.append({ id: 2, hardState: null, truncateAfter: null, entries: commands(4, 9, 1) });
    disk.crash();
    expect((await new MemoryStorage(disk).open(IDENTITY)).lastLog).toEqual({ index: 3, term: 1 });
  });

  it('S63 a flipped bit in an acknowledged entry is reported with its index, by a read and by the next open', async () => {
    const fixture = fileFixture();
    const store = new Store(fixture);
    await store.open();
    await store.write({ entries: commands(1, 250, 1, 100) });
    const log = join(fixture.path, 'log-0000000001');
    for (const index of [1, 60, 123, 250]) {
      const offset = readFileSync(log).indexOf(commands(index, index, 1, 100)[0]?.payload ?? '');
      flipBit(log, offset + 50);
      await expect(store.readAll(1, 250)).rejects.toMatchObject({ name: 'CorruptLogError', index });
      await store.storage.close();
      await expect(fixture.create().open(IDENTITY)).rejects.toMatchObject({ name: 'CorruptLogError', where: 'log', index });
      flipBit(log, offset + 50);
      store.storage = fixture.create();
      await store.open();
    }
    await store.storage.close();
    await fixture.dispose();
  });

  it('S63 a flipped bit in the term of an entry, in the hard state or in the identity is reported', async () => {
    const fixture = fileFixture();
    const store = new Store(fixture);
    await store.open();
    await store.write({ hardState: { term: 1, votedFor: 'the-node-voted-for' }, entries: commands(1, 3, 1, 100) });
    await store.storage.close();
    const log = join(fixture.path, 'log-0000000001');
    const entry = readFileSync(log).lastIndexOf(commands(2, 2, 1, 100)[0]?.payload ?? '');
    const expectRefusal = async (file: string, offset: number, refusal: object) => {
      flipBit(file, offset);
      await expect(fixture.create().open(IDENTITY)).rejects.toMatchObject({ name: 'CorruptLogError', ...refusal });
      flipBit(file, offset);
    };
    await expectRefusal(log, entry - 8, { index: 2 });
    await expectRefusal(log, readFileSync(log).lastIndexOf('the-node-voted-for'), { where: 'hard state' });
    await expectRefusal(join(fixture.path, 'rxraft.json'), readFileSync(join(fixture.path, 'rxraft.json')).indexOf('compliance'), { where: 'identity' });
    await store.open().catch(() => undefined);
    await fixture.dispose();
  });

  it('S63 a log file that is gone is reported, not taken for a new node', async () => {
    const fixture = fileFixture();
    const store = new Store(fixture);
    await store.open();
    await store.write({ entries: commands(1, 3, 1) });
    await store.storage.close();
    rmSync(join(fixture.path, 'log-0000000001'));
    await expect(fixture.create().open(IDENTITY)).rejects.toThrow(CorruptLogError);
    await fixture.dispose();
  });

  it('S63 a compacted log whose snapshot is gone is reported', async () => {
    const fixture = fileFixture();
    const store = new Store(fixture);
    await store.open();
    await store.write({ entries: commands(1, 9, 1) });
    await store.save(5, 1, bytesOf(10, 1));
    await store.storage.compact(5);
    await store.storage.close();
    rmSync(join(fixture.path, 'snapshot'));
    await expect(fixture.create().open(IDENTITY)).rejects.toMatchObject({ name: 'CorruptLogError', where: 'snapshot', index: 5 });
    await fixture.dispose();
  });
});

describe('full disks', () => {
  it('S65 a full memory disk fails the write clearly, and after space is freed a restart goes on with nothing lost', async () => {
    const disk = new MemoryDisk();
    let storage = new MemoryStorage(disk);
    await storage.open(IDENTITY);
    const write = (index: number) => storage.append({ id: index, hardState: null, truncateAfter: null, entries: commands(index, index, 1) });
    await write(1);
    disk.limitBytes(50);
    await expect(write(2)).rejects.toThrow('ENOSPC');
    disk.limitBytes(null);
    await expect(write(2)).rejects.toThrow(StorageError);
    await storage.close();
    storage = new MemoryStorage(disk);
    expect((await storage.open(IDENTITY)).lastLog.index).toBe(1);
    await write(2);
  });

  it('S65 a log file that can’t grow fails the append, not the process, and a restart with more room goes on with nothing lost', async () => {
    const path = directory();
    // 2 MiB in blocks of 512 bytes. The same error path as a full disk, without the need to be root.
    const filling = new Child('sh', ['-c', 'ulimit -f 4096; exec "$0" "$@"', process.execPath, scripts.file(FILL_DISK), path]);
    await expectFilled(await filling.ended, path);
  });

  it('S65 a full file system fails the append, not the process, and a restart with more room goes on with nothing lost', async () => {
    const path = directory();
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', path], { stdio: 'pipe' });
    } catch (error) {
      process.stdout.write(`S65: no file system can be mounted here, so only the limit on the file’s size was tested (${String(error).split('\n')[0] ?? ''})\n`);
      return;
    }
    try {
      const ended = await Child.node(scripts.file(FILL_DISK), path).ended;
      execFileSync('mount', ['-o', 'remount,size=32m', path]);
      await expectFilled(ended, path);
    } finally {
      execFileSync('umount', [path]);
    }
  });
});

async function expectFilled(ended: Awaited<Child['ended']>, path: string): Promise<void> {
  expect({ code: ended.code, signal: ended.signal, stderr: ended.code === 0 ? '' : ended.stderr }).toEqual({ code: 0, signal: null, stderr: '' });
  const { acknowledged, failures } = JSON.parse(ended.lines[0] ?? '') as { acknowledged: number; failures: string[] };
  expect(acknowledged).toBeGreaterThan(0);
  expect(failures.length).toBeGreaterThanOrEqual(3);
  for (const failure of failures) expect(failure).toMatch(/^StorageError: append: the commit failed \((ENOSPC|EIO|EFBIG): /);
  const storage = new FileStorage({ path });
  const { lastLog } = await storage.open({ clusterId: 'full', nodeId: 'a' });
  expect(lastLog.index).toBeGreaterThanOrEqual(acknowledged);
  await storage.append({ id: 1, hardState: null, truncateAfter: null, entries: commands(lastLog.index + 1, lastLog.index + 200, 2, 10_000) });
  await storage.close();
}
