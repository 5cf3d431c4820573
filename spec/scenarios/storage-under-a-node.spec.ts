import { rmSync } from 'node:fs';
import { FatalError, RaftError } from '../../lib/ports/errors.js';
import { waitFor } from '../../lib/node/operators/index.js';
import { createRaftNode } from '../../lib/open.js';
import { FileStorage } from '../../lib/storage/file.js';
import { MemoryNetwork } from '../../lib/transport/memory.js';
import { ListMachine } from '../support/list-machine.js';
import { temporaryDirectory } from '../support/file-fixture.js';
import type { ListNode } from '../support/memory-cluster.js';
import { rejectionsTold } from '../support/unhandled.js';

const WORDS = ['one', 'two', 'three', 'four'];

describe('a node on files', () => {
  it.each([
    ['S62', 'EIO: i/o error, fdatasync'],
    ['S65', 'ENOSPC: no space left on device'],
  ])('%s whose commit fails with %s, whichever it is, stops with a fatal error, and has all that it acknowledged when it is started again', async (_, failure) => {
    let failing = 0;
    for (let hasFailed = true; hasFailed; failing++) {
      const path = temporaryDirectory();
      try {
        // What is tried once the commit has failed fails as well, and so on until a life goes by without.
        const life = await lived(path, failing, failure);
        hasFailed = life.hasFailed;
        const { words } = await lived(path, Infinity, failure);
        expect(words.slice(0, life.acknowledged.length)).toEqual(life.acknowledged);
        expect(WORDS).toEqual(words.slice(-WORDS.length));
      } finally {
        rmSync(path, { recursive: true, force: true });
      }
    }
    // One or more to elect the node, one or more for each word.
    expect(failing).toBeGreaterThan(WORDS.length);
    await rejectionsTold();
  }, 60_000);
});

/** Starts a node, has it append words until its commit number `failing` fails, and stops it. */
async function lived(path: string, failing: number, failure: string): Promise<{ readonly hasFailed: boolean; readonly acknowledged: string[]; readonly words: string[] }> {
  let commits = 0;
  let hasFailed = false;
  const storage = new FileStorage({
    path,
    aroundCommit: (commit) => {
      hasFailed ||= commits++ === failing;
      return hasFailed ? Promise.reject(new Error(failure)) : commit();
    },
  });
  const stateMachine = new ListMachine();
  const transport = new MemoryNetwork().transport();
  const node: ListNode = createRaftNode({ id: 'a', peers: { a: '' }, storage, transport, stateMachine, electionTimeoutMinMs: 30, electionTimeoutMaxMs: 60, heartbeatIntervalMs: 10 });
  const acknowledged: string[] = [];
  let ended: unknown = null;
  node.events.subscribe({ error: (error: unknown) => (ended = error) });
  try {
    await node.start();
    await waitFor(node, ({ leadership }) => leadership?.established === true, { timeoutMs: 20_000 });
    for (const word of WORDS) await node.propose(word).then(() => acknowledged.push(word));
    await node.read('');
  } catch (error) {
    expect(error).toBeInstanceOf(RaftError);
    expect(hasFailed).toBe(true);
    expect(ended).toBeInstanceOf(FatalError);
    expect(String((ended as FatalError).cause)).toContain(failure);
    expect(node.metrics.value.runningState).toBe('failed');
    await expect(node.propose('more')).rejects.toMatchObject({ name: 'StoppedError' });
  }
  await node.stop();
  return { hasFailed, acknowledged, words: stateMachine.words };
}
