import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { transpile, type Transpiled } from '../support/transpile.js';
import { MUTANTS, type HuntingGround, type Mutant } from './mutants.js';

const ROOT = resolve(__dirname, '../..');
const HUNTER = 'spec/mutants/children/hunt.ts';
/** A mutant that lives through all of these shows a hole in what is checked. */
const SEEDS = 60;
/** The plans that the seeds draw. */
const ANYWHERE: HuntingGround = { turns: 400, plan: {} };

/** The source with the mistake in it. */
function mutated({ file, edits }: Mutant): string {
  return edits.reduce((source, [find, replace]) => {
    const parts = source.split(find);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} places that read ${find}: the mutant must be brought up to date`);
    return parts.join(replace);
  }, readFileSync(join(ROOT, file), 'utf8'));
}

/** What the first seed that fails says; null when all hold. */
async function hunt(scripts: Transpiled, { turns, plan }: HuntingGround = ANYWHERE): Promise<string | null> {
  const { stdout } = await promisify(execFile)(process.execPath, [scripts.file(HUNTER), String(SEEDS), String(turns), JSON.stringify(plan)], { maxBuffer: 1 << 24 });
  const caught = JSON.parse(stdout) as { readonly said: string } | null;
  return caught?.said ?? null;
}

describe('the simulation', () => {
  let scripts: Transpiled;
  beforeAll(() => {
    scripts = transpile([HUNTER]);
  });
  afterAll(() => scripts.dispose());

  test('finds nothing in the code as it is', async () => {
    expect(await hunt(scripts)).toBeNull();
  }, 300_000);

  test.each(MUTANTS)('notices a node that $name', async (mutant) => {
    const mistaken = scripts.variant(mutant.file, mutated(mutant));
    try {
      expect(await hunt(mistaken, mutant.ground)).toMatch(mutant.caughtAs);
    } finally {
      mistaken.dispose();
    }
  }, 300_000);
});
