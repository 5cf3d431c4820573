import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BareProcess } from '../../../lib/cli/bench/cluster/bare-process.js';
import { disturbances } from '../../../lib/cli/bench/cluster/disturbances.js';
import { failoverPart } from '../../../lib/cli/bench/cluster/failover.js';
import { LibraryCluster } from '../../../lib/cli/bench/cluster/library-cluster.js';
import type { Load } from '../../../lib/cli/bench/cluster/load.js';
import { Sandbox } from '../../../lib/cli/bench/cluster/sandbox.js';
import { ServedCluster } from '../../../lib/cli/bench/cluster/served-cluster.js';
import { VALUE_BYTES } from '../../../lib/cli/bench/cluster/store.js';
import { metricsOf } from '../../../lib/cli/cluster/status.js';
import { HttpClient } from '../../../lib/cli/http-client.js';
import { RxraftCommand } from '../../support/rxraft-command.js';
import { transpile } from '../../support/transpile.js';

const BARE_SERVER = 'lib/cli/bench/cluster/bare-server.ts';

/** Nothing here is about speed: the machine may be as slow as it likes. */
describe('the clusters that are measured', () => {
  const command = new RxraftCommand();
  const children = transpile(['lib/cli/bench/cluster/library-node.ts', BARE_SERVER]);
  const out = mkdtempSync(join(tmpdir(), 'rxraft-bench-'));
  let sandbox: Sandbox;
  beforeEach(() => (sandbox = new Sandbox(out)));
  afterEach(async () => {
    await sandbox.close();
    expect(readdirSync(out)).toEqual([]);
  });
  afterAll(() => {
    command.dispose();
    children.dispose();
    rmSync(out, { recursive: true, force: true });
  });

  const expectWhole = ({ committed, refused, seconds, latency }: Load): void => {
    expect(committed).toBeGreaterThan(0);
    expect([refused, latency.count]).toEqual([0, committed]);
    expect(seconds).toBeGreaterThan(0);
    const ordered = [latency.p50Ms, latency.p99Ms, latency.p999Ms, latency.maxMs];
    expect(ordered).toEqual(ordered.toSorted((a, b) => a - b));
  };

  it('serve puts over HTTP, in closed and open loops, each of which is committed', async () => {
    const cluster = await ServedCluster.start('rxraft', [], command.script, sandbox);
    const client = new HttpClient(1, 10_000);
    const committed = async (): Promise<number> => (await metricsOf(client, await cluster.leader())).counters.proposalsCommitted;
    const before = await committed();
    const closed = await cluster.store.closed(4, 0.5);
    const open = await cluster.store.open(20, 1);
    expectWhole(closed);
    expectWhole(open);
    expect(open.committed).toBe(20);
    expect((await committed()) - before).toBeGreaterThanOrEqual(closed.committed + open.committed);
    client.close();
    await cluster.stop();
  }, 60_000);

  it('take puts of callers in the processes of their nodes', async () => {
    const cluster = await LibraryCluster.start(children.file('lib/cli/bench/cluster/library-node.ts'), sandbox);
    expectWhole(await cluster.leading.closed(4, 0.5));
    expectWhole(await cluster.following.closed(4, 0.5));
    await cluster.stop();
  }, 60_000);

  it('are compared with what Node.js can do without them, with and without a disk', async () => {
    for (const file of [null, 'file']) {
      const bare = await BareProcess.start('node:http', file, children.file(BARE_SERVER), sandbox);
      const load = await bare.store.closed(4, 0.5);
      expectWhole(load);
      if (file !== null) expect(statSync(join(sandbox.directory, file)).size).toBeGreaterThanOrEqual(load.committed * VALUE_BYTES);
      await bare.stop();
    }
  }, 60_000);

  const setting = { runs: 1, seconds: 1, clients: [1], kills: 1, scripts: { rxraft: command.script, libraryNode: '', bareServer: '', antietcd: null }, progress: () => undefined };

  it('are disturbed by snapshots, by followers that come back, and by a process that knows nothing of them', async () => {
    const { rows } = await disturbances(40, setting, sandbox);
    expect(rows.filter(({ unit }) => unit === 'ms').map(({ what }) => what.replace(/(at|takes) \d+/, '$1 …'))).toEqual([
      'p99, open loop at … puts/s, undisturbed',
      'p99 while snapshots are taken about once a second',
      'p99 while a follower comes back and catches up by the log',
      'p99 while a follower comes back and is sent a snapshot',
      'p99 while a process that knows nothing of them takes … ms of a processor, as that follower did by the log',
    ]);
    for (const { value } of rows) expect(value).toBeGreaterThan(0);
  }, 60_000);

  it('go on when their leader is killed', async () => {
    const { rows } = await failoverPart(setting, sandbox);
    expect(rows.map(({ unit, budget }) => [unit, budget])).toEqual([['ms', 1000], ['ms', undefined], ['ms', 230], ['ms', undefined]]);
    for (const { value } of rows) expect(value).toBeGreaterThan(0);
  }, 60_000);

  it('are gone when a measurement ends early', async () => {
    const cluster = await ServedCluster.start('rxraft', [], command.script, sandbox);
    const load = cluster.store.closed(2, 60).catch((error: unknown) => String(error));
    await sandbox.close();
    expect(await load).toMatch(/Error: /);
    expect(existsSync(sandbox.directory)).toBe(false);
  }, 60_000);
});
