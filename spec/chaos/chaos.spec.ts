import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChaosReport } from '../../lib/cli/chaos/report.js';
import { Running } from '../support/rxraft-command.js';
import { transpile, type Transpiled } from '../support/transpile.js';

/** A bound for the slowest machine: what is asserted are counts. */
const BOUND_MS = 400_000;

describe('npm run chaos', () => {
  let built: Transpiled;
  let data: string;
  const running = new Set<ChildProcess>();

  beforeAll(() => (built = transpile(['lib/cli/chaos/main.ts', 'lib/cli/chaos/child.ts'])), 60_000);
  afterAll(() => built.dispose());
  beforeEach(() => (data = mkdtempSync(join(tmpdir(), 'rxraft-chaos-'))));
  afterEach(() => {
    for (const child of running) child.kill('SIGTERM');
    running.clear();
    rmSync(data, { recursive: true, force: true });
  });

  function run(...args: string[]): { readonly process: Running; report(): ChaosReport } {
    const child = spawn(process.execPath, [built.file('lib/cli/chaos/main.ts'), '--data', data, '--json', ...args], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } });
    running.add(child);
    let json = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (json += text));
    return { process: new Running(child), report: () => JSON.parse(json) as ChaosReport };
  }

  /** Every kind came, once; one may have had no occasion. */
  function expectAll(report: ChaosReport, faults: string): void {
    const kinds = [...Object.entries(report.faults), ...Object.entries(report.skipped)];
    expect(Object.fromEntries(kinds)).toEqual(Object.fromEntries(faults.split(',').map((kind) => [kind, 1])));
  }

  it.each([
    [3, 'kill-leader,stop,pause,isolate,corrupt,block,corrupt-log,disk-full'],
    [5, 'kill-all,kill,split,one-way,hold,reset,corrupt-snapshot,truncate-log'],
  ])('%i processes: no acknowledged write is lost, the history is linearizable, events have no gap and fold to the metrics', async (nodes, faults) => {
    const chaos = run('--nodes', String(nodes), '--rounds', '1', '--faults', faults);
    const code = await chaos.process.ended;
    const output = chaos.process.output; // names the seed
    expect({ code, output: code === 0 ? '' : output }).toEqual({ code: 0, output: '' });
    const report = chaos.report();
    expectAll(report, faults);
    expect(report.problems).toEqual([]);
    expect(report.verified).toEqual([
      expect.stringMatching(/^the same [\d,]+ keys on all nodes$/),
      expect.stringMatching(/^each of [\d,]+ acknowledged entries is on each node/),
      'the metrics of each node are the fold of its events',
      expect.stringMatching(/^[\d,]+ calls on [\d,]+ keys are linearizable$/),
    ]);
    expect(report.events.gaps).toBe(0);
    for (const operation of ['get', 'put', 'cas', 'delete', 'entry', 'session-put', 'session-cas', 'session-delete']) {
      expect([operation, (report.load.byOperation[`${operation} answered`] ?? 0) > 0]).toEqual([operation, true]);
    }
    expect(report.failovers?.count ?? 0).toBeGreaterThan(0);
    expect(livingPids(output)).toEqual([]);
    expect(readdirSync(data)).toEqual([]);
  }, BOUND_MS);

  it('that is interrupted heals what it broke, judges, reports and leaves no process', async () => {
    const chaos = run('--minutes', '60', '--faults', 'pause');
    await chaos.process.printed(/1 {2}pause: /);
    chaos.process.child.kill('SIGINT');
    expect(await chaos.process.ended).toBe(0);
    expect(chaos.report()).toMatchObject({ isInterrupted: true, problems: [], faults: { pause: expect.any(Number) as number } });
    expect(livingPids(chaos.process.output)).toEqual([]);
  }, BOUND_MS);

  it('that is killed leaves no process, not even one that SIGSTOP holds', async () => {
    const chaos = run('--minutes', '60', '--faults', 'pause');
    const [, list = ''] = await chaos.process.printed(/pids ([\d, ]+);/);
    const [first = 0] = list.split(',').map(Number);
    process.kill(first, 'SIGSTOP');
    chaos.process.child.kill('SIGKILL');
    await chaos.process.ended;
    while (livingPids(chaos.process.output).length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(livingPids(chaos.process.output)).toEqual([]);
  }, BOUND_MS);
});

/** Those of the processes named in the output that still live. */
function livingPids(output: string): number[] {
  const pids = [...output.matchAll(/pids ([\d, ]+);/g)].flatMap(([, list]) => (list ?? '').split(',').map(Number));
  expect(pids.length).toBeGreaterThan(2);
  return pids.filter(isAlive);
}

/** A process that has ended lives on as a zombie where nobody waits for it, as in a container without an init. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync(`/proc/${pid}/stat`) || !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
  } catch {
    return false;
  }
}
