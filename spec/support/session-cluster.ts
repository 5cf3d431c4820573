import { msgpackCodec } from '../../lib/codec/msgpack.js';
import type { RaftEvent } from '../../lib/core/events.js';
import type { NodeId } from '../../lib/core/ids.js';
import type { RaftNode } from '../../lib/node/raft-node.js';
import type { ClientSession } from '../../lib/node/sessions/client-session.js';
import { openSession, type OpenSessionOptions } from '../../lib/node/sessions/open-session.js';
import { withSessions, type SessionMachineOptions } from '../../lib/node/sessions/with-sessions.js';
import { createRaftNode, type RaftNodeOptions } from '../../lib/open.js';
import { MemoryDisk, MemoryStorage } from '../../lib/storage/memory.js';
import { MemoryNetwork } from '../../lib/transport/memory.js';
import { defined } from './defined.js';
import { ListMachine } from './list-machine.js';
import { ManualClock, ProcessClock } from './manual-clock.js';
import { outcomeOf } from './memory-cluster.js';
import type { WordCommand, WordResult } from './session-entries.js';

type WordNode = RaftNode<WordCommand, WordResult, string, string[]>;

export interface SessionRun {
  readonly id: NodeId;
  readonly node: WordNode;
  readonly list: ListMachine;
  readonly clock: ProcessClock;
  readonly events: RaftEvent[];
}

export interface SessionClusterOptions {
  readonly ids?: readonly NodeId[];
  readonly limits?: Partial<SessionMachineOptions<number>>;
  readonly settings?: Partial<Pick<RaftNodeOptions<WordCommand, WordResult>, 'snapshotPolicy' | 'requestTimeoutMs' | 'maxPendingProposals'>>;
}

/** Real nodes in one process whose machine is a list of words with sessions; the test holds the clock. */
export class SessionCluster {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork({ seed: 1, clock: this.clock });
  readonly disks = new Map<NodeId, MemoryDisk>();
  readonly runs = new Map<NodeId, SessionRun>();
  readonly ids: readonly NodeId[];
  private starts = 0;

  constructor(private readonly options: SessionClusterOptions = {}) {
    this.ids = options.ids ?? ['a', 'b', 'c'];
    for (const id of this.ids) this.disks.set(id, new MemoryDisk({ clock: this.clock }));
  }

  static async started(options: SessionClusterOptions = {}): Promise<SessionCluster> {
    const cluster = new SessionCluster(options);
    for (const id of cluster.ids) await cluster.start(id);
    return cluster;
  }

  async start(id: NodeId): Promise<SessionRun> {
    const clock = new ProcessClock(this.clock);
    const list = new ListMachine();
    const node: WordNode = createRaftNode<WordCommand, WordResult, string, string[]>({
      id,
      peers: Object.fromEntries(this.ids.map((each) => [each, `${each}:1`])),
      stateMachine: withSessions(list, { resultCodec: msgpackCodec<number>(), ...this.options.limits }),
      storage: new MemoryStorage(defined(this.disks.get(id))),
      transport: this.network.transport(),
      seed: (this.starts += 1),
      runId: `${id}-${this.starts}`,
      clock,
      ...this.options.settings,
    });
    const events: RaftEvent[] = [];
    node.events.subscribe({ next: (event) => events.push(event), error: () => undefined });
    const run: SessionRun = { id, node, list, clock, events };
    this.runs.set(id, run);
    await node.start();
    return run;
  }

  /** The process dies, and what it had not synced with it. */
  crash(id: NodeId): void {
    this.run(id).clock.kill();
    this.network.detach(id);
    defined(this.disks.get(id)).crash();
    this.runs.delete(id);
  }

  run(id: NodeId): SessionRun {
    return defined(this.runs.get(id), `a run of ${id}`);
  }

  async until(holds: () => boolean, what: string): Promise<void> {
    await this.clock.settle();
    for (let waited = 0; !holds(); waited += 10) {
      if (waited > 30_000) throw new Error(`${what} did not come`);
      await this.clock.advance(10);
    }
  }

  async leader(): Promise<SessionRun> {
    const leading = (): SessionRun[] => [...this.runs.values()].filter(({ node }) => node.metrics.value.leadership?.established === true && node.metrics.value.leadership.leaseValid);
    await this.until(() => leading().length === 1, 'a leader');
    return defined(leading()[0]);
  }

  async follower(): Promise<SessionRun> {
    const leader = await this.leader();
    return defined([...this.runs.values()].find((run) => run !== leader));
  }

  /** Awaits what needs time to pass. */
  async during<T>(work: Promise<T>, what = 'the answer'): Promise<T> {
    const outcome = outcomeOf(work);
    await this.until(() => outcome.state !== 'pending', what);
    return work;
  }

  session(run: SessionRun, options: OpenSessionOptions = {}): Promise<ClientSession<string, number>> {
    return this.during(openSession<string, number>(run.node, { clock: run.clock, ...options }), 'a session');
  }

  /** Lets every node that lives apply all that is committed, and gives their words: they must be the same. */
  async words(): Promise<string[]> {
    await this.clock.advance(1_000);
    const lists = [...this.runs.values()].map(({ list }) => list.words);
    for (const each of lists) expect(each).toEqual(lists[0]);
    return [...defined(lists[0])];
  }

  async stop(): Promise<void> {
    this.network.intercept(null);
    this.network.heal();
    const stopped = Promise.all([...this.runs.values()].map(({ node }) => node.stop()));
    await this.clock.advance(5_000);
    await stopped;
  }
}
