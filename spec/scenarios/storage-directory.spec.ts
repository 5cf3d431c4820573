import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StorageError } from '../../lib/ports/errors.js';
import { FileStorage } from '../../lib/storage/file.js';
import { bytesOf, commands, IDENTITY, Store } from '../../lib/testing/storage-suite/store.js';
import { Child } from '../support/child.js';
import { fileFixture, temporaryDirectory } from '../support/file-fixture.js';
import { transpile, type Transpiled } from '../support/transpile.js';

const HOLD = 'spec/storage/children/hold.ts';
let scripts: Transpiled;
const directories: string[] = [];

beforeAll(() => {
  scripts = transpile([HOLD]);
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

describe('whose directory it is', () => {
  it('S66 a second process on one directory is refused, and may have it when the first is killed', async () => {
    const path = directory();
    const first = Child.node(scripts.file(HOLD), path);
    await first.printed(1);
    const second = await Child.node(scripts.file(HOLD), path).ended;
    expect(second.lines[0]).toContain(`is in use by process ${first.process.pid}`);
    await expect(new FileStorage({ path }).open({ clusterId: 'hold', nodeId: 'a' })).rejects.toThrow(StorageError);
    await first.kill();
    const third = Child.node(scripts.file(HOLD), path);
    await third.printed(1);
    expect(third.lines).toEqual(['open']);
    third.process.stdin.end();
    expect((await third.ended).lines).toEqual(['open', 'closed']);
    expect(readdirSync(path).filter((name) => name.startsWith('lock-') || name.startsWith('starting-'))).toEqual([]);
  });

  it('S66 of many that open one directory at once at most one gets it, also with the names of dead ones around', async () => {
    const path = directory();
    for (let round = 0; round < 5; round++) {
      const dead = Child.node(scripts.file(HOLD), path);
      await dead.printed(1);
      await dead.kill();
      const storages = Array.from({ length: 8 }, () => new FileStorage({ path }));
      const outcomes = await Promise.allSettled(storages.map((storage) => storage.open({ clusterId: 'hold', nodeId: 'a' })));
      expect(outcomes.filter((outcome) => outcome.status === 'fulfilled').length).toBeLessThanOrEqual(1);
      await Promise.all(storages.map((storage) => storage.close()));
    }
  });

  it('S66 a directory with a path too long for a socket’s name is locked as well', async () => {
    const path = join(directory(), 'x'.repeat(100), 'y'.repeat(100));
    const storage = new FileStorage({ path });
    await storage.open(IDENTITY);
    await expect(new FileStorage({ path }).open(IDENTITY)).rejects.toThrow('is in use by process');
    await storage.close();
    const next = new FileStorage({ path });
    await next.open(IDENTITY);
    await next.close();
  });

  it('S67 a directory of another node id or cluster id is refused with a sentence that names both', async () => {
    const path = directory();
    const storage = new FileStorage({ path });
    await storage.open({ clusterId: 'shop', nodeId: 'a' });
    await storage.close();
    await expect(new FileStorage({ path }).open({ clusterId: 'shop', nodeId: 'b' })).rejects.toThrow('belongs to nodeId a, not b');
    await expect(new FileStorage({ path }).open({ clusterId: 'bank', nodeId: 'a' })).rejects.toThrow('belongs to clusterId shop, not bank');
  });

  it('S67 a log without the file that says whose it is is refused', async () => {
    const path = directory();
    const storage = new FileStorage({ path });
    await storage.open(IDENTITY);
    await storage.append({ id: 1, hardState: { term: 1, votedFor: null }, truncateAfter: null, entries: [] });
    await storage.close();
    rmSync(join(path, 'rxraft.json'));
    await expect(new FileStorage({ path }).open(IDENTITY)).rejects.toThrow('no rxraft.json');
  });

  it('S68 a directory whose snapshot alone is left is refused, whoever asks', async () => {
    const fixture = fileFixture();
    const store = new Store(fixture);
    await store.open();
    await store.write({ entries: commands(1, 9, 1) });
    await store.save(5, 1, bytesOf(10, 1));
    await store.storage.close();
    for (const name of readdirSync(fixture.path)) if (name !== 'snapshot') rmSync(join(fixture.path, name));
    await expect(new FileStorage({ path: fixture.path }).open(IDENTITY)).rejects.toThrow('no rxraft.json');
    await fixture.dispose();
  });

  it('S68 a directory of another format version is refused with a sentence that says how to upgrade', async () => {
    const path = directory();
    const storage = new FileStorage({ path });
    await storage.open(IDENTITY);
    await storage.close();
    const file = join(path, 'rxraft.json');
    const content = readFileSync(file, 'utf8');
    writeFileSync(file, content.replace('"formatVersion": 2', '"formatVersion": 3'));
    await expect(new FileStorage({ path }).open(IDENTITY)).rejects.toThrow(/format 3.*newer rxraft: upgrade/);
    writeFileSync(file, content.replace('"formatVersion": 2', '"formatVersion": 1'));
    await expect(new FileStorage({ path }).open(IDENTITY)).rejects.toThrow(/format 1.*older rxraft: start it once with/);
    writeFileSync(file, content);
    const again = new FileStorage({ path });
    await again.open(IDENTITY);
    await again.close();
  });
});
