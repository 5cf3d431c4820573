import type { EventBodies, RaftEventBody } from '../../core/events.js';
import type { Input } from '../../core/inputs.js';
import type { NodeId } from '../../core/ids.js';
import type { InstallSnapshotReply, SnapshotMeta } from '../../core/messages.js';
import type { RaftCore } from '../../core/raft.js';
import type { Clock } from '../../ports/clock.js';
import type { Storage } from '../../ports/storage.js';
import type { Transport } from '../../ports/transport.js';
import { CorruptLogError } from '../../ports/errors.js';
import { crc32 } from './crc32.js';
import { paced } from './paced.js';
import { Transfer } from './transfer.js';

export interface SnapshotSenderParts {
  readonly core: Pick<RaftCore, 'term' | 'round'>;
  readonly storage: Pick<Storage, 'readSnapshot'>;
  readonly transport: Pick<Transport, 'send' | 'flush'>;
  readonly clock: Clock;
  /** A peer that says nothing for this long is asked where it stands; then after twice as long, and so on. */
  readonly stallMs: number;
  readonly enqueue: (input: Input) => void;
  readonly report: (event: RaftEventBody) => void;
  /** The own snapshot can't be read back: another node must lead, and this one be mended. */
  readonly onFault: (operation: string, error: unknown) => void;
}

/** How many questions in a row may go unanswered; then the transfer has failed, and the core begins it anew once the peer shows that it lives. */
const MAX_QUESTIONS = 4;

/** A question is a chunk without bytes. */
const NO_BYTES = new Uint8Array(0);

/** How a transfer ends that nobody cancels. */
type Ending = Extract<Input, { type: 'snapshotSendEnded' }>['outcome'];

/**
 * Sends the latest snapshot to peers that need it, in chunks, a window ahead of the acknowledgements (§7). What is lost or
 * damaged on the way is sent again as soon as the peer misses it. Heartbeats and appends don't wait for any of this.
 */
export class SnapshotSender {
  private readonly transfers = new Map<NodeId, Transfer>();
  private attempts = 0;

  constructor(private readonly parts: SnapshotSenderParts) {}

  send(peer: NodeId): void {
    this.cancel(peer, 'superseded');
    const { clock, core } = this.parts;
    const transfer = new Transfer(peer, core.term, clock.now(), () => (this.attempts += 1));
    this.transfers.set(peer, transfer);
    this.run(transfer).then(
      (ending) => this.finish(transfer, ending),
      (error: unknown) => this.fail(transfer, error),
    );
  }

  /** The peer told how much it has, or that it missed something. */
  handleReply(from: NodeId, reply: InstallSnapshotReply): void {
    const transfer = this.transfers.get(from);
    if (transfer?.hear(reply) === true) transfer.wake();
  }

  /** The way to a peer is open again: what was on it is lost, and the peer may have lost what it had. */
  handleConnection(peer: NodeId, up: boolean): void {
    const transfer = this.transfers.get(peer);
    if (!up || transfer === undefined) return;
    transfer.unanswered = 0;
    this.ask(transfer);
    transfer.wake();
  }

  /** Ends the transfers to all others: they are no members any more. */
  retain(members: readonly NodeId[]): void {
    for (const peer of [...this.transfers.keys()]) if (!members.includes(peer)) this.cancel(peer, 'removed');
  }

  /** Whether any transfer is under way. */
  get isSending(): boolean {
    return this.transfers.size > 0;
  }

  /** Ends every transfer: leadership is over, or the node. */
  cancelAll(): void {
    for (const peer of this.transfers.keys()) this.cancel(peer, 'leadershipLost');
  }

  private cancel(peer: NodeId, outcome: EventBodies['SnapshotSent']['outcome']): void {
    const transfer = this.transfers.get(peer);
    if (transfer === undefined) return;
    this.transfers.delete(peer);
    transfer.isCancelled = true;
    this.tell(transfer, transfer.isInstalled ? 'acknowledged' : outcome);
    transfer.wake();
  }

