import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { transpile, type Transpiled } from '../../support/transpile.js';

const PROGRAM = 'lib/cli/simulate/main.ts';
const VOTE = 'lib/core/vote.ts';
/** Forgets whom it voted for: two leaders in one term follow sooner or later. */
const BROKEN = ["if (raft.votedFor !== null && raft.votedFor !== from) return 'alreadyVoted';", ''] as const;

jest.setTimeout(300_000);

describe('npm run simulate, on a node that votes twice', () => {
  let scripts: Transpiled;
  let broken: Transpiled;
  beforeAll(() => {
    scripts = transpile([PROGRAM, 'lib/cli/simulate/worker.ts']);
    const source = readFileSync(VOTE, 'utf8');
    expect(source.split(BROKEN[0])).toHaveLength(2);
    broken = scripts.variant(VOTE, source.replace(...BROKEN));
  });
  afterAll(() => {
    broken.dispose();
    scripts.dispose();
  });

  const simulate = (...args: string[]): { readonly code: number | null; readonly output: string } => {
    const { status, stdout } = spawnSync(process.execPath, [broken.file(PROGRAM), ...args], { encoding: 'utf8', maxBuffer: 1 << 26 });
    return { code: status, output: stdout };
  };
  /** What was broken where: `seed 7, turn 31, at 12.5 ms: …`. */
  const verdictsIn = (output: string): string[] => [...output.matchAll(/^FAILED (seed .*)$/gm)].map(([, words = '']) => words);

  test('fails, and each command that it prints fails in the very same way', () => {
    const first = simulate('--seeds', '12', '--seed', '1', '--turns', '500', '--jobs', '2', '--shrink', '20');
    expect(first.code).toBe(1);
    const commands = [...first.output.matchAll(/^replay it: npm run simulate -- (.*)$/gm)].map(([, args = '']) => args);
    const verdicts = verdictsIn(first.output);
    expect(commands.length).toBe(verdicts.length);
    expect(commands.length).toBeGreaterThan(0);
    for (const [place, command] of commands.slice(0, 3).entries()) {
      const args = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
      const again = simulate(...args);
      expect([again.code, verdictsIn(again.output)]).toEqual([1, [verdicts[place]]]);
      expect(storyIn(again.output)).toBe(storyIn(first.output, place));
    }
  });
});

/** What happened in the run that failed as the given one of all. */
function storyIn(output: string, place = 0): string {
  return output.split('\nFAILED ')[place + 1]?.split('\nthe story:\n')[1]?.split('\nreplay it: ')[0] ?? '';
}
