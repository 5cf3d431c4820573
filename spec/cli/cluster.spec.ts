import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFree } from '../../lib/cli/cluster/ports.js';
import { HttpClient, type HttpCall, type HttpReply } from '../../lib/cli/http-client.js';
import { RxraftCommand, type Running } from '../support/rxraft-command.js';

describe('rxraft cluster', () => {
  const command = new RxraftCommand();
  const data = mkdtempSync(join(tmpdir(), 'rxraft-cluster-'));
  const client = new HttpClient(4, 20_000);
  let ports: { raft: number; http: number };
  beforeAll(async () => {
    ports = await freeRows();
  });
  afterAll(() => {
    client.close();
    command.dispose();
    rmSync(data, { recursive: true, force: true });
  });

  const start = (): Running => command.run('cluster', '--data', data, '--raft-port', String(ports.raft), '--http-port', String(ports.http));
  const send = (node: number, method: string, path: string, call?: HttpCall): Promise<HttpReply> => client.send(method, `http://127.0.0.1:${ports.http + node}${path}`, call);

  it('takes no harm from a reader that leaves', async () => {
    const help = command.run('--help');
    help.child.stdout?.destroy();
    expect(await help.ended).toBe(0);
    expect(help.output).toBe('');
  });

  it('shows the cluster live through the loss of a node, stops in order, and finds its data again', async () => {
    const first = start();
    await first.printed(/curl -i -X PUT --data 'hello' http:\/\/127\.0\.0\.1:\d+\/kv\/greeting/);
    await first.printed(/\d\d:\d\d:\d\d\.\d{3} {2}([abc]) {2}LeadershipEstablished +term \d+ {2}a quorum follows/);
    expect((await send(0, 'PUT', '/kv/greeting', { body: 'hello' })).status).toBe(201);
    expect((await send(1, 'GET', '/kv/greeting')).body.toString()).toBe('hello');

    const [, leader = '', pid = ''] = await first.printed(/^ {2}([abc]) {2}http.* pid (\d+) +leader of term/m);
    process.kill(Number(pid), 'SIGKILL');
    await first.printed(new RegExp(`  ${leader}  the process was ended by SIGKILL; its log is `));
    await first.printed(new RegExp(`  ${leader}  start it again from another terminal: node .* serve --id ${leader} `));
    await first.printed(new RegExp(`NewLeader +term \\d+  (?!${leader})[abc] leads`));

    first.child.kill('SIGINT');
    expect(await first.ended).toBe(0);
    expect(first.output).toMatch(/Stopping …\n(.*NodeStopped.*\n){2}Stopped\. The data is kept in /);

    const second = start();
    await second.printed(/Try, in another terminal/);
    expect((await send(2, 'GET', '/kv/greeting')).body.toString()).toBe('hello');

    const ask = async (...args: string[]): Promise<[number | null, string]> => {
      const asked = command.run(...args, '--endpoint', `127.0.0.1:${ports.http}`);
      return [await asked.ended, asked.output];
    };
    const matching = (pattern: RegExp): string => expect.stringMatching(pattern) as string;
    expect(await ask('status')).toEqual([0, matching(/^id .*\na .* yes\nb .* yes\nc .* yes\n$/)]);
    expect(await ask('put', 'from', 'the command line')).toEqual([0, matching(/^revision \d+\n$/)]);
    expect(await ask('get', 'from')).toEqual([0, 'the command line']);
    expect(await ask('get', 'nothing')).toEqual([1, 'rxraft: there is no such key\n']);
    expect(await ask('member', 'remove', 'x')).toEqual([1, 'rxraft: membership change refused: x is not a member\n']);
    expect(await ask('transfer')).toEqual([0, matching(/^leadership moved from [abc] to [abc] in \d+ ms\n$/)]);
    const [, to = ''] = await second.printed(/LeadershipTransferEnded +term \d+ {2}([abc]) has taken over/);
    expect(await ask('events', '--since', 'start', '--count', '1', '--node', to, '--type', 'ElectionWon')).toEqual([0, matching(new RegExp(`  ${to}  ElectionWon `))]);
    expect(await ask('snapshot', '--node', to)).toEqual([0, matching(new RegExp(`^${to}  through \\d+@\\d+, \\d+ bytes\n$`))]);
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);
  }, 60_000);

  it('a port that is taken is named, with the option that chooses another', async () => {
    const server = createServer().listen(ports.http + 1, '127.0.0.1');
    await once(server, 'listening');
    const running = start();
    expect(await running.ended).toBe(2);
    expect(running.output).toContain(`the HTTP port ${ports.http + 1} on 127.0.0.1 can't be had`);
    expect(running.output).toContain('Choose others with --http-port');
    server.close();
  }, 20_000);

  it('a node whose process can not start is reported with the end of its log', async () => {
    const [raft = 0, http = 0] = await findFree(2);
    const blocker = command.run('serve', '--id', 'a', '--peers', `a=127.0.0.1:${raft}`, '--http', `127.0.0.1:${http}`, '--data', join(data, 'a'), '--cluster-id', 'rxraft-local');
    await blocker.printed(/"message":"serving"|can't start/);
    const running = start();
    expect(await running.ended).toBe(1);
    expect(running.output).toMatch(/node a ended with code 1 before it was ready; the end of .*a\.log:\n[^]*in use by process/);
    blocker.child.kill('SIGTERM');
    expect(await blocker.ended).toBe(0);
  }, 30_000);

  it('serve refuses a list of peers without the node itself, and data of another cluster', async () => {
    const [raft = 0] = await findFree(1);
    const serve = (id: string, ...args: string[]): Running => command.run('serve', '--id', id, '--peers', `a=127.0.0.1:${raft}`, '--http', '127.0.0.1:0', '--data', join(data, 'a'), ...args);
    const stranger = serve('z');
    expect([await stranger.ended, stranger.output]).toEqual([2, 'rxraft: --peers does not name this node, z\n']);
    const nowhere = command.run('serve', '--id', 'z', '--join', '--data', join(data, 'z'), '--http', '127.0.0.1:0');
    expect([await nowhere.ended, nowhere.output]).toEqual([2, 'rxraft: give --peers for a node of a new cluster, or --join with --listen for one that waits to be added\n']);
    const other = serve('a', '--cluster-id', 'another');
    expect(await other.ended).toBe(1);
    expect(other.output).toMatch(/rxraft: node a can't start: .*another/);
  }, 30_000);
});

/** The first of three free ports in a row, twice. */
async function freeRows(): Promise<{ raft: number; http: number }> {
  for (;;) {
    const ports = await findFree(6);
    const [raft = 0] = ports;
    if (ports.every((port, i) => port === raft + i)) return { raft, http: raft + 3 };
  }
}
