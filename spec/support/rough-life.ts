import type { MemoryCluster, NodeRun } from './memory-cluster.js';

/** What tells one moment of a cluster's life from the next; `check` is called after each. */
export interface RoughLifeOptions {
  readonly rounds: number;
  readonly check?: (cluster: MemoryCluster) => void;
}

/**
 * A rough life for three nodes: proposals and reads everywhere, while leaders are cut off, crash, stop and return, links lose,
 * delay and double. The same every time.
 */
export async function roughLife(cluster: MemoryCluster, { rounds, check }: RoughLifeOptions): Promise<void> {
  const call = (run: NodeRun, word: string): void => {
    if (!run.isAlive) return;
    run.node.propose(word, { timeoutMs: 700 }).catch(() => undefined);
    run.node.read('', { timeoutMs: 700, consistency: 'lease' }).catch(() => undefined);
    run.node.read('', { timeoutMs: 300 }).catch(() => undefined);
  };
  for (let round = 0; round < rounds; round += 1) {
    const leader = await cluster.leader();
    for (const id of cluster.ids) for (let i = 0; i < 5; i += 1) call(cluster.run(id), `${round}-${id}-${i}`);
    if (round % 2 === 0) await cluster.settle();
    await disturb(cluster, leader, round);
    await cluster.advance(400);
    for (const id of cluster.ids) call(cluster.run(id), `${round}-${id}-again`);
    await cluster.advance(1_200);
    await repair(cluster);
    check?.(cluster);
  }
  await cluster.leader();
  await cluster.advance(2_000);
  check?.(cluster);
}

async function disturb(cluster: MemoryCluster, leader: NodeRun, round: number): Promise<void> {
  const follower = cluster.others(leader)[round % 2] ?? leader;
  switch (round % 6) {
    case 0:
      cluster.network.isolate(leader.id);
      return;
    case 1:
      cluster.crash(leader.id);
      return;
    case 2:
      cluster.network.setFaults({ lossRate: 0.2, duplicateRate: 0.2, delayMs: [0, 80] });
      return;
    case 3:
      cluster.network.block(leader.id, follower.id);
      cluster.disk(follower.id).holdSync();
      return;
    case 4:
      cluster.crash(follower.id);
      return;
    default: {
      const stopped = leader.node.stop();
      await cluster.advance(50);
      await stopped;
      leader.isAlive = false;
    }
  }
}

async function repair(cluster: MemoryCluster): Promise<void> {
  cluster.network.setFaults({});
  cluster.network.heal();
  for (const id of cluster.ids) {
    cluster.disk(id).releaseSync();
    if (!cluster.run(id).isAlive) await cluster.start(id);
  }
}
