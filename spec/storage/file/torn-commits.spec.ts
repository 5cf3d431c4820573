import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileStorage } from '../../../lib/storage/file.js';
import { defined } from '../../support/defined.js';
import { temporaryDirectory } from '../../support/file-fixture.js';
import { numbers } from '../children/random.js';
import { after, EMPTY, nextOperation, perform, type Content } from '../crashes/history.js';
import { IDENTITY, verdict } from '../crashes/verdict.js';

/** `RXRAFT_STORAGE_SEED` repeats a run whose seed was printed. */
const SEED = Number(process.env['RXRAFT_STORAGE_SEED'] ?? Date.now() % 1_000_000);
const OPERATIONS = 40;
const SECTOR_BYTES = 512;

/**
 * Power cuts where the calls of a process can't be recorded (storage-power-cut.spec.ts records them): a cut in the middle of a
 * commit leaves any sectors of it, and zeros in place of the others. An append that is waited for is one commit.
 */
describe('a commit that was cut short', () => {
  it('leaves the content before it, whichever of its sectors were written', async () => {
    process.stdout.write(`torn commits, seed ${SEED}\n`);
    const random = numbers(SEED);
    const parent = temporaryDirectory();
    const path = join(parent, 'whole');
    const storage = new FileStorage({ path });
    try {
      await storage.open(IDENTITY);
      let content: Content = EMPTY;
      let cuts = 0;
      for (let id = 1; id <= OPERATIONS; id++) {
        const operation = nextOperation(content, random);
        const before = filesOf(path);
        await perform(storage, content, operation, id);
        if (operation.type === 'write') {
          const share = [100, 50, 5][random(3)] ?? 0;
          const whole = filesOf(path);
          const { torn, isWhole } = cutShort(before, whole, () => random(100) < share);
          const found = after(content, operation);
          await verdict(written(join(parent, `torn-${id}`), torn), [isWhole ? found : content]);
          await verdict(written(join(parent, `whole-${id}`), whole), [found]);
          if (!isWhole) cuts++;
        }
        content = after(content, operation);
      }
      expect(cuts).toBeGreaterThan(OPERATIONS / 4);
    } finally {
      await storage.close();
      rmSync(parent, { recursive: true, force: true });
    }
  }, 60_000);
});

/** What was written to the last file that changed is a commit, of which `keeps` picks the sectors that are there; what was written before is. */
function cutShort(before: ReadonlyMap<string, Buffer>, after: ReadonlyMap<string, Buffer>, keeps: () => boolean): { readonly torn: Map<string, Buffer>; readonly isWhole: boolean } {
  const name = defined([...after.keys()].filter((each) => each.startsWith('log-') && !sectorsOf(before.get(each), after.get(each)).next().done).sort().at(-1), 'the file of the commit');
  const later = defined(after.get(name), 'its bytes');
  const bytes = Buffer.from(later);
  let isWhole = true;
  for (const at of sectorsOf(before.get(name), later)) {
    if (keeps()) continue;
    bytes.fill(0, at, at + SECTOR_BYTES);
    isWhole = false;
  }
  return { torn: new Map(after).set(name, bytes), isWhole };
}

/** The sectors behind the first in which `later` differs from `earlier`, a file of zeros if there was none. */
function* sectorsOf(earlier: Buffer | undefined, later: Buffer = Buffer.alloc(0)): Generator<number> {
  const zeros = Buffer.alloc(SECTOR_BYTES);
  for (let at = SECTOR_BYTES; at < later.length; at += SECTOR_BYTES) {
    if (later.compare(earlier ?? zeros, earlier === undefined ? 0 : at, (earlier === undefined ? 0 : at) + SECTOR_BYTES, at, at + SECTOR_BYTES) !== 0) yield at;
  }
}

function filesOf(path: string): Map<string, Buffer> {
  const names = readdirSync(path).filter((name) => /^(rxraft\.json|log-\d+|snapshot)$/.test(name));
  return new Map(names.map((name) => [name, readFileSync(join(path, name))]));
}

function written(path: string, files: ReadonlyMap<string, Buffer>): string {
  mkdirSync(path);
  for (const [name, bytes] of files) writeFileSync(join(path, name), bytes);
  return path;
}
