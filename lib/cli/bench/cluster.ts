import { bytesCodec, createRaftNode, MemoryNetwork, MemoryStorage, nullReporter, waitFor, type RaftNode } from '../../index.js';

/** What listens to the nodes while they are measured. */
export type Reporting = 'subscriber' | 'null' | 'out';

export interface BenchCluster {
  readonly leader: RaftNode<Uint8Array, undefined>;
  readonly stop: () => Promise<void>;
}

/** Three nodes in this process on memory adapters, with a state machine that does nothing. */
export async function openBenchCluster(reporting: Reporting): Promise<BenchCluster> {
  const network = new MemoryNetwork();
  const peers = { a: 'a', b: 'b', c: 'c' };
  const nodes = Object.keys(peers).map((id) =>
    createRaftNode<Uint8Array, undefined>({
      id,
      peers,
      storage: new MemoryStorage(),
      transport: network.transport(),
      stateMachine: idleMachine(),
      commandCodec: bytesCodec,
      reporter: nullReporter,
    }),
  );
  for (const node of nodes) if (reporting === 'subscriber') node.events.subscribe();
  await Promise.all(nodes.map((node) => node.start()));
  const search = new AbortController();
  const led = await Promise.any(nodes.map((node) => waitFor(node, (metrics) => metrics.leadership?.established === true, { signal: search.signal })));
  search.abort(); // the others must not go on reading metrics while they are measured
  const leader = nodes.find((node) => node.id === led.nodeId);
  if (leader === undefined) throw new Error(`no node is called ${led.nodeId}`);
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
  };
  return { leader, stop };
}

function idleMachine() {
  return {
    apply: (batch: readonly unknown[]) => new Array<undefined>(batch.length).fill(undefined),
    async *snapshot(): AsyncGenerator<Uint8Array> {
      // Nothing to write.
    },
    restore: () => Promise.resolve(),
    reset: () => undefined,
  };
}
