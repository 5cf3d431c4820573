import type { Input } from '../../core/inputs.js';
import type { NodeId } from '../../core/ids.js';
import type { InstallSnapshotReply, SnapshotMeta } from '../../core/messages.js';
import type { RaftCore } from '../../core/raft.js';
import type { Clock } from '../../ports/clock.js';
import type { Storage } from '../../ports/storage.js';
import type { Transport } from '../../ports/transport.js';
import { CorruptLogError } from '../../ports/errors.js';
import { crc32 } from './crc32.js';

export interface SnapshotSenderParts {
  readonly core: RaftCore;
  readonly storage: Storage;
  readonly transport: Transport;
  readonly clock: Clock;
  /** Without an acknowledgement for this long a transfer has failed; the core begins it anew once the peer answers. */
  readonly stallMs: number;
  readonly enqueue: (input: Input) => void;
  /** The own snapshot can't be read back: another node must lead, and this one be mended. */
  readonly onFault: (operation: string, error: unknown) => void;
}

/** How many bytes may be under way to one peer. */
const WINDOW_BYTES = 1 << 20;

/** How often in a row a silent peer is sent the same place again. */
const MAX_ATTEMPTS = 5;

/** One transfer to one peer. */
interface Transfer {
  readonly peer: NodeId;
  readonly startedAt: number;
  readonly term: number;
  meta: SnapshotMeta | null;
  /** Bytes the peer has in order, as far as it has said. */
  acknowledged: number;
  /** What it said last: less than before when it has lost what it had. */
  heard: number;
  /** It answered since the last time something was sent again. */
  isAnswered: boolean;
  sent: number;
  isInstalled: boolean;
  isCancelled: boolean;
  /** The peer has more than before, or the transfer is over. */
  wake: () => void;
}

/**
 * Sends the latest snapshot to peers that need it, in chunks, a few ahead of acknowledgements (§7). A peer that has some
 * of it already says how far, and the transfer goes on from there. Heartbeats and appends to others don't wait for it.
 */
export class SnapshotSender {
  private readonly transfers = new Map<NodeId, Transfer>();

  constructor(private readonly parts: SnapshotSenderParts) {}

  send(peer: NodeId): void {
    this.cancel(peer);
    const { clock, core } = this.parts;
    const transfer: Transfer = { peer, startedAt: clock.now(), term: core.term, meta: null, acknowledged: 0, heard: 0, isAnswered: false, sent: 0, isInstalled: false, isCancelled: false, wake: () => undefined };
    this.transfers.set(peer, transfer);
    this.run(transfer).then(
      () => this.finish(transfer, transfer.isInstalled ? 'acknowledged' : 'failed'),
      (error: unknown) => {
        this.finish(transfer, 'failed');
        if (error instanceof CorruptLogError && !transfer.isCancelled) this.parts.onFault('readSnapshot', error);
      },
    );
  }

  /** The peer told how much it has. */
  handleReply(from: NodeId, reply: InstallSnapshotReply): void {
    const transfer = this.transfers.get(from);
    if (transfer?.meta?.last.index !== reply.last.index || transfer.meta.last.term !== reply.last.term) return;
    if (reply.term !== transfer.term || reply.received > transfer.meta.bytes) return;
    transfer.heard = reply.received;
    transfer.isAnswered = true;
    const hasMore = reply.received > transfer.acknowledged;
    if (hasMore) transfer.acknowledged = reply.received;
    transfer.isInstalled ||= reply.installed;
    if (hasMore || reply.installed) transfer.wake();
  }

  /** Ends the transfers to all others: they are no members any more. */
  retain(members: readonly NodeId[]): void {
    for (const peer of [...this.transfers.keys()]) if (!members.includes(peer)) this.cancel(peer);
  }

  /** Ends every transfer: leadership is over, or the node. */
  cancelAll(): void {
    for (const peer of [...this.transfers.keys()]) this.cancel(peer);
  }

  private cancel(peer: NodeId): void {
    const transfer = this.transfers.get(peer);
    if (transfer === undefined) return;
    this.transfers.delete(peer);
    transfer.isCancelled = true;
    transfer.wake();
  }

  /** Sends from where the peer stands, a window ahead of it; goes back there when it falls silent, a few times. */
  private async run(transfer: Transfer): Promise<void> {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const snapshot = await this.parts.storage.readSnapshot(transfer.acknowledged);
      if (snapshot === null || (transfer.meta !== null && snapshot.meta.last.index !== transfer.meta.last.index)) return; // another took its place
      transfer.meta = snapshot.meta;
      transfer.sent = transfer.acknowledged;
      const before = transfer.acknowledged;
      transfer.isAnswered = false;
      const isHeard = await this.sendChunks(transfer, snapshot.meta, snapshot.chunks);
      while (isHeard && transfer.sent >= transfer.acknowledged && (await this.advance(transfer)));
      if (isOver(transfer)) return;
      // One that has all and is putting it in force may take its time, as long as it answers.
      const isInstalling = transfer.isAnswered && transfer.heard === snapshot.meta.bytes;
      if (transfer.acknowledged > before || isInstalling) attempt = 0;
      transfer.acknowledged = transfer.heard;
    }
  }

  /** False when the peer fell silent, or the transfer is over. */
  private async sendChunks(transfer: Transfer, meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<boolean> {
    if (transfer.sent === meta.bytes) this.sendChunk(transfer, meta, new Uint8Array(0));
    for await (const data of chunks) {
      this.sendChunk(transfer, meta, data);
      while (transfer.sent - transfer.acknowledged >= WINDOW_BYTES) {
        if (!(await this.advance(transfer))) return false;
      }
      if (isOver(transfer)) return false;
      if (transfer.acknowledged > transfer.sent) return true; // it has more already: go on from there
    }
    return true;
  }

  private sendChunk(transfer: Transfer, meta: SnapshotMeta, data: Uint8Array): void {
    const { core, transport } = this.parts;
    const offset = transfer.sent;
    transfer.sent += data.length;
    transport.send(transfer.peer, {
      type: 'installSnapshot',
      term: transfer.term,
      round: core.round,
      snapshot: meta,
      offset,
      data,
      checksum: crc32(data),
      done: transfer.sent >= meta.bytes,
    });
    transport.flush();
  }

  /** Waits until the peer has more than before, or all. False when it stays silent for `stallMs` or the transfer is over. */
  private advance(transfer: Transfer): Promise<boolean> {
    if (isOver(transfer)) return Promise.resolve(false);
    return new Promise((resolve) => {
      const settle = (hasAdvanced: boolean): void => {
        cancelTimer();
        transfer.wake = () => undefined;
        resolve(hasAdvanced && !isOver(transfer));
      };
      const cancelTimer = this.parts.clock.schedule(this.parts.stallMs, () => settle(false));
      transfer.wake = () => settle(true);
    });
  }

  private finish(transfer: Transfer, outcome: 'acknowledged' | 'failed'): void {
    if (transfer.isCancelled) return;
    this.transfers.delete(transfer.peer);
    this.parts.enqueue({ type: 'snapshotSendEnded', peer: transfer.peer, outcome, ms: this.parts.clock.now() - transfer.startedAt });
  }
}

/** Read anew each time: replies arrive between any two steps. */
function isOver(transfer: Transfer): boolean {
  return transfer.isCancelled || transfer.isInstalled;
}
