import { rmSync } from 'node:fs';
import { filter, firstValueFrom } from 'rxjs';
import type { EventOf, RaftEvent } from '../../../lib/core/events.js';
import type { NewNode } from '../../../lib/core/membership-plan.js';
import { ofType } from '../../../lib/node/operators/index.js';
import { createRaftNode } from '../../../lib/open.js';
import { FileStorage } from '../../../lib/storage/file.js';
import { TcpTransport } from '../../../lib/transport/tcp.js';
import { ListMachine } from '../../support/list-machine.js';
import { temporaryDirectory } from '../../support/file-fixture.js';
import type { ListNode } from '../../support/memory-cluster.js';
import { TcpProxy } from '../../support/tcp-proxy.js';

const CHUNK = 256 * 1024;
const WINDOW = 1 << 20;
const WORDS = Array.from({ length: 80 }, (_, i) => String.fromCharCode(97 + (i % 26)).repeat(CHUNK));
/** The words and the line ends between them. */
const SNAPSHOT_BYTES = WORDS.length * (CHUNK + 1) - 1;

/** A node on real disks and sockets, reached through a proxy. */
class RealNode {
  machine = new ListMachine();
  events: RaftEvent[] = [];
  private running: ListNode | null = null;

  private constructor(
    readonly id: string,
    readonly proxy: TcpProxy,
    private readonly directory: string,
    private readonly isFounder: boolean,
  ) {}

  static async started(id: string, isFounder: boolean): Promise<RealNode> {
    const real = new RealNode(id, await TcpProxy.started(), temporaryDirectory(), isFounder);
    await real.start();
    return real;
  }

  get node(): ListNode {
    if (this.running === null) throw new Error(`${this.id} does not run`);
    return this.running;
  }

  async start(): Promise<void> {
    this.machine = new ListMachine();
    this.events = [];
    const transport = new TcpTransport({ listen: '127.0.0.1:0' });
    const peers: Record<string, NewNode> = { [this.id]: this.proxy.address };
    const node: ListNode = createRaftNode({
      id: this.id,
      ...(this.isFounder ? { peers } : {}),
      storage: new FileStorage({ path: this.directory }),
      transport,
      stateMachine: this.machine,
      snapshotPolicy: null,
      requestTimeoutMs: 60_000,
    });
    node.events.subscribe({ next: (event) => this.events.push(event), error: () => undefined });
    this.running = node;
    await node.start();
    this.proxy.target = transport.address;
  }

  async stop(): Promise<void> {
    await this.running?.stop();
    this.running = null;
    this.proxy.target = null;
  }

  async dispose(): Promise<void> {
    await this.stop();
    await this.proxy.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** The next event of a kind that `holds`; of those that were published already, too. */
  async next<K extends 'SnapshotInstalled' | 'SnapshotReceived' | 'SnapshotSent' | 'LeadershipEstablished'>(type: K, holds: (event: EventOf<K>) => boolean = () => true): Promise<EventOf<K>> {
    const past = this.eventsOf(type).find(holds);
    return past ?? (await firstValueFrom(this.node.events.pipe(ofType(type), filter(holds))));
  }

  eventsOf<K extends RaftEvent['type']>(type: K): EventOf<K>[] {
    return this.events.filter((event) => event.type === type) as unknown as EventOf<K>[]; // of the kind asked for
  }

  /** Until the machine holds as many words as `other`'s, which waits for the log too. */
  async catchUpWith(other: RealNode): Promise<void> {
    const { index } = other.node.metrics.value.applied;
    await firstValueFrom(this.node.metrics.pipe(filter(({ applied }) => applied.index >= index)));
  }
}

describe('snapshots over TCP, from disk to disk', () => {
  let leader: RealNode;
  let late: RealNode;

  beforeEach(async () => {
    [leader, late] = [await RealNode.started('a', true), await RealNode.started('d', false)];
    await leader.next('LeadershipEstablished');
    for (let i = 0; i < WORDS.length; i += 20) await leader.node.proposeBatch(WORDS.slice(i, i + 20));
    await compact();
  }, 60_000);
  afterEach(async () => {
    await late.dispose();
    await leader.dispose();
  }, 60_000);

  const compact = async (): Promise<void> => leader.node.compactLog((await leader.node.takeSnapshot()).last.index);
  const addLate = (): Promise<unknown> => leader.node.changeMembership({ add: { d: { address: late.proxy.address, autoPromote: false } } });
  const progress = (): number[] => late.eventsOf('SnapshotReceived').map(({ receivedBytes }) => receivedBytes);

  test('a node that joins late is brought on by some 20 MB in chunks; so is one that was away too long; both keep it', async () => {
    await addLate();
    await late.next('SnapshotInstalled');
    await late.catchUpWith(leader);
    expect(late.machine.words).toEqual(WORDS);
    expect(progress().length).toBeGreaterThanOrEqual(SNAPSHOT_BYTES / CHUNK);
    expect(progress().at(-1)).toBe(SNAPSHOT_BYTES);
    expect(late.proxy.bytes).toBeLessThan(SNAPSHOT_BYTES + WINDOW); // nothing of it twice
    await leader.next('SnapshotSent', ({ outcome }) => outcome === 'acknowledged');

    await late.stop();
    await leader.node.proposeBatch(['while', 'it', 'was', 'away']);
    await compact();
    await late.start();
    await late.next('SnapshotInstalled');
    await late.catchUpWith(leader);
    expect(late.machine.words).toEqual([...WORDS, 'while', 'it', 'was', 'away']);

    await late.stop();
    await late.start();
    expect(late.events[0]).toMatchObject({ type: 'NodeStarted', snapshot: leader.node.metrics.value.snapshot });
    await late.catchUpWith(leader);
    expect(late.machine.words).toEqual([...WORDS, 'while', 'it', 'was', 'away']);
  }, 60_000);

  test('S45 a connection that is cut in the middle costs what was on it: the transfer goes on from the last acknowledged chunk', async () => {
    const cut = late.next('SnapshotReceived', ({ receivedBytes }) => receivedBytes > SNAPSHOT_BYTES / 2).then(() => late.proxy.cut());
    const down = leader.node.events.pipe(ofType('PeerUnreachable'));
    const [lost] = [firstValueFrom(down)];
    await addLate();
    await cut;
    await lost;
    await late.next('SnapshotInstalled');
    await late.catchUpWith(leader);
    expect(late.machine.words).toEqual(WORDS);
    const received = progress();
    expect(received).toEqual([...new Set(received)].sort((a, b) => a - b));
    expect(late.proxy.bytes).toBeLessThan(SNAPSHOT_BYTES + 2 * WINDOW); // at most the window goes twice, and what isn't snapshot
    expect((await leader.next('SnapshotSent')).outcome).toBe('acknowledged');
    expect(leader.eventsOf('SnapshotSent')).toHaveLength(1);
  }, 60_000);
});
