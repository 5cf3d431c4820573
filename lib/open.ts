import { msgpackCodec } from './codec/msgpack.js';
import type { NodeId } from './core/ids.js';
import { createNode } from './node/create-node.js';
import type { NodeOptions } from './node/options.js';
import type { RaftNode } from './node/raft-node.js';
import { ReplicatedStore, replicatedMachine, type Reduced, type Reducer } from './node/replicated.js';
import type { Codec } from './ports/codec.js';

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

/** A node on durable storage and TCP: only who it is, who its peers are, and where its data lies. */
export interface OpenNodeOptions<C, R, Q = never, A = never> extends Omit<RaftNodeOptions<C, R, Q, A>, 'storage' | 'transport' | 'peers'> {
  /** `host:port` of every node of the cluster, this one included. */
  readonly peers: Readonly<Record<NodeId, string>>;
  /** Where to listen, `host:port`. Default: the own address in `peers`. */
  readonly listen?: string;
  /** The directory for log, hard state and snapshots; made when it is not there. One node each. */
  readonly dataDir: string;
}

/**
 * Makes and starts a node on LMDB storage and TCP transport.
 * `onCreated` gets the node before it starts, so that subscriptions made there miss nothing.
 */
export async function openRaftNode<C, R, Q = never, A = never>(
  options: OpenNodeOptions<C, R, Q, A>,
  onCreated?: (node: RaftNode<C, R, Q, A>) => void,
): Promise<RaftNode<C, R, Q, A>> {
  const [{ LmdbStorage }, { TcpTransport }] = await Promise.all([import('./storage/lmdb.js'), import('./transport/tcp.js')]);
  const { dataDir, listen, ...rest } = options;
  const node = createRaftNode<C, R, Q, A>({
    ...rest,
    storage: new LmdbStorage({ path: dataDir }),
    transport: new TcpTransport({ listen: listen ?? options.peers[options.id] ?? '' }),
  });
  onCreated?.(node);
  await node.start();
  return node;
}

/** What a replicated store is made of. */
export interface OpenReplicatedOptions<S, A> {
  readonly node: Omit<OpenNodeOptions<A, Reduced, void, S>, 'stateMachine'> | Omit<RaftNodeOptions<A, Reduced, void, S>, 'stateMachine'>;
  readonly reducer: Reducer<S, A>;
  readonly initial: S;
  /** Carries the state in snapshots. Default: MessagePack. */
  readonly stateCodec?: Codec<S>;
}

/**
 * Opens one node of a replicated store: with `dataDir` on LMDB and TCP, or on the `storage` and `transport` given.
 * Resolves once the node runs; the state fills in as the log is applied.
 */
export async function openReplicated<S, A>(options: OpenReplicatedOptions<S, A>): Promise<ReplicatedStore<S, A>> {
  const stateMachine = replicatedMachine(options.reducer, options.initial, options.stateCodec ?? msgpackCodec<S>());
  if ('dataDir' in options.node) return new ReplicatedStore(await openRaftNode({ ...options.node, stateMachine }), stateMachine, options.node);
  const node = createRaftNode({ ...options.node, stateMachine });
  await node.start();
  return new ReplicatedStore(node, stateMachine, options.node);
}
