import type { Worker } from 'node:worker_threads';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { lastValueFrom } from 'rxjs';
import { FatalError, ProposalIndeterminateError, StorageError, StoppedError } from '../../lib/ports/errors.js';
import { defined } from '../support/defined.js';
import { ListMachine } from '../support/list-machine.js';
import { IsolatedNodes, freeAddresses, type IsolatedListNode } from './fixture.js';

/** The worker of a node; only a test would look for it. */
function workerOf(node: IsolatedListNode): Worker {
  return defined((node as unknown as { readonly thread: { readonly worker: Worker } | null }).thread).worker;
}

// Real threads, disks and sockets, on a machine that may be busy with other things.
jest.setTimeout(30_000);

describe('faults of a node in a thread of its own', () => {
  let nodes: IsolatedNodes;
  beforeEach(() => {
    nodes = new IsolatedNodes();
  });
  afterEach(() => nodes.dispose());

  it('an address that is taken: start() rejects with what the system said, and the node has failed', async () => {
    const [address = ''] = await freeAddresses(1);
    const server = createServer().listen(Number(address.split(':')[1]), '127.0.0.1');
    await once(server, 'listening');
    const { node, events } = nodes.make('a', address, { peers: { a: address } });
    await expect(node.start()).rejects.toThrow(address);
    expect(node.metrics.value.runningState).toBe('failed');
    expect(events.map(({ type }) => type)).toEqual(['FatalErrorRaised', 'NodeStopped']);
    await expect(lastValueFrom(node.events)).rejects.toBeInstanceOf(FatalError);
    await expect(node.propose('x')).rejects.toThrow(new StoppedError('failed'));
    await node.stop();
    await new Promise((resolve) => server.close(resolve));
  });

  it('a directory of another node: start() rejects with a StorageError', async () => {
    const first = await nodes.leaderAlone();
    await first.node.stop();
    const other = nodes.make('b', '127.0.0.1:0', { dataDir: nodes.directoryOf('a') });
    await expect(other.node.start()).rejects.toBeInstanceOf(StorageError);
  });

  it('a state machine that throws: the node fails with that very error as the cause, and everything is answered', async () => {
    const cause = new RangeError('the machine is broken');
    class Broken extends ListMachine {
      override apply(): number[] {
        throw cause;
      }
    }
    const { node, events } = await nodes.leaderAlone({ stateMachine: new Broken() });
    const failed = lastValueFrom(node.metrics);
    const outcomes = Promise.allSettled([node.propose('x'), node.read('x'), failed]);
    const [proposal, read, metrics] = await outcomes;
    expect(proposal).toMatchObject({ status: 'rejected', reason: { name: 'ProposalIndeterminateError', reason: 'fatalError', cause: { name: 'FatalError', operation: 'apply' } } });
    const fault: unknown = defined(metrics.status === 'rejected' ? (metrics.reason as unknown) : null);
    expect(fault).toBeInstanceOf(FatalError);
    expect((fault as FatalError).cause).toBe(cause);
    expect(read.status === 'fulfilled' || read.reason instanceof StoppedError).toBe(true);
    expect(events.at(-2)).toMatchObject({ type: 'FatalErrorRaised', operation: 'apply', error: 'the machine is broken' });
    expect(events.filter(({ type }) => type === 'LeadershipLost')).toHaveLength(1);
    await node.stop();
  });

  it('a snapshot that can\'t be taken rejects with what the machine threw, and the node goes on', async () => {
    const cause = new Error('no snapshot today');
    class Shy extends ListMachine {
      override snapshot(): AsyncIterable<Uint8Array> {
        throw cause;
      }
    }
    const { node, events } = await nodes.leaderAlone({ stateMachine: new Shy() });
    await node.propose('x');
    await expect(node.takeSnapshot()).rejects.toBe(cause);
    expect(events).toContainEqual(expect.objectContaining({ type: 'SnapshotFailed', error: 'no snapshot today' }));
    expect((await node.propose('y')).value).toBe(2);
  });

  it('a thread that dies: leadership ends, the streams error, every call is answered, and stop() resolves', async () => {
    class Stuck extends ListMachine {
      override apply(): Promise<number[]> {
        return new Promise(() => undefined);
      }
    }
    const { node, events } = await nodes.leaderAlone({ stateMachine: new Stuck() });
    const calls = Promise.allSettled([node.propose('x'), node.takeSnapshot(), lastValueFrom(node.committed()), lastValueFrom(node.events)]);
    await workerOf(node).terminate();
    const outcomes = (await calls).map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as unknown) : outcome.value));
    expect(outcomes).toEqual([expect.any(ProposalIndeterminateError), expect.any(StoppedError), expect.any(FatalError), expect.any(FatalError)]);
    expect(node.metrics.value).toMatchObject({ runningState: 'failed', role: 'follower', leadership: null, leaderId: null, pendingProposals: 0 });
    expect(events.slice(-2).map(({ type }) => type)).toEqual(['FatalErrorRaised', 'NodeStopped']);
    expect(events.filter(({ type }) => type === 'LeadershipLost')).toHaveLength(1);
    await node.stop();
    await expect(node.propose('x')).rejects.toThrow(new StoppedError('failed'));
    rmSync(nodes.directoryOf('a'), { recursive: true, force: true });
  });
});
