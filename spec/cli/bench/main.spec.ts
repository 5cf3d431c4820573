import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '../../support/file-fixture.js';
import { transpile, type Transpiled } from '../../support/transpile.js';

describe('npm run bench', () => {
  const directory = temporaryDirectory();
  let scripts: Transpiled;
  beforeAll(() => (scripts = transpile(['lib/cli/bench/main.ts', 'lib/cli/bench/worker.ts'])), 60_000);
  afterAll(() => {
    scripts.dispose();
    rmSync(directory, { recursive: true });
  });

  /** Runs it to its end; what it says on the way goes to `onProgress`, with a way to interrupt it. */
  function bench(args: readonly string[], onProgress: (said: string, interrupt: () => void) => void = () => undefined): Promise<{ readonly code: number | null; readonly said: string; readonly printed: string }> {
    return new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [scripts.file('lib/cli/bench/main.ts'), ...args], { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
      let said = '';
      let printed = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        onProgress(said, () => child.kill('SIGINT'));
      });
      child.on('error', reject);
      child.on('close', (code) => resolve({ code, said, printed }));
    });
  }

  it('tells how far it is, prints tables, and writes results, plots and the document, new ones beside the old', async () => {
    writeFileSync(join(directory, 'README.md'), '# T\n<!-- bench:start -->\n<!-- bench:end -->\n');
    const small = '-n 1 --entries 100 --proposals 200'.split(' ');
    const first = await bench(['replay', ...small]);
    expect(first).toMatchObject({ code: 0, said: expect.stringMatching(/^replay\n {2}a log of 100 entries is built\n {2}start on it: 1 run in /) });
    expect(first.printed).toContain('\nStarting on a long log\n  node.start() with 100 entries');
    const second = await bench(['memory', ...small, '--plots', 'figures', '--readme', 'README.md']);
    expect(second.code).toBe(0);
    const { results } = JSON.parse(readFileSync(join(directory, '.bench/results.json'), 'utf8')) as { readonly results: readonly { readonly part: string }[] };
    expect(results.map(({ part }) => part)).toEqual(['replay', 'memory']);
    expect(readdirSync(join(directory, 'figures'))).toEqual(['memory.svg']);
    const document = readFileSync(join(directory, 'README.md'), 'utf8');
    expect(document).toContain('### Starting on a long log\n\n| what |');
    expect(document).toContain('](figures/memory.svg)\n');
  }, 60_000);

  it('ends its children and removes its files when it is interrupted', async () => {
    const { code } = await bench(['memory', '--out', 'interrupted'], (said, interrupt) => said === 'memory\n' && interrupt());
    expect(code).toBe(130);
    expect(readdirSync(join(directory, 'interrupted'))).toEqual([]);
  }, 60_000);

  it('refuses a wrong command line with its usage', async () => {
    const { code, said } = await bench(['latency']);
    expect(code).toBe(2);
    expect(said).toMatch(/^"latency" is no part of the suite; .*\n\nnpm run bench -- /);
  }, 60_000);
});
