import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { numbers } from '../storage/children/random.js';
import { imageAt } from '../storage/crashes/power-cut.js';
import { record, whyNoRecording, type Step } from '../storage/crashes/recording.js';
import { Account, verdict } from '../storage/crashes/verdict.js';
import { temporaryDirectory } from '../support/file-fixture.js';
import { transpile } from '../support/transpile.js';

const LIVE = 'spec/storage/children/live-until-killed.ts';
/** `RXRAFT_STORAGE_ROUNDS=25` cuts that many times as often. */
const ROUNDS = Number(process.env['RXRAFT_STORAGE_ROUNDS'] ?? 1);
/** `RXRAFT_STORAGE_SEED` repeats a run whose seed was printed. */
const SEED = Number(process.env['RXRAFT_STORAGE_SEED'] ?? Date.now() % 1_000_000);
const OPERATIONS = 40;
const CUTS = 100;

describe('power cuts', () => {
  it('S64 S47 that drop any part of what was not synced leave all that was acknowledged, and of the rest whole operations in order', async () => {
    const reason = whyNoRecording();
    if (reason !== null) {
      process.stdout.write(`S64: what a process does to its files can’t be recorded here (${reason}), so no power was cut\n`);
      return;
    }
    const scripts = transpile([LIVE]);
    try {
      for (let round = 0; round < ROUNDS; round++) await cutAnywhere(scripts.file(LIVE), SEED + round);
    } finally {
      scripts.dispose();
    }
  }, 60_000 * ROUNDS);
});

async function cutAnywhere(script: string, seed: number): Promise<void> {
  const parent = temporaryDirectory();
  const random = numbers(seed);
  process.stdout.write(`power cuts, seed ${seed}\n`);
  try {
    const steps = record(script, join(parent, 'recorded'), String(seed), String(OPERATIONS));
    const starts = steps.filter(({ type }) => type !== 'said').map(({ start }) => start);
    for (let cut = 0; cut < CUTS; cut++) {
      // Right after something was begun, which has not returned when other threads came between; at first while the store is made.
      await cutAt(steps, starts[cut < 20 ? cut : random(starts.length)] ?? 0, random, join(parent, `cut-${cut}`)).catch((error: unknown) => {
        throw new Error(`seed ${seed}, cut ${cut}: ${String(error)}`, { cause: error });
      });
    }
    // The test is one: without its syncs the same recording is found out.
    const unsynced = steps.filter(({ type }) => type !== 'syncFile').map((step) => (step.type === 'write' ? { ...step, isSynced: false } : step));
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, (_, i) => cutAt(unsynced, starts.at(-1 - i) ?? 0, random, join(parent, `unsynced-${i}`))));
    expect(outcomes.map(({ status }) => status)).toContain('rejected');
  } finally {
    rmSync(parent, { recursive: true, force: true });
  }
}

async function cutAt(steps: readonly Step[], at: number, random: (bound: number) => number, path: string): Promise<void> {
  // None of it, all of it, half of it, most of it, little of it.
  const share = [0, 100, 50, 95, 5][random(5)] ?? 0;
  mkdirSync(path);
  for (const [name, bytes] of imageAt(steps, at, () => random(100) < share)) writeFileSync(join(path, name), bytes);
  await verdict(path, accountAt(steps, at).legal).catch((error: unknown) => {
    throw new Error(`at line ${at}, ${share} % kept: ${String(error)}`, { cause: error });
  });
  rmSync(path, { recursive: true });
}

function accountAt(steps: readonly Step[], at: number): Account {
  const account = new Account();
  for (const step of steps) if (step.type === 'said' && step.start <= at) account.add(step.line);
  return account;
}