  /** Opens the snapshot where the peer stands and sends from there, again whenever that has changed. */
  private async run(transfer: Transfer): Promise<Ending> {
    while (!transfer.isOver) {
      const { attempt } = transfer;
      transfer.skipAhead();
      const snapshot = await this.parts.storage.readSnapshot(transfer.sent);
      if (snapshot === null) return 'failed';
      const isNewer = transfer.meta !== null && snapshot.meta.last.index !== transfer.meta.last.index;
      if (isNewer || attempt !== transfer.attempt) {
        await discard(snapshot.chunks);
        if (isNewer && !transfer.isOver) return 'superseded';
        continue; // it went back, or ended, meanwhile
      }
      transfer.meta = snapshot.meta;
      if (!(await this.sendChunks(transfer, attempt, snapshot.meta, paced(snapshot.chunks, this.parts.clock)))) return 'failed';
    }
    return 'acknowledged';
  }

  /** Sends until the transfer is over or must go on from another place. False when the peer fell silent. */
  private async sendChunks(transfer: Transfer, attempt: number, meta: SnapshotMeta, chunks: AsyncIterable<Uint8Array>): Promise<boolean> {
    const isOnCourse = (): boolean => !transfer.isOver && transfer.attempt === attempt && transfer.acknowledged <= transfer.sent;
    if (isOnCourse() && transfer.sent === meta.bytes) this.ask(transfer);
    for await (const data of chunks) {
      while (isOnCourse() && !transfer.hasRoom(data.length)) if (!(await this.listen(transfer))) return false;
      if (!isOnCourse()) return true;
      this.sendChunk(transfer, meta, data);
    }
    while (isOnCourse()) if (!(await this.listen(transfer))) return false;
    return true;
  }

  /** Waits until the peer says something; asks it when it does not. False when it leaves every question unanswered. */
  private listen(transfer: Transfer): Promise<boolean> {
    return new Promise((resolve) => {
      let cancelTimer = (): void => undefined;
      const settle = (isHeard: boolean): void => {
        cancelTimer();
        transfer.wake = () => undefined;
        resolve(isHeard);
      };
      const onSilence = (): void => {
        if (transfer.unanswered === MAX_QUESTIONS) return settle(false);
        transfer.unanswered += 1;
        this.ask(transfer);
        wait();
      };
      const wait = (): void => void (cancelTimer = this.parts.clock.schedule(this.parts.stallMs * 2 ** transfer.unanswered, onSilence));
      transfer.wake = () => settle(true);
      wait();
    });
  }

  /** Asks where the peer stands. It comes after all that was sent: if some of that is missing, the answer says so. */
  private ask(transfer: Transfer): void {
    if (transfer.meta !== null) this.sendChunk(transfer, transfer.meta, NO_BYTES);
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
      attempt: transfer.attempt,
      offset,
      data,
      checksum: crc32(data),
      done: transfer.sent >= meta.bytes,
    });
    transport.flush();
  }

  private finish(transfer: Transfer, outcome: Ending): void {
    if (transfer.isCancelled) return; // said so then
    this.transfers.delete(transfer.peer);
    this.parts.enqueue({ type: 'snapshotSendEnded', peer: transfer.peer, outcome, ms: this.elapsedMs(transfer) });
  }

  private fail(transfer: Transfer, error: unknown): void {
    if (transfer.isCancelled) return;
    if (!(error instanceof CorruptLogError)) return this.finish(transfer, 'failed');
    this.transfers.delete(transfer.peer);
    this.tell(transfer, 'failed'); // no turn will say it any more
    this.parts.onFault('readSnapshot', error);
  }

  private tell(transfer: Transfer, outcome: EventBodies['SnapshotSent']['outcome']): void {
    this.parts.report({ type: 'SnapshotSent', term: this.parts.core.term, peer: transfer.peer, outcome, ms: this.elapsedMs(transfer) });
  }

  private elapsedMs(transfer: Transfer): number {
    return this.parts.clock.now() - transfer.startedAt;
  }
}

/** Closes what was opened in vain: a file that is never read is never closed. */
async function discard(chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const _chunk of chunks) return;
}
