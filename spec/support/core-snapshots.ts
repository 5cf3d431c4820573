import type { NodeId } from '../../lib/core/ids.js';
import type { InstallSnapshot } from '../../lib/core/messages.js';
import type { CoreCluster } from './core-cluster.js';
import { defined } from './defined.js';

/** The one chunk that holds a node's whole snapshot. */
export function snapshotFrom(cluster: CoreCluster, id: NodeId): InstallSnapshot {
  const { status, core, disk } = cluster.node(id);
  const snapshot = defined(disk.snapshot, `the snapshot of ${id}`);
  return { type: 'installSnapshot', term: status.term, round: core.round, snapshot, attempt: 1, offset: 0, data: new Uint8Array(snapshot.bytes), checksum: 0, done: true };
}

/** Whole snapshots travel in one chunk; what has arrived is staged and, once older writes are durable, installed. */
export function carrySnapshots(cluster: CoreCluster): void {
  for (const [id, node] of cluster.nodes) {
    for (const peer of node.snapshotSends.splice(0)) {
      if (node.disk.snapshot === null || !node.core.isLeader) continue;
      cluster.wire.push({ from: id, to: peer, message: snapshotFrom(cluster, id) });
      cluster.step(id, { type: 'snapshotSendEnded', peer, outcome: 'failed', ms: 1 });
    }
    for (const { chunk } of node.snapshotChunks.splice(0)) installWhole(cluster, id, chunk);
  }
}

/** What the shell does once the last chunk is here. */
export function installWhole(cluster: CoreCluster, id: NodeId, chunk: InstallSnapshot): void {
  const node = cluster.node(id);
  cluster.step(id, ...node.stage(chunk));
  cluster.step(id, ...node.persist());
  cluster.apply(id);
  if (node.core.restoring?.index === chunk.snapshot.last.index) cluster.step(id, ...node.install(chunk));
  else if (node.core.restoring === null) cluster.step(id, { type: 'snapshotAbandoned' });
}

/** As `cluster.runFor`, with snapshots on their way too. */
export function runWithSnapshots(cluster: CoreCluster, ms: number): void {
  for (const end = cluster.now + ms; cluster.now < end; ) {
    cluster.runFor(Math.min(10, end - cluster.now));
    carrySnapshots(cluster);
  }
  cluster.settle();
}

/** Snapshots that travel, are staged and are installed one step at a time, as chance will have it. */
export class SnapshotCarrier {
  private readonly receptions = new Map<NodeId, InstallSnapshot>();

  constructor(private readonly cluster: CoreCluster) {}

  /** What leaders want sent goes on the wire. */
  send(): void {
    for (const [id, node] of this.cluster.nodes) {
      for (const peer of node.snapshotSends.splice(0)) {
        if (node.disk.snapshot === null || !node.core.isLeader) continue;
        this.cluster.wire.push({ from: id, to: peer, message: snapshotFrom(this.cluster, id) });
        this.cluster.step(id, { type: 'snapshotSendEnded', peer, outcome: 'failed', ms: 1 });
      }
    }
  }

  /** The last chunk of what came is here. One that is staged already is not replaced. */
  stage(id: NodeId): void {
    const node = this.cluster.node(id);
    const arrived = node.snapshotChunks.splice(0).at(-1);
    if (arrived === undefined || this.receptions.has(id)) return;
    this.receptions.set(id, arrived.chunk);
    this.cluster.step(id, ...node.stage(arrived.chunk));
  }

  /** Storage has it, with every write before it, and the state machine is restored; or it was not needed any more. */
  install(id: NodeId): void {
    const chunk = this.receptions.get(id);
    if (chunk === undefined) return;
    const node = this.cluster.node(id);
    this.cluster.persist(id);
    this.cluster.apply(id);
    this.receptions.delete(id);
    const isStaged = node.core.restoring?.index === chunk.snapshot.last.index;
    this.cluster.step(id, ...(isStaged ? node.install(chunk) : [{ type: 'snapshotAbandoned' as const }]));
  }

  /** The node crashed. */
  forget(id: NodeId): void {
    this.receptions.delete(id);
  }

  /** All of it, as far as it goes. */
  carry(): void {
    this.send();
    for (const id of this.cluster.nodes.keys()) {
      this.stage(id);
      this.install(id);
    }
  }
}
