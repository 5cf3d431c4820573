import type { Subscription } from 'rxjs';
import { msgpackCodec } from '../../lib/codec/msgpack.js';
import { decodeConfiguration } from '../../lib/core/configuration.js';
import type { EventOf, EventType, RaftEvent } from '../../lib/core/events.js';
import type { LogIndex, NodeId } from '../../lib/core/ids.js';
import type { RaftNode } from '../../lib/node/raft-node.js';
import { createRaftNode, type RaftNodeOptions } from '../../lib/open.js';
import { MemoryDisk, MemoryStorage } from '../../lib/storage/memory.js';
import { MemoryNetwork } from '../../lib/transport/memory.js';
import { ListMachine } from './list-machine.js';
import { ManualClock, ProcessClock } from './manual-clock.js';
import { defined } from './defined.js';

export type ListNode = RaftNode<string, number, string, string[]>;
export type ListNodeOptions = RaftNodeOptions<string, number, string, string[]>;

/** What a test may decide for each node; the rest is the cluster's. */
export type NodeSettings = Partial<Omit<ListNodeOptions, 'id' | 'storage' | 'transport' | 'clock' | 'runId'>>;

export interface MemoryClusterOptions {
  readonly ids?: readonly NodeId[];
  readonly settings?: NodeSettings | ((id: NodeId) => NodeSettings);
  /** Called with each node before it starts. */
  readonly onCreated?: (node: ListNode, id: NodeId) => void;
}

/** One run of one node. */
export interface NodeRun {
  readonly id: NodeId;
  readonly node: ListNode;
  readonly machine: ListMachine;
  readonly clock: ProcessClock;
  readonly options: ListNodeOptions;
  /** Every event of this run. */
  readonly events: RaftEvent[];
  /** How `events` ended, if it did. */
  ended: 'complete' | Error | null;
  isAlive: boolean;
  /** When the process died, if it did. */
  diedAt: number | null;
}

/** A cluster of real nodes within one process: memory network, memory disks, and a clock that the test holds. */
export class MemoryCluster {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork({ seed: 1, clock: this.clock });
  readonly disks = new Map<NodeId, MemoryDisk>();
  readonly ids: readonly NodeId[];
  readonly runs: NodeRun[] = [];
  private readonly subscriptions = new Map<NodeRun, Subscription>();

  constructor(private readonly options: MemoryClusterOptions = {}) {
    this.ids = options.ids ?? ['a', 'b', 'c'];
    for (const id of this.ids) this.disks.set(id, new MemoryDisk({ clock: this.clock }));
  }

  static async started(options: MemoryClusterOptions = {}): Promise<MemoryCluster> {
    const cluster = new MemoryCluster(options);
    await Promise.all(cluster.ids.map((id) => cluster.start(id)));
    return cluster;
  }

  /** Makes a node without starting it. */
  create(id: NodeId, overrides: NodeSettings = {}): NodeRun {
    const clock = new ProcessClock(this.clock);
    const { settings } = this.options;
    const count = this.runs.filter((run) => run.id === id).length;
    const machine = new ListMachine();
    const isFounder = this.ids.includes(id);
    const options: ListNodeOptions = {
      id,
      ...(isFounder ? { peers: Object.fromEntries(this.ids.map((each) => [each, `${each}:1`])) } : {}),
      stateMachine: machine,
      seed: (isFounder ? 1 + this.ids.indexOf(id) : id.charCodeAt(0)) + 100 * count,
      ...(typeof settings === 'function' ? settings(id) : settings),
      ...overrides,
      storage: new MemoryStorage(this.disk(id)),
      transport: this.network.transport(),
      clock,
      runId: `${id}-${count + 1}`,
    };
    const node = createRaftNode(options);
    const run: NodeRun = { id, node, machine, clock, options, events: [], ended: null, isAlive: true, diedAt: null };
    this.runs.push(run);
    const subscription = node.events.subscribe({
      next: (event) => run.events.push(event),
      error: (error: Error) => (run.ended = error),
      complete: () => (run.ended = 'complete'),
    });
    this.subscriptions.set(run, subscription);
    this.options.onCreated?.(node, id);
    return run;
  }

  async start(id: NodeId, overrides: NodeSettings = {}): Promise<NodeRun> {
    const run = this.create(id, overrides);
    await run.node.start();
    return run;
  }

  /** Starts a node that is none of `ids` with an empty store: it waits to be added. */
  async join(id: NodeId, overrides: NodeSettings = {}): Promise<NodeRun> {
    this.disks.set(id, new MemoryDisk({ clock: this.clock }));
    return this.start(id, overrides);
  }

