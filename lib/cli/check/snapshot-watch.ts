import type { EventOf } from '../../core/events.js';
import type { SseMessage } from '../sse-parser.js';

/** Which snapshots were taken, sent and installed, as the nodes' events tell. */
export class SnapshotWatch {
  saved = 0;
  /** By the leader that sent it: `a → d`. */
  readonly sent: string[] = [];
  /** By the node that installed it. */
  readonly installed: { readonly node: string; readonly through: number }[] = [];

  accept({ event, data }: SseMessage): void {
    if (event === 'SnapshotSaved') this.saved += 1;
    if (event === 'SnapshotSent') {
      const { nodeId, peer, outcome, ms } = JSON.parse(data) as EventOf<'SnapshotSent'>;
      if (outcome === 'acknowledged') this.sent.push(`${nodeId} → ${peer} in ${Math.round(ms)} ms`);
    }
    if (event === 'SnapshotInstalled') {
      const { nodeId, last } = JSON.parse(data) as EventOf<'SnapshotInstalled'>;
      this.installed.push({ node: nodeId, through: last.index });
    }
  }

  installedOn(node: string): number | null {
    return this.installed.find((each) => each.node === node)?.through ?? null;
  }
}
