import { bytesCodec, createRaftNode, MemoryNetwork, MemoryStorage, nullReporter, waitFor, type RaftNode, type RaftNodeOptions, type StateMachine } from '../../index.js';

export type BenchNode = RaftNode<Uint8Array, undefined>;

export interface BenchCluster {
  readonly nodes: readonly BenchNode[];
  readonly leader: BenchNode;
  readonly stop: () => Promise<void>;
}

export interface BenchClusterOptions extends Pick<RaftNodeOptions<Uint8Array, undefined>, 'snapshotPolicy'> {
  readonly nodes: number;
  /** What is done with each node before it starts: whoever subscribes here misses nothing. */
  readonly observe?: (node: BenchNode) => void;
}

/** A pause of the machine must not end a leadership in the middle of a measurement. */
const CALM = { electionTimeoutMinMs: 30_000, electionTimeoutMaxMs: 60_000 };

/** A cluster in this process on memory adapters, with a state machine that does nothing. */
export async function openBenchCluster({ nodes: count, observe, ...options }: BenchClusterOptions): Promise<BenchCluster> {
  const network = new MemoryNetwork();
  const ids = Array.from({ length: count }, (_, i) => `n${i + 1}`);
  const peers = Object.fromEntries(ids.map((id) => [id, id]));
  const nodes = ids.map((id) =>
    createRaftNode<Uint8Array, undefined>({ ...options, ...CALM, id, peers, storage: new MemoryStorage(), transport: network.transport(), stateMachine: idleMachine(), commandCodec: bytesCodec, reporter: nullReporter }),
  );
  for (const node of nodes) observe?.(node);
  await Promise.all(nodes.map((node) => node.start()));
  const [leader] = nodes;
  if (leader === undefined) throw new Error('a cluster has at least one node');
  leader.campaign();
  await waitFor(leader, ({ leadership }) => leadership?.established === true);
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  return { nodes, leader, stop };
}

/** Takes every command and keeps nothing. */
export function idleMachine(): StateMachine<Uint8Array, undefined> {
  return {
    apply: (batch: readonly unknown[]) => new Array<undefined>(batch.length).fill(undefined),
    async *snapshot(): AsyncGenerator<Uint8Array> {
      // Nothing to write.
    },
    restore: () => Promise.resolve(),
    reset: () => undefined,
  };
}