  /** The process dies and the power with it: unsynced writes are gone, nothing it began ever ends. */
  crash(id: NodeId): void {
    const run = this.run(id);
    run.isAlive = false;
    run.diedAt = this.clock.now();
    run.clock.kill();
    this.subscriptions.get(run)?.unsubscribe();
    this.network.detach(id);
    this.disk(id).crash();
  }

  async restart(id: NodeId, overrides: NodeSettings = {}): Promise<NodeRun> {
    if (this.run(id).isAlive) this.crash(id);
    return this.start(id, overrides);
  }

  /** Writes a snapshot of a stopped node's log through an index and forgets what it covers. */
  async compact(id: NodeId, through: LogIndex): Promise<void> {
    const storage = new MemoryStorage(this.disk(id));
    const state = await storage.open({ clusterId: 'rxraft', nodeId: id });
    const entries = await storage.read(1, through, Infinity);
    const machine = new ListMachine();
    const codec = msgpackCodec<string>();
    void machine.apply(entries.filter(({ kind }) => kind === 'command').map(({ index, term, payload }) => ({ index, term, command: codec.decode(payload) })));
    const last = defined(entries.at(-1), 'the last entry');
    const configuration = decodeConfiguration(defined(state.configurations.at(-1), 'a configuration').payload);
    const meta = { last: { index: last.index, term: last.term }, configuration, configurationIndex: state.configurations.at(-1)?.index ?? 0 };
    await storage.saveSnapshot(meta, machine.snapshot(), { replaceLog: false });
    await storage.compact(through);
    await storage.close();
  }

  /** The latest run of a node. */
  run(id: NodeId): NodeRun {
    return defined(this.runs.findLast((run) => run.id === id), `a run of ${id}`);
  }

  node(id: NodeId): ListNode {
    return this.run(id).node;
  }

  disk(id: NodeId): MemoryDisk {
    return defined(this.disks.get(id), `the disk of ${id}`);
  }

  events(id: NodeId): RaftEvent[] {
    return this.run(id).events;
  }

  /** The events of some kinds of the latest run of a node. */
  eventsOf<K extends EventType>(id: NodeId, ...types: K[]): EventOf<K>[] {
    return this.events(id).filter(({ type }) => (types as EventType[]).includes(type)) as unknown as EventOf<K>[]; // one of the kinds asked for
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  settle(): Promise<void> {
    return this.clock.settle();
  }

  /** Lets time pass until something holds; a test whose wait is in vain fails here. */
  async until(holds: () => boolean, what = 'the condition', limitMs = 30_000): Promise<void> {
    const end = this.clock.now() + limitMs;
    await this.settle();
    while (!holds()) {
      if (this.clock.now() >= end) throw new Error(`${what} did not come within ${limitMs} ms of virtual time`);
      await this.advance(10);
    }
  }

  /** The one node among `ids` whose leadership is established, with the lease valid. */
  async leader(ids: readonly NodeId[] = this.ids): Promise<NodeRun> {
    const leading = (): NodeRun[] => ids.map((id) => this.run(id)).filter(({ isAlive, node }) => isAlive && isEstablished(node));
    await this.until(() => leading().length === 1, `a leader among ${ids.join(', ')}`);
    return defined(leading()[0], 'the leader');
  }

  /** Those that are not the leader, in order. */
  others(leader: NodeRun): NodeRun[] {
    return this.ids.filter((id) => id !== leader.id).map((id) => this.run(id));
  }

  /** Stops every node that lives. */
  async stop(): Promise<void> {
    this.network.heal();
    const stopped = Promise.all([...new Set(this.runs.map(({ id }) => id))].map((id) => this.stopNode(id)));
    await this.advance(5_000);
    await stopped;
  }

  private async stopNode(id: NodeId): Promise<void> {
    const run = this.run(id);
    if (run.isAlive) await run.node.stop();
  }
}

function isEstablished(node: ListNode): boolean {
  const { leadership } = node.metrics.value;
  return leadership !== null && leadership.established && leadership.leaseValid;
}

/** What became of a promise: its value, or its error; `pending` while it is neither. */
export interface Outcome<T> {
  state: 'pending' | 'resolved' | 'rejected';
  value: T | null;
  error: unknown;
}

/** Watches a promise without waiting for it. */
export function outcomeOf<T>(promise: Promise<T>): Outcome<T> {
  const outcome: Outcome<T> = { state: 'pending', value: null, error: null };
  promise.then(
    (value) => Object.assign(outcome, { state: 'resolved', value }),
    (error: unknown) => Object.assign(outcome, { state: 'rejected', error }),
  );
  return outcome;
}
