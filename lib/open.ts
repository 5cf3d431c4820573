import { msgpackCodec } from './codec/msgpack.js';
import type { NodeId } from './core/ids.js';
import type { NewNode } from './core/membership-plan.js';
import { createNode } from './node/create-node.js';
import type { NodeOptions } from './node/options.js';
import type { RaftNode } from './node/raft-node.js';
import { ReplicatedStore } from './node/replicated.js';
import { replicatedMachine, type Reduced, type Reducer } from './node/replicated-machine.js';
import type { SessionCommand, SessionResult } from './node/sessions/commands.js';
import { sessionCodec } from './node/sessions/session-codec.js';
import type { SessionLimits } from './node/sessions/session-table.js';
import { withSessions } from './node/sessions/with-sessions.js';
import type { Codec } from './ports/codec.js';
import type { TlsSource } from './transport/tcp.js';

/** A node's options; commands, results, queries and answers are MessagePack unless you say otherwise. */
export type RaftNodeOptions<C, R, Q = never, A = never> = Omit<NodeOptions<C, R, Q, A>, 'commandCodec' | 'valueCodec'> &
  Partial<Pick<NodeOptions<C, R, Q, A>, 'commandCodec' | 'valueCodec'>>;

/**
 * Makes a node from its parts. Nothing happens before `start()`.
 * @throws {ConfigError} that lists every option that is wrong.
 * @example
 * const node = createRaftNode({ id: 'a', peers: { a: '' }, storage: new MemoryStorage(), transport, stateMachine });
 * node.events.pipe(ofType('NewLeader')).subscribe(console.log);
 * await node.start();
 */
export function createRaftNode<C, R, Q = never, A = never>(options: RaftNodeOptions<C, R, Q, A>): RaftNode<C, R, Q, A> {
  return createNode({ commandCodec: msgpackCodec<C>(), valueCodec: msgpackCodec<unknown>(), ...options });
}

/** A node on durable storage and TCP, with TLS if you like: only who it is, who its peers are, and where its data lies. */
export interface OpenNodeOptions<C, R, Q = never, A = never> extends Omit<RaftNodeOptions<C, R, Q, A>, 'storage' | 'transport' | 'peers'> {
  /** `host:port` of every node of a new cluster, this one included. Without it a node on an empty directory waits to be added. */
  readonly peers?: Readonly<Record<NodeId, NewNode>>;
  /** Where to listen, `host:port`. Default: the own address in `peers`; required without it. */
  readonly listen?: string;
  /** Encrypts and authenticates the connections between the nodes; all of them need it then. Default: neither, for networks that you trust. */
  readonly tls?: TlsSource;
  /** The directory for log, hard state and snapshots; made when it is not there. One node each. */
  readonly dataDir: string;
  /**
   * Runs the protocol, storage and network in a worker thread: an application that blocks its own thread loses no leadership by it.
   * State machine, codecs, reporter and subscribers stay in the application's thread. `clock`, `turnObserver` and a `tls` that is a
   * function are refused. Default false.
   */
  readonly isolate?: boolean;
}

/**
 * Makes and starts a node on durable storage (`rxraft/storage/file`) and TCP transport.
 * `onCreated` gets the node before it starts, so that subscriptions made there miss nothing.
 */
export async function openRaftNode<C, R, Q = never, A = never>(
  options: OpenNodeOptions<C, R, Q, A>,
  onCreated?: (node: RaftNode<C, R, Q, A>) => void,
): Promise<RaftNode<C, R, Q, A>> {
  const node = await (options.isolate === true ? isolatedNode(options) : nodeHere(options));
  onCreated?.(node);
  await node.start();
  return node;
}

async function nodeHere<C, R, Q, A>(options: OpenNodeOptions<C, R, Q, A>): Promise<RaftNode<C, R, Q, A>> {
  const [{ FileStorage }, { TcpTransport }] = await Promise.all([import('./storage/file.js'), import('./transport/tcp.js')]);
  const { dataDir, listen, tls, isolate: _isolate, ...rest } = options;
  return createRaftNode<C, R, Q, A>({
    ...rest,
    storage: new FileStorage({ path: dataDir }),
    transport: new TcpTransport({ listen: listen ?? addressOf(options.peers?.[options.id]), ...(tls === undefined ? {} : { tls }) }),
  });
}

async function isolatedNode<C, R, Q, A>(options: OpenNodeOptions<C, R, Q, A>): Promise<RaftNode<C, R, Q, A>> {
  const { IsolatedNode } = await import('./isolate/isolated-node.js');
  return new IsolatedNode<C, R, Q, A>({
    commandCodec: msgpackCodec<C>(),
    valueCodec: msgpackCodec<unknown>(),
    ...options,
    listen: options.listen ?? addressOf(options.peers?.[options.id]),
  });
}

function addressOf(node: NewNode | undefined): string {
  return typeof node === 'string' ? node : (node?.address ?? '');
}

/** A node's options for a store: the store brings the state machine; a `commandCodec`, if given, carries actions. */
type StoreNodeOptions<S, A> =
  | Omit<OpenNodeOptions<A, Reduced, void, S>, 'stateMachine'>
  | Omit<RaftNodeOptions<A, Reduced, void, S>, 'stateMachine'>;

/** What a replicated store is made of. */
export interface OpenReplicatedOptions<S, A> {
  readonly node: StoreNodeOptions<S, A>;
  readonly reducer: Reducer<S, A>;
  readonly initial: S;
  /** Carries the state in snapshots. Default: MessagePack. */
  readonly stateCodec?: Codec<S>;
  /** The bounds of the sessions that make `dispatch` exactly-once; the same on every node. Default `DEFAULT_SESSION_LIMITS`. */
  readonly sessions?: Partial<SessionLimits>;
}

/**
 * Opens one node of a replicated store: with `dataDir` on files and TCP, or on the `storage` and `transport` given.
 * Resolves once the node runs; the state fills in as the log is applied.
 * @throws {ConfigError} that lists every option that is wrong; what starting the node rejects with.
 */
export async function openReplicated<S, A>(options: OpenReplicatedOptions<S, A>): Promise<ReplicatedStore<S, A>> {
  const reduced = replicatedMachine(options.reducer, options.initial, options.stateCodec ?? msgpackCodec<S>());
  const machine = withSessions(reduced, { ...options.sessions, resultCodec: msgpackCodec<Reduced>() });
  const carried = { stateMachine: machine, commandCodec: sessionCodec(options.node.commandCodec ?? msgpackCodec<A>()) };
  const { clock, requestTimeoutMs } = options.node;
  if ('dataDir' in options.node) {
    const node = await openRaftNode<SessionCommand<A>, SessionResult<Reduced>, void, S>({ ...options.node, ...carried });
    return new ReplicatedStore({ node, reduced, machine, clock, requestTimeoutMs });
  }
  const node = createRaftNode<SessionCommand<A>, SessionResult<Reduced>, void, S>({ ...options.node, ...carried });
  await node.start();
  return new ReplicatedStore({ node, reduced, machine, clock, requestTimeoutMs });
}
