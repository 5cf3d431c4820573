import { runProgram, type ClusterFlags, type ServeFlags } from '../../lib/cli/program.js';

const SERVE = ['serve', '--id', 'a', '--peers', 'a=h:1,b=:2,c=[::1]:3', '--data', './d'];

describe('the command line', () => {
  it('serve takes who the node is, and has defaults for the rest', async () => {
    const { serve, code } = await run(SERVE);
    expect(serve).toMatchObject({ id: 'a', peers: { a: 'h:1', b: '127.0.0.1:2', c: '[::1]:3' }, data: './d', clusterId: 'rxraft', http: { host: '127.0.0.1', port: 8101 }, stopTimeoutMs: 5000 });
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

  it.each([
    [['serve'], "required option '--id <id>' not specified"],
    [[...SERVE, '--http', 'nowhere'], '"nowhere" is no address; write host:port'],
    [[...SERVE, '--http', '127.0.0.1:70000'], 'is no address'],
    [[...SERVE, '--peers', 'a'], '"" is no id'],
    [[...SERVE, '--peers', 'a=h:1,a=h:2'], 'the node a is named twice'],
    [[...SERVE, '--peers', 'a=h:0'], 'the node a has port 0'],
    [[...SERVE, '--id', '-x'], '"-x" is no id'],
    [[...SERVE, '--election-timeout-ms', '5'], '"5" is not an integer from 10 to 600000'],
    [[...SERVE, '--log-format', 'xml'], 'Allowed choices are json, text'],
    [['cluster', '--keys', '1e4'], '"1e4" is not an integer'],
    [['cluster', '--raft-port', '65535'], 'is not an integer from 1 to 65533'],
    [['cluster', '--dta', 'x'], 'Did you mean --data?'],
    [['clutser'], 'Did you mean cluster?'],
  ])('%j is wrong usage: exit code 2 and a sentence', async (args, message) => {
    const { code, err, serve, cluster } = await run(args);
    expect(code).toBe(2);
    expect(err.replace(/\s+/g, ' ')).toContain(message);
    expect([serve, cluster]).toEqual([null, null]);
  });

  it.each([[['--help'], 'serve'], [['serve', '--help'], 'Example'], [['cluster', '--help'], 'npm start -- --check'], [['--version'], '1.2.3']])('%j is answered on standard output', async (args, text) => {
    const { code, out } = await run(args);
    expect([code, out.includes(text)]).toEqual([0, true]);
  });

  it('what an action throws is left to the caller', async () => {
    const action = (): Promise<never> => Promise.reject(new Error('no disk'));
    await expect(runProgram(['cluster'], '1.2.3', { serve: action, cluster: action }, { out: () => undefined, err: () => undefined })).rejects.toThrow('no disk');
  });
});

interface Ran {
  serve: ServeFlags | null;
  cluster: ClusterFlags | null;
  out: string;
  err: string;
  code: number;
}

async function run(args: readonly string[]): Promise<Ran> {
  const ran: Ran = { serve: null, cluster: null, out: '', err: '', code: -1 };
  const actions = {
    serve: async (flags: ServeFlags) => {
      ran.serve = flags;
      return 7;
    },
    cluster: async (flags: ClusterFlags) => {
      ran.cluster = flags;
      return 0;
    },
  };
  ran.code = await runProgram(args, '1.2.3', actions, { out: (text) => (ran.out += text), err: (text) => (ran.err += text) });
  return ran;
}
