import { CLIENT_COMMANDS } from '../../lib/cli/client/commands.js';
import type { ClientFlags } from '../../lib/cli/client/flags.js';
import { runProgram, type ClusterFlags, type ServeFlags } from '../../lib/cli/program.js';

const SERVE = ['serve', '--id', 'a', '--peers', 'a=h:1/81,b=:2/x:82,c=[::1]:3', '--data', './d'];

describe('the command line', () => {
  it('serve takes who the node is, and has defaults for the rest', async () => {
    const { serve, code } = await run(SERVE);
    expect(serve).toMatchObject({ id: 'a', peers: { a: { address: 'h:1', http: 'h:81' }, b: { address: '127.0.0.1:2', http: 'x:82' }, c: { address: '[::1]:3', http: null } }, data: './d', clusterId: 'rxraft', http: { host: '127.0.0.1', port: 8101 }, stopTimeoutMs: 5000 });
    expect(code).toBe(7);
  });

  it('cluster needs nothing', async () => {
    const { cluster } = await run(['cluster']);
    expect(cluster).toMatchObject({ data: '.rxraft', raftPort: 7101, httpPort: 8101, all: false, check: false, keys: 10_000, deadlineS: 180 });
  });

  it('cluster takes its options', async () => {
    const { cluster } = await run(['cluster', '--check', '--keys', '500', '--data', 'x', '--deadline-s', '9', '--all', '--http-port', '9000']);
    expect(cluster).toMatchObject({ check: true, keys: 500, data: 'x', deadlineS: 9, all: true, httpPort: 9000 });
  });

  it('serve can join instead', async () => {
    const { serve } = await run(['serve', '--id', 'd', '--join', '--listen', 'h:4', '--data', './d', '--snapshot-entries', '1000', '--keep-entries', '0']);
    expect(serve).toMatchObject({ id: 'd', join: true, listen: 'h:4', snapshotEntries: 1000, keepEntries: 0 });
    expect(serve?.peers).toBeUndefined();
  });

  it('serve takes both ends of the range of election timeouts', async () => {
    const { serve } = await run([...SERVE, '--election-timeout-ms', '200', '--election-timeout-max-ms', '300']);
    expect(serve).toMatchObject({ electionTimeoutMs: 200, electionTimeoutMaxMs: 300 });
  });

  it.each<[string[], string, string[], ClientFlags]>([
    [['status', '--watch', '--endpoint', 'h:1,http://h:2/'], 'status', [], { watch: true, endpoint: ['h:1', 'h:2'] }],
    [['put', 'k', 'v', '--if-revision', '3', '--json'], 'put', ['k', 'v'], { ifRevision: 3, json: true }],
    [['put', 'k'], 'put', ['k'], {}],
    [['get', 'k', '--consistency', 'stale', '--max-staleness-ms', '5'], 'get', ['k'], { consistency: 'stale', maxStalenessMs: 5 }],
    [['events', '--type', 'NewLeader,LeaderLost', '--node', 'a,b', '--since', 'start'], 'events', [], { type: ['NewLeader', 'LeaderLost'], node: ['a', 'b'], since: 'start' }],
    [['member', 'add', 'd', 'h:4', '--http', 'h:84', '--wait', '--timeout-s', '60'], 'member add', ['d', 'h:4'], { http: 'h:84', wait: true, timeoutS: 60 }],
    [['member', 'remove', 'a', 'b', '--expected', '7'], 'member remove', ['a', 'b'], { expected: 7 }],
    [['transfer', '--to', 'b'], 'transfer', [], { to: 'b' }],
    [['status', '--watch', '--interval', '250'], 'status', [], { watch: true, interval: 250 }],
  ])('%j talks to a cluster', async (args, name, operands, flags) => {
    const { client, code } = await run(args);
    expect([client, code]).toEqual([{ name, args: operands, flags }, 3]);
  });

  it.each(CLIENT_COMMANDS.map(({ name }) => name))('%s --help has examples and the exit codes', async (name) => {
    const { code, out } = await run([...name.split(' '), '--help']);
    expect(code).toBe(0);
    expect(out).toMatch(/Usage: rxraft [^]*--endpoint[^]*Exit codes: 0 done[^]*Examples:\n {2}rxraft /);
  });

  it('every example of the help is a command line that is taken', async () => {
    for (const { name, examples } of CLIENT_COMMANDS) {
      for (const [call] of examples) {
        const args = call.replace(/ <.*/, '').split(' ').slice(1);
        const ran = await run(args);
        expect([call, ran.err]).toEqual([call, '']);
        if (args[0] !== 'serve') expect(ran.client?.name).toBe(name);
      }
    }
  });

  it.each([
    [['serve'], "required option '--id <id>' not specified"],
    [[...SERVE, '--http', 'nowhere'], '"nowhere" is no address; write host:port'],
    [[...SERVE, '--http', '127.0.0.1:70000'], 'is no address'],
    [[...SERVE, '--peers', 'a'], '"" is no id'],
    [[...SERVE, '--peers', 'a=h:1,a=h:2'], 'the node a is named twice'],
    [[...SERVE, '--peers', 'a=h:0'], 'the node a has port 0'],
    [[...SERVE, '--peers', 'a=h:1/0'], 'port 0 names no place'],
    [[...SERVE, '--peers', 'a=h:1/2/3'], 'is no address'],
    [[...SERVE, '--join'], "option '--join' cannot be used with option '--peers"],
    [[...SERVE, '--listen', 'h:0'], 'port 0 names no place'],
    [[...SERVE, '--snapshot-entries', '0'], 'is not an integer from 1'],
    [['put'], "missing required argument 'key'"],
    [['put', 'a', 'b', 'c'], 'too many arguments'],
    [['get', 'a', '--consistency', 'strong'], 'Allowed choices are linearizable, lease, stale'],
    [['get', 'a', '--endpoint', 'x'], '"x" is no address'],
    [['events', '--type', 'NewLeader,Gossip'], '"Gossip" is no kind of event'],
    [['transfer', '--to', '?'], 'is no id'],
    [['status', '--watch', '--interval', '49'], '"49" is not an integer from 50 to 3600000'],
    [['status', '--watch', '--interval', '1s'], '"1s" is not an integer'],
    [['member'], 'Usage: rxraft member'],
    [['member', 'remove'], "missing required argument 'id'"],
    [['member', 'ad'], 'Did you mean add?'],
    [[...SERVE, '--id', '-x'], '"-x" is no id'],
    [[...SERVE, '--election-timeout-ms', '5'], '"5" is not an integer from 10 to 600000'],
    [[...SERVE, '--log-format', 'xml'], 'Allowed choices are json, text'],
    [['cluster', '--keys', '1e4'], '"1e4" is not an integer'],
    [['cluster', '--raft-port', '65535'], 'is not an integer from 1 to 65533'],
    [['cluster', '--dta', 'x'], 'Did you mean --data?'],
    [['clutser'], 'Did you mean cluster?'],
  ])('%j is wrong usage: exit code 2 and a sentence', async (args, message) => {
    const { code, err, serve, cluster, client } = await run(args);
    expect(code).toBe(2);
    expect(err.replace(/\s+/g, ' ')).toContain(message);
    expect([serve, cluster, client]).toEqual([null, null, null]);
  });

  it.each([[['--help'], 'serve'], [['serve', '--help'], 'Example'], [['cluster', '--help'], 'npm start -- --check'], [['--version'], '1.2.3'], [['help', 'member', 'add'], 'Usage: rxraft member add'], [['help', 'events'], 'Usage: rxraft events']])('%j is answered on standard output', async (args, text) => {
    const { code, out } = await run(args);
    expect([code, out.includes(text)]).toEqual([0, true]);
  });

  it('what an action throws is left to the caller', async () => {
    const action = (): Promise<never> => Promise.reject(new Error('no disk'));
    await expect(runProgram(['cluster'], '1.2.3', { serve: action, cluster: action, client: action }, { out: () => undefined, err: () => undefined })).rejects.toThrow('no disk');
  });
});

interface Ran {
  client: { name: string; args: readonly string[]; flags: ClientFlags } | null;
  serve: ServeFlags | null;
  cluster: ClusterFlags | null;
  out: string;
  err: string;
  code: number;
}

async function run(args: readonly string[]): Promise<Ran> {
  const ran: Ran = { client: null, serve: null, cluster: null, out: '', err: '', code: -1 };
  const actions = {
    serve: async (flags: ServeFlags) => {
      ran.serve = flags;
      return 7;
    },
    cluster: async (flags: ClusterFlags) => {
      ran.cluster = flags;
      return 0;
    },
    client: async ({ name }: { readonly name: string }, args: readonly string[], flags: ClientFlags) => {
      ran.client = { name, args, flags };
      return 3;
    },
  };
  ran.code = await runProgram(args, '1.2.3', actions, { out: (text) => (ran.out += text), err: (text) => (ran.err += text) });
  return ran;
}
