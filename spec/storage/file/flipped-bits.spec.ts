import { rmSync } from 'node:fs';
import { Child } from '../../support/child.js';
import { temporaryDirectory } from '../../support/file-fixture.js';
import { transpile } from '../../support/transpile.js';

const FLIP_BITS = 'spec/storage/children/flip-bits.ts';
/** `RXRAFT_STORAGE_ROUNDS=20` makes it that many times as long. */
const ROUNDS = Number(process.env['RXRAFT_STORAGE_ROUNDS'] ?? 1);
/** `RXRAFT_STORAGE_SEED` repeats a run whose seed was printed. */
const SEED = Number(process.env['RXRAFT_STORAGE_SEED'] ?? Date.now() % 1_000_000);
const TRIES = 150;

describe('one flipped bit', () => {
  it('in any file is refused with a reason or changes nothing; it never gives wrong data and never ends the process', async () => {
    const scripts = transpile([FLIP_BITS]);
    try {
      for (let round = 0; round < ROUNDS; round++) await expectDetected(scripts.file(FLIP_BITS), SEED + round);
    } finally {
      scripts.dispose();
    }
  }, 60_000 * ROUNDS);
});

async function expectDetected(script: string, seed: number): Promise<void> {
  const directory = temporaryDirectory();
  try {
    // In a process of its own, so that one that ends shows.
    const { code, signal, lines, stderr } = await Child.node(script, directory, String(seed), String(TRIES)).ended;
    const end = { seed, code, signal, last: lines.at(-1), stderr: code === 0 ? '' : stderr };
    expect(end).toMatchObject({ code: 0, signal: null });
    expect(lines).toHaveLength(TRIES);
    const refused = lines.filter((line) => line.includes(': refused: ')).length;
    process.stdout.write(`flipped bits, seed ${seed}: ${refused} of ${TRIES} refused, the others harmless\n`);
    expect(refused).toBeGreaterThan(TRIES / 10);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
