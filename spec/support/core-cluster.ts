import { configurationOf, encodeConfiguration, type Configuration } from '../../lib/core/configuration.js';
import { EMPTY_PAYLOAD, type Entry } from '../../lib/core/entry.js';
import type { LogIndex, NodeId, Term } from '../../lib/core/ids.js';
import type { Input } from '../../lib/core/inputs.js';
import type { RaftMessage } from '../../lib/core/messages.js';
import { DEFAULT_CORE_OPTIONS, type CoreOptions } from '../../lib/core/options.js';
import type { TurnOutput } from '../../lib/core/output.js';
import type { CoreStatus } from '../../lib/core/status.js';
import { CoreDisk } from './core-disk.js';
import { CoreNode } from './core-node.js';
import { defined } from './defined.js';

/** A message on its way. */
export interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  readonly message: RaftMessage;
}

/** Which messages are meant; what is left out matches all. */
export interface Which {
  readonly from?: NodeId;
  readonly to?: NodeId;
  readonly type?: RaftMessage['type'];
}

export interface ClusterOptions {
  /** Everybody who has a core; `a`, `b` and `c` unless told. */
  readonly ids?: readonly NodeId[];
  /** In the first entry of every log; all of `ids` as voters unless told. */
  readonly configuration?: Configuration;
  /** The terms of each node's log from index 1 on; one entry of term 1 unless told. */
  readonly logs?: Readonly<Record<NodeId, readonly Term[]>>;
  /** Each node's current term; that of its last entry unless told. */
  readonly terms?: Readonly<Record<NodeId, Term>>;
  readonly options?: Partial<CoreOptions>;
}

export const MIN_TIMEOUT_MS = 100;
export const MAX_TIMEOUT_MS = 200;
export const HEARTBEAT_MS = 20;

/**
 * Cores whose every message and write waits until the script says so, on a clock that the script moves.
 *
 *     const cluster = new CoreCluster();
 *     cluster.elect('a');                       // by hand: tick, deliver, persist … until quiet
 *     cluster.propose('a', 'x');
 *     cluster.deliver({ to: 'b' });             // once, in order
 *     cluster.persist('b');
 *
 * After every turn the fold of the node's events is compared with its state, and what is committed or applied
 * anywhere with what was committed or applied there before (S69; §5.4.3, State Machine Safety).
 */
export class CoreCluster {
  now = 1000;
  /** Messages on their way, oldest first. */
  wire: Envelope[] = [];
  readonly nodes = new Map<NodeId, CoreNode>();
  /** Nodes that `settle` and `runFor` leave alone: their writes stay in flight. */
  readonly slowDisks = new Set<NodeId>();
  /** Whether a message is lost. */
  isCut: (from: NodeId, to: NodeId, type: RaftMessage['type']) => boolean = () => false;
  /** Sees every turn once it is over. */
  onTurn: (id: NodeId, inputs: readonly Input[], output: TurnOutput) => void = () => undefined;
  readonly #committed: Term[] = [];
  readonly #leaders = new Map<Term, NodeId>();

  constructor({ ids = ['a', 'b', 'c'], configuration, logs = {}, terms = {}, options = {} }: ClusterOptions = {}) {
    const first = encodeConfiguration(configuration ?? configurationOf(Object.fromEntries(ids.map((id) => [id, `${id}:1`]))));
    ids.forEach((id, i) => {
      const log = logs[id] ?? [1];
      const disk = new CoreDisk();
      const entries = log.map((term, at): Entry => entryOf(at + 1, term, at === 0 ? first : undefined));
      disk.write({ id: 0, hardState: { term: terms[id] ?? log[log.length - 1] ?? 0, votedFor: null }, truncateAfter: null, entries });
      this.nodes.set(id, new CoreNode(coreOptions(id, { ...options, seed: (options.seed ?? 0) + i + 1 }), disk, this.now));
    });
    for (const id of ids) this.tick(id);
  }

  node(id: NodeId): CoreNode {
    return defined(this.nodes.get(id), `node ${id}`);
  }

  status(id: NodeId): CoreStatus {
    return this.node(id).status;
  }

  /** The one leader of the highest term, if any. */
  get leader(): NodeId | null {
    const leading = [...this.nodes.keys()].filter((id) => this.status(id).role === 'leader');
    return leading.sort((x, y) => this.status(y).term - this.status(x).term)[0] ?? null;
  }

  /** One turn of one node; what it sends goes on the wire. */
  step(id: NodeId, ...inputs: Input[]): void {
    const node = this.node(id);
    const output = node.turn(this.now, inputs);
    for (const { to, message } of output.messages) this.wire.push({ from: id, to, message });
    this.onTurn(id, inputs, output);
    this.#check(id, node);
  }

  tick(id: NodeId): void {
    this.step(id);
  }

  /** A message out of nowhere: late, doubled or made up. */
  inject(from: NodeId, to: NodeId, message: RaftMessage): void {
    this.step(to, { type: 'message', from, message });
  }

  /** Delivers what is on the wire now and meant, each in a turn of its own; answers wait. How many there were. */
  deliver(which: Which = {}): number {
    const due = this.take(which);
    for (const { from, to, message } of due) {
      if (!this.isCut(from, to, message.type) && this.nodes.has(to)) this.inject(from, to, message);
    }
    return due.length;
  }

