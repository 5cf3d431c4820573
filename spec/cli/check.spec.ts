import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RxraftCommand } from '../support/rxraft-command.js';

describe('rxraft cluster --check', () => {
  const command = new RxraftCommand();
  let data: string;
  beforeEach(() => (data = mkdtempSync(join(tmpdir(), 'rxraft-check-'))));
  afterEach(() => rmSync(data, { recursive: true, force: true }));
  afterAll(() => command.dispose());

  it('writes 10,000 keys through all nodes, kills the leader half-way, restarts it, moves leadership, replaces a node by one restored from a snapshot, and finds every write and event', async () => {
    const check = command.run('cluster', '--check', '--data', data);
    const code = await check.ended;
    const saw = (pattern: RegExp): void => expect(check.output).toMatch(pattern);
    saw(/^ {2}writes +10,000 acknowledged in /m);
    saw(/^ {2}kills +1: [abc], leader of term \d+, with SIGKILL after 5,\d{3} writes$/m);
    saw(/^ {2}failover +\d+ ms /m);
    saw(/^ {2}restart +[abc] is back and ready; /m);
    saw(/^ {2}transfer +leadership moved from [abc] to [abc] in \d+ ms/m);
    saw(/^ {2}snapshots +\d+ taken; sent .*[abc] → d in \d+ ms.*; d began empty, was restored through [\d,]+ \(the log began after [\d,]+\)$/m);
    saw(/^ {2}members +d added, a voter after \d+ ms; [abc] removed in \d+ ms and stopped; voters ([abc]) (?!\1)[abc] d$/m);
    saw(/^ {2}meanwhile +[\d,]+ more writes acknowledged; /m);
    saw(/^ {2}reads +3\d,\d{3} linearizable in .*; every acknowledged write is on each node$/m);
    saw(/^ {2}states +equal on all nodes: 1\d,\d{3} keys, /m);
    saw(/^ {2}events +[\d,]+ received in 5 runs of 4 nodes; gaps: 0$/m);
    saw(/^ok in /m);
    expect(code).toBe(0);
    expect(readdirSync(data)).toEqual([]);
  }, 200_000);

  it('that is not done in time fails, says why, keeps the data and leaves no process', async () => {
    const check = command.run('cluster', '--check', '--data', data, '--keys', '1000000', '--deadline-s', '5');
    expect(await check.ended).toBe(1);
    expect(check.output).toMatch(/^failed: not done within 5 s/m);
    expect(check.output).toMatch(/^data and logs are kept in .*check-/m);
    const [directory = ''] = readdirSync(data);
    expect(readdirSync(join(data, directory))).toEqual(expect.arrayContaining(['a', 'a.log', 'b', 'b.log', 'c', 'c.log']));
    expect(livingPids(check.output)).toEqual([]);
  }, 60_000);

  it('that is interrupted stops and leaves no process', async () => {
    const check = command.run('cluster', '--check', '--data', data);
    await check.printed(/leader +\w leads/);
    check.child.kill('SIGINT');
    expect(await check.ended).toBe(130);
    expect(check.output).toMatch(/^interrupted \(SIGINT\); /m);
    expect(livingPids(check.output)).toEqual([]);
  }, 60_000);
});

/** Those of the processes named in the output that still live. */
function livingPids(output: string): number[] {
  const pids = [...output.matchAll(/pids? ([\d, ]+)/g)].flatMap(([, list]) => (list ?? '').split(',').map(Number));
  expect(pids).toHaveLength(3);
  return pids.filter((pid) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  });
}
