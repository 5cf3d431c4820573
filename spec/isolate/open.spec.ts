import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { promisify } from 'node:util';
import { msgpackCodec } from '../../lib/codec/msgpack.js';
import { openSession, waitFor, withSessions, type RaftNode, type SessionCommand, type SessionResult } from '../../lib/node/index.js';
import { openRaftNode, openReplicated } from '../../lib/open.js';
import { ConfigError } from '../../lib/ports/errors.js';
import { ListMachine } from '../support/list-machine.js';
import { temporaryDirectory } from '../support/file-fixture.js';
import { transpile, type Transpiled } from '../support/transpile.js';
import './fixture.js'; // finds the worker's file before a test runs

const run = promisify(execFile);
const alone = { id: 'a', peers: { a: '127.0.0.1:1' }, listen: '127.0.0.1:0', isolate: true } as const;

// Real threads, disks and sockets, on a machine that may be busy with other things.
jest.setTimeout(30_000);

describe('isolate: true', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = temporaryDirectory();
  });
  afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

  it('gives openReplicated the same store', async () => {
    const store = await openReplicated<number, number>({ node: { ...alone, dataDir }, reducer: (sum, by) => sum + by, initial: 0 });
    const seen: number[] = [];
    store.state.subscribe((value) => seen.push(value));
    const { index } = await store.dispatch(2);
    expect(store.state.value).toBe(2);
    await store.dispatch(3);
    expect(seen).toEqual([0, 2, 5]);
    const actions: number[] = [];
    await new Promise<void>((resolve) => {
      store.actions({ from: index }).subscribe(({ action }) => {
        if (actions.push(action) === 2) resolve();
      });
    });
    expect(actions).toEqual([2, 3]);
    expect(store.node.metrics.value.role).toBe('leader');
    await store.stop();
  });

  it('gives openRaftNode the same node before it starts, and sessions on it', async () => {
    const events: string[] = [];
    const machine = withSessions(new ListMachine(), { resultCodec: msgpackCodec<number>() });
    const node: RaftNode<SessionCommand<string>, SessionResult<number>, string, string[]> = await openRaftNode({ ...alone, dataDir, stateMachine: machine }, (created) =>
      created.events.subscribe(({ type }) => events.push(type)),
    );
    await waitFor(node, ({ leadership }) => leadership?.established === true);
    const session = await openSession(node);
    expect((await session.propose('one')).value).toBe(1);
    await session.close();
    expect(events[0]).toBe('NodeStarted');
    expect(events).toEqual(expect.arrayContaining(['SessionOpened', 'SessionClosed']));
    await node.stop();
    expect(events.at(-1)).toBe('NodeStopped');
  });

  it('refuses what can\'t be isolated', async () => {
    await expect(openRaftNode({ ...alone, dataDir, stateMachine: new ListMachine(), turnObserver: () => undefined })).rejects.toBeInstanceOf(ConfigError);
  });
});

describe('a process with an isolated node', () => {
  let scripts: Transpiled;
  let dataDir: string;
  beforeAll(() => {
    scripts = transpile(['spec/isolate/children/whole-life.ts', 'lib/isolate/worker.ts']);
    dataDir = temporaryDirectory();
  });
  afterAll(() => {
    scripts.dispose();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const live = async (how: string): Promise<string> => (await run(process.execPath, [scripts.file('spec/isolate/children/whole-life.ts'), dataDir, how])).stdout;

  it('ends by itself once the node has stopped, or its thread has died', async () => {
    expect(await live('stop')).toBe('sum 5\nthe end\n');
    expect(await live('die')).toMatch(/^sum 10\nFatalError: isolate failed; .* the node's thread ended by itself, with exit code 1\n(FatalError\n)?the end\n$/);
  });
});
