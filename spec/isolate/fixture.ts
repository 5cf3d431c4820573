import { rmSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { RaftEvent } from '../../lib/core/events.js';
import { IsolatedNode } from '../../lib/isolate/isolated-node.js';
import type { IsolatedNodeOptions } from '../../lib/isolate/isolated-options.js';
import { msgpackCodec } from '../../lib/codec/msgpack.js';
import { waitFor } from '../../lib/node/operators/index.js';
import { ListMachine } from '../support/list-machine.js';
import { temporaryDirectory } from '../support/file-fixture.js';

export type ListOptions = IsolatedNodeOptions<string, number, string, string[]>;
export type IsolatedListNode = IsolatedNode<string, number, string, string[]>;

/** A node in a thread of its own, its machine and its events here. */
export interface Isolated {
  readonly node: IsolatedListNode;
  readonly machine: ListMachine;
  readonly events: RaftEvent[];
}

/** Isolated nodes on real disks and sockets; nothing is left of them. */
export class IsolatedNodes {
  readonly all: Isolated[] = [];
  private readonly directories = new Map<string, string>();

  /** Makes one; it does not start. The same id finds the same directory. */
  make(id: string, listen: string, options: Partial<ListOptions> = {}): Isolated {
    const machine = options.stateMachine instanceof ListMachine ? options.stateMachine : new ListMachine();
    const node: IsolatedListNode = new IsolatedNode({
      id,
      listen,
      dataDir: this.directoryOf(id),
      stateMachine: machine,
      commandCodec: msgpackCodec<string>(),
      valueCodec: msgpackCodec<unknown>(),
      // Slow enough for a machine that is busy with other things.
      electionTimeoutMinMs: 300,
      electionTimeoutMaxMs: 600,
      heartbeatIntervalMs: 60,
      snapshotPolicy: null,
      requestTimeoutMs: 60_000,
      ...options,
    });
    const made: Isolated = { node, machine, events: [] };
    node.events.subscribe({ next: (event) => made.events.push(event), error: () => undefined });
    this.all.push(made);
    return made;
  }

  /** A cluster of one that leads. */
  async leaderAlone(options: Partial<ListOptions> = {}): Promise<Isolated> {
    const alone = this.make('a', '127.0.0.1:0', { peers: { a: '127.0.0.1:1' }, ...options });
    await alone.node.start();
    await waitFor(alone.node, ({ leadership }) => leadership?.established === true);
    return alone;
  }

  /** A cluster of three, its leader first. */
  async three(options: Partial<ListOptions> = {}): Promise<readonly [Isolated, Isolated, Isolated]> {
    const [a, b, c] = await freeAddresses(3);
    const peers = { a: a ?? '', b: b ?? '', c: c ?? '' };
    const made = Object.entries(peers).map(([id, listen]) => this.make(id, listen, { peers, ...options }));
    await Promise.all(made.map(({ node }) => node.start()));
    const campaign = (): void => made[0]?.node.campaign(); // no need to wait for a timeout; again, should its first words be lost
    campaign();
    const again = setInterval(campaign, 1000);
    const led = await Promise.any(made.map(({ node }) => waitFor(node, ({ leadership }) => leadership?.established === true))).finally(() => clearInterval(again));
    await Promise.all(made.map(({ node }) => waitFor(node, ({ leaderId }) => leaderId === led.nodeId)));
    return made.sort((one, other) => Number(other.node.id === led.nodeId) - Number(one.node.id === led.nodeId)) as unknown as readonly [Isolated, Isolated, Isolated];
  }

  directoryOf(id: string): string {
    const directory = this.directories.get(id) ?? temporaryDirectory();
    this.directories.set(id, directory);
    return directory;
  }

  async dispose(): Promise<void> {
    await Promise.all(this.all.map(({ node }) => node.stop().catch(() => undefined)));
    for (const directory of this.directories.values()) rmSync(directory, { recursive: true, force: true });
  }
}

/** Addresses that nobody listens at, outside of the range from which the system takes ports for connections. */
export async function freeAddresses(count: number): Promise<string[]> {
  const found = new Set<string>();
  while (found.size < count) {
    const port = 15_000 + Math.floor(Math.random() * 15_000);
    const server = createServer();
    const outcome = once(server.listen(port, '127.0.0.1'), 'listening').then(() => true, () => false);
    if (await outcome) found.add(`127.0.0.1:${port}`);
    await new Promise((resolve) => server.close(resolve));
  }
  return [...found];
}