  /** Takes messages off the wire, to be lost or delivered later. */
  take(which: Which = {}): Envelope[] {
    const taken = this.wire.filter((envelope) => matches(envelope, which));
    this.wire = this.wire.filter((envelope) => !matches(envelope, which));
    return taken;
  }

  /** Looks at what is on the wire. */
  sent<T extends RaftMessage['type']>(type: T, which: Omit<Which, 'type'> = {}): Extract<RaftMessage, { type: T }>[] {
    return this.wire.filter((each) => matches(each, { ...which, type })).map((each) => each.message as Extract<RaftMessage, { type: T }>);
  }

  persist(id: NodeId, count?: number): void {
    const inputs = this.node(id).persist(count);
    if (inputs.length > 0) this.step(id, ...inputs);
  }

  apply(id: NodeId): void {
    const inputs = this.node(id).apply();
    if (inputs.length > 0) this.step(id, ...inputs);
  }

  /** Disks, network, state machines and log reads do all they can, without any time passing. */
  settle(): void {
    for (let rounds = 0; rounds < 1000; rounds += 1) {
      let worked = this.deliver() > 0;
      for (const [id, node] of this.nodes) {
        const inputs = [...(this.slowDisks.has(id) ? [] : node.persist()), ...node.apply(), ...node.answerLogReads()];
        if (inputs.length > 0) this.step(id, ...inputs);
        worked ||= inputs.length > 0;
      }
      if (!worked) return;
    }
    throw new Error('the cluster does not come to rest');
  }

  /** Lets time pass; every node ticks when it asked to, and everything settles in between. */
  runFor(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      this.settle();
      const due = [...this.nodes].filter(([, node]) => node.core.wakeAt <= end).sort(([, x], [, y]) => x.core.wakeAt - y.core.wakeAt)[0];
      if (due === undefined) break;
      this.now = Math.max(this.now, due[1].core.wakeAt);
      this.tick(due[0]);
    }
    this.now = end;
    this.settle();
  }

  /** Moves the clock to where the node's timer is due, and ticks it. */
  timeout(id: NodeId): void {
    this.now = Math.max(this.now, this.node(id).core.wakeAt);
    this.tick(id);
  }

  /** Makes this node win the next election: whatever others send until its own timer runs out is lost. */
  elect(id: NodeId): void {
    for (let attempts = 0; attempts < 200; attempts += 1) {
      const due = defined([...this.nodes.keys()].sort((x, y) => this.node(x).core.wakeAt - this.node(y).core.wakeAt)[0]);
      this.timeout(due);
      if (due === id) this.settle();
      else this.take({ from: due });
      if (this.node(id).core.isLeader) return;
    }
    throw new Error(`${id} does not win`);
  }

  /** Proposes commands; the index of the first. */
  propose(id: NodeId, ...commands: string[]): LogIndex {
    this.step(id, { type: 'propose', payloads: commands.map((command) => new TextEncoder().encode(command)) });
    return defined(this.node(id).proposals.at(-1)).firstIndex;
  }

  /** Loses what the node has not made durable, and starts it again. */
  restart(id: NodeId): void {
    this.take({ to: id });
    this.node(id).restart(this.now);
    this.tick(id);
  }

  /** The terms of a node's log, from index 1. */
  terms(id: NodeId): (Term | undefined)[] {
    const { core, status } = this.node(id);
    return Array.from({ length: status.lastLog.index }, (_, i) => core.termAt(i + 1));
  }

  #check(id: NodeId, { status, core }: CoreNode): void {
    if (status.role === 'leader') {
      const other = this.#leaders.get(status.term) ?? id;
      if (other !== id) throw new Error(`${other} and ${id} both led term ${status.term}`);
      this.#leaders.set(status.term, id);
    }
    for (let index = status.compacted.index; index <= status.committed.index; index += 1) {
      const term = defined(core.termAt(index), `term of committed entry ${index}`);
      const before = (this.#committed[index] ??= term);
      if (before !== term) throw new Error(`${id} committed ${index} in term ${term}, another node in term ${before}`);
    }
  }
}

/** An entry whose payload says where it stands; the one of the first index is the cluster's configuration. */
export function entryOf(index: LogIndex, term: Term, configuration?: Uint8Array): Entry {
  if (configuration !== undefined) return { index, term, kind: 'configuration', payload: configuration };
  return { index, term, kind: 'command', payload: EMPTY_PAYLOAD };
}

export function coreOptions(id: NodeId, options: Partial<CoreOptions> = {}): CoreOptions {
  return {
    ...DEFAULT_CORE_OPTIONS,
    seed: 1,
    electionTimeoutMinMs: MIN_TIMEOUT_MS,
    electionTimeoutMaxMs: MAX_TIMEOUT_MS,
    heartbeatIntervalMs: HEARTBEAT_MS,
    commitNoticeDelayMs: 0,
    ...options,
    id,
  };
}

function matches({ from, to, message }: Envelope, which: Which): boolean {
  return (which.from ?? from) === from && (which.to ?? to) === to && (which.type ?? message.type) === message.type;
}
