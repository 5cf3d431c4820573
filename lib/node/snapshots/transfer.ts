import type { NodeId, Term } from '../../core/ids.js';
import type { InstallSnapshotReply, SnapshotMeta } from '../../core/messages.js';

/** How many bytes may be under way to one peer. */
export const WINDOW_BYTES = 1 << 20;

/**
 * Where one transfer to one peer stands. It goes on in order and goes back in one step (go-back-N):
 *
 *     bytes      0 ······ acknowledged ▓▓▓▓▓▓▓▓ sent ······ meta.bytes
 *                                      under way
 *
 * Every going back begins a new attempt. The peer echoes the attempt of what it answers, and only answers to the
 * present one count: of all that complain about one flight the first is heard, so that it goes back
 * once in a round trip at most, whatever the network doubles, delays or reorders.
 */
export class Transfer {
  /** Known once it is opened. */
  meta: SnapshotMeta | null = null;
  /** Bytes the peer has in order, as far as it has said in this attempt. */
  acknowledged = 0;
  /** Where the next chunk begins. */
  sent = 0;
  /** Questions in a row that were left unanswered. */
  unanswered = 0;
  isInstalled = false;
  isCancelled = false;
  /** The peer has said something, or the transfer is over. */
  wake: () => void = () => undefined;
  private hasAnswered = false;

  constructor(
    readonly peer: NodeId,
    readonly term: Term,
    readonly startedAt: number,
    /** Numbers attempts; never the same one twice in a term, since answers to an earlier transfer may still come. */
    private readonly nextAttempt: () => number,
    public attempt = nextAttempt(),
  ) {}

  get isOver(): boolean {
    return this.isCancelled || this.isInstalled;
  }

  /** Whether a chunk may follow now. The first one goes alone: the answer tells what the peer has from earlier. */
  hasRoom(bytes: number): boolean {
    const underWay = this.sent - this.acknowledged;
    return underWay === 0 || (this.hasAnswered && underWay + bytes <= WINDOW_BYTES);
  }

  /** The peer has more than was sent to it: go on from there. */
  skipAhead(): void {
    this.sent = Math.max(this.sent, this.acknowledged);
  }

  /** Takes the peer's word. False when it is about something else. */
  hear(reply: InstallSnapshotReply): boolean {
    const { meta } = this;
    if (meta?.last.index !== reply.last.index || meta.last.term !== reply.last.term) return false;
    if (reply.term !== this.term || reply.received > meta.bytes) return false;
    this.unanswered = 0;
    this.hasAnswered = true;
    if (reply.installed) this.isInstalled = true;
    else if (reply.attempt === this.attempt) this.follow(reply);
    return true;
  }

  private follow({ received, gap }: InstallSnapshotReply): void {
    if (!gap) {
      this.acknowledged = Math.max(this.acknowledged, received);
      return;
    }
    this.attempt = this.nextAttempt();
    this.acknowledged = received;
    this.sent = received;
  }
}
