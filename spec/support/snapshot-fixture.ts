import type { InstallSnapshot, InstallSnapshotReply } from '../../lib/core/messages.js';
import type { Interception, Intercept } from '../../lib/transport/memory.js';
import { MemoryCluster, type NodeRun, type NodeSettings } from './memory-cluster.js';

export const CHUNK = 256 * 1024;
/** Ten of these make a snapshot of ten chunks and a bit. */
export const WORDS: readonly string[] = Array.from({ length: 10 }, (_, i) => String(i).repeat(CHUNK));

/** What a test decides about the messages between the leader and `d`; what it leaves open is delivered. */
export interface OnTheWay {
  readonly chunk?: (chunk: InstallSnapshot, seenBefore: number) => Interception;
  readonly reply?: (reply: InstallSnapshotReply) => Interception;
}

/** A cluster of three whose log is compacted into one snapshot, and `d`, which needs it. */
export class SnapshotFixture {
  /** What the leader sent to `d` and `d` answered, in order. */
  chunks: InstallSnapshot[] = [];
  replies: InstallSnapshotReply[] = [];

  private constructor(
    readonly cluster: MemoryCluster,
    readonly leader: NodeRun,
  ) {}

  static async opened(settings: () => NodeSettings = () => ({})): Promise<SnapshotFixture> {
    const cluster = await MemoryCluster.started({ settings: () => ({ snapshotPolicy: null, ...settings() }) });
    const leader = await cluster.leader();
    const fixture = new SnapshotFixture(cluster, leader);
    await leader.node.proposeBatch([...WORDS]);
    await fixture.compact();
    fixture.watch();
    return fixture;
  }

  /** The log goes into a snapshot. */
  async compact(): Promise<void> {
    const { last } = await this.leader.node.takeSnapshot();
    this.leader.node.compactLog(last.index);
    await this.cluster.settle();
  }

  watch({ chunk, reply }: OnTheWay = {}): void {
    const decide: Intercept = (from, to, message) => {
      if (message.type === 'installSnapshot' && to === 'd') {
        const seenBefore = this.chunks.filter(({ offset }) => offset === message.offset).length;
        this.chunks.push(message);
        return chunk?.(message, seenBefore) ?? 'deliver';
      }
      if (message.type !== 'installSnapshotReply' || from !== 'd') return 'deliver';
      this.replies.push(message);
      return reply?.(message) ?? 'deliver';
    };
    this.cluster.network.intercept(decide);
  }

  /** `d` starts with an empty store and the leader takes it in. */
  async join(settings: NodeSettings = {}): Promise<NodeRun> {
    const run = await this.cluster.join('d', settings);
    void this.leader.node.changeMembership({ add: { d: { address: 'd:1', autoPromote: false } } }).catch(() => undefined);
    return run;
  }

  /** How the leader's transfers ended. */
  get outcomes(): string[] {
    return this.cluster.eventsOf(this.leader.id, 'SnapshotSent').map(({ outcome }) => outcome);
  }

  /** Bytes of the snapshot that went on their way, those that went twice counted twice. */
  get bytesSent(): number {
    return this.chunks.reduce((sum, { data }) => sum + data.length, 0);
  }

  get attempts(): number {
    return new Set(this.chunks.map(({ attempt }) => attempt)).size;
  }

  /** Lets time pass until `d` has every word. Returns how much has passed. */
  async arrival(limitMs = 30_000): Promise<number> {
    const startedAt = this.cluster.clock.now();
    await this.cluster.until(() => this.cluster.run('d').machine.words.length >= WORDS.length, 'the snapshot', limitMs);
    return this.cluster.clock.now() - startedAt;
  }
}
