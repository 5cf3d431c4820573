import { rmSync } from 'node:fs';
import { Child } from '../support/child.js';
import { temporaryDirectory } from '../support/file-fixture.js';
import { transpile } from '../support/transpile.js';
import { EMPTY } from '../storage/crashes/history.js';
import { Account, verdict } from '../storage/crashes/verdict.js';
import { numbers } from '../storage/children/random.js';

const LIVE = 'spec/storage/children/live-until-killed.ts';
/** `RXRAFT_STORAGE_ROUNDS=25` kills that many times as often. */
const ROUNDS = Number(process.env['RXRAFT_STORAGE_ROUNDS'] ?? 1);
/** `RXRAFT_STORAGE_SEED` repeats a run whose seed was printed. */
const SEED = Number(process.env['RXRAFT_STORAGE_SEED'] ?? Date.now() % 1_000_000);
const KILLS = 15;

describe('kill -9', () => {
  it('S64 at random points of appends, truncations, snapshots and compactions leaves all that was acknowledged, and of the rest whole operations in order', async () => {
    const scripts = transpile([LIVE]);
    try {
      for (let round = 0; round < ROUNDS; round++) await live(scripts.file(LIVE), SEED + round);
    } finally {
      scripts.dispose();
    }
  }, 90_000 * ROUNDS);
});

/** One directory through many lives, each of which goes on where the last was killed. */
async function live(script: string, seed: number): Promise<void> {
  const random = numbers(seed);
  const path = temporaryDirectory();
  let content = EMPTY;
  process.stdout.write(`kill -9, seed ${seed}\n`);
  try {
    for (let kill = 1; kill <= KILLS; kill++) {
      const child = Child.node(script, path, String(seed + kill));
      // The first line comes before the store is opened, so that some are killed while they recover.
      await child.printed(1 + random(random(2) === 0 ? 4 : 200));
      const { lines, stderr } = await child.kill();
      expect(stderr).toBe('');
      const account = new Account(content);
      for (const line of lines) account.add(line);
      content = await verdict(path, account.legal);
    }
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
}
