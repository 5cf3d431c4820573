import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LmdbStorage } from '../../../lib/storage/lmdb.js';
import { defined } from '../../support/defined.js';
import { temporaryDirectory } from '../../support/lmdb-fixture.js';
import { numbers } from '../children/random.js';
import { after, EMPTY, nextOperation, perform, type Content } from '../crashes/history.js';
import { IDENTITY, verdict } from '../crashes/verdict.js';

/** `RXRAFT_STORAGE_SEED` repeats a run whose seed was printed. */
const SEED = Number(process.env['RXRAFT_STORAGE_SEED'] ?? Date.now() % 1_000_000);
const OPERATIONS = 40;
const SECTOR_BYTES = 512;
const META_BYTES = 8192;

/**
 * Power cuts where the calls of a process can't be recorded (storage-power-cut.spec.ts records them, and finds the order that
 * this one takes for granted): LMDB syncs the pages of a commit before it writes the meta page that makes them count. So
 * a cut in the middle leaves the old meta pages and any sectors of the rest. An append that is waited for is one commit.
 */
describe('a commit that was cut short', () => {
  it('leaves the content before it, whichever of its sectors were written', async () => {
    process.stdout.write(`torn commits, seed ${SEED}\n`);
    const random = numbers(SEED);
    const parent = temporaryDirectory();
    const path = join(parent, 'whole');
    const storage = new LmdbStorage({ path });
    try {
      await storage.open(IDENTITY);
      let content: Content = EMPTY;
      for (let id = 1; id <= OPERATIONS; id++) {
        const operation = nextOperation(content, random);
        const before = filesOf(path);
        await perform(storage, content, operation, id);
        if (operation.type === 'write') {
          const share = [100, 50, 5][random(3)] ?? 0;
          const torn = new Map(before).set('log.mdb', mixed(logOf(before), logOf(filesOf(path)), () => random(100) < share));
          await verdict(written(join(parent, `torn-${id}`), torn), [content]);
          await verdict(written(join(parent, `whole-${id}`), filesOf(path)), [after(content, operation)]);
        }
        content = after(content, operation);
      }
    } finally {
      await storage.close();
      rmSync(parent, { recursive: true, force: true });
    }
  }, 60_000);
});

/** The sectors of `later` that `keeps` picks over those of `earlier`, whose meta pages stay. */
function mixed(earlier: Buffer, later: Buffer, keeps: () => boolean): Buffer {
  const torn = Buffer.alloc(later.length);
  earlier.copy(torn);
  for (let at = META_BYTES; at < later.length; at += SECTOR_BYTES) if (keeps()) later.copy(torn, at, at, at + SECTOR_BYTES);
  return torn;
}

function logOf(files: ReadonlyMap<string, Buffer>): Buffer {
  return defined(files.get('log.mdb'), 'the log');
}

function filesOf(path: string): Map<string, Buffer> {
  const names = readdirSync(path).filter((name) => /^(rxraft\.json|log\.mdb|snapshot)$/.test(name));
  return new Map(names.map((name) => [name, readFileSync(join(path, name))]));
}

function written(path: string, files: ReadonlyMap<string, Buffer>): string {
  mkdirSync(path);
  for (const [name, bytes] of files) writeFileSync(join(path, name), bytes);
  return path;
}
