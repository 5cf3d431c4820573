import type { ReplicationState } from './events.js';
import type { LogIndex, NodeId } from './ids.js';

/**
 * What the leader knows of one peer's log (thesis §10.2, and the states of a well-known pipelining design):
 * `probe` sends one append at a time to find the common entry, `replicate` streams ahead of acknowledgements,
 * `snapshot` waits for a snapshot to arrive.
 */
export class PeerProgress {
  state: ReplicationState = 'probe';
  /** Everything through here is durable at the peer. Never moves back in a term. */
  match: LogIndex = 0;
  /** The next entry to send; always > `match`. */
  next: LogIndex;
  /** In `probe`: the one append is out and unanswered, or nothing is to be sent before the peer has shown that it is alive. */
  probeSent = false;
  /** The newest round when the append that is out was sent; 0 when none is out. */
  probeRound = 0;
  /** In `probe`: the last of the entries in the append that is out, and their bytes; 0 when it has none or may be lost. */
  probedThrough: LogIndex = 0;
  probedBytes = 0;
  /** In `snapshot`: the last entry of the snapshot that is on its way. */
  pendingSnapshot: LogIndex = 0;
  /** Old entries were asked of storage and have not come. */
  reading = false;
  /** An empty append must go out although there is nothing to send, to learn whether the last ones arrived. */
  verify = false;
  /** Whether `match` or the window moved since the last heartbeat reply. */
  progressed = false;
  /** The highest commit index that was sent for entries the peer has. */
  sentCommit: LogIndex = 0;
  /** The newest round this peer echoed; 0 for none. */
  ackedRound = 0;
  /** A learner's present round of catching up (thesis §4.2.1); null before the first. */
  catchUp: { readonly target: LogIndex; readonly startedAt: number; readonly rounds: number } | null = null;
  /** Why this learner is not promoted, as last told; null before. */
  heldBack: 'slow' | 'quorumOutOfTouch' | null = null;
  /** As the peer last said: it would take leadership if it were handed to it. Nothing speaks against it before. */
  isWilling = true;
  lastContactAt: number | null = null;
  rttMs: number | null = null;
  readonly inflight = new Inflight();
  /** As last told in a ReplicationProgressed event. */
  reported = { match: 0, next: 0, inFlight: 0 };

  constructor(
    readonly id: NodeId,
    next: LogIndex,
  ) {
    this.next = next;
    this.reported.next = next;
  }

  becomeProbe(next: LogIndex): void {
    this.state = 'probe';
    this.next = Math.max(next, this.match + 1);
    this.probeSent = false;
    this.probeRound = 0;
    this.probedThrough = 0;
    this.verify = false;
    this.inflight.clear();
  }

  /** Nothing more is sent to a peer that is being probed until it answers a heartbeat. */
  holdUntilAlive(): void {
    this.probeSent = true;
    this.probeRound = 0;
    this.probedThrough = 0;
  }

  /** The peer took the append that is out: the entries in it wait for its disk and are not sent again. */
  becomeReplicate(): void {
    this.state = 'replicate';
    this.probeSent = false;
    this.next = Math.max(this.next, this.match + 1);
    this.inflight.clear();
    if (this.match === this.next - 1 && this.probedThrough >= this.next) {
      this.next = this.probedThrough + 1;
      this.inflight.add(this.probedThrough, this.probedBytes);
    }
    this.probedThrough = 0;
  }

  becomeSnapshot(pendingSnapshot: LogIndex): void {
    this.state = 'snapshot';
    this.pendingSnapshot = pendingSnapshot;
    this.probeSent = false;
    this.probedThrough = 0;
    this.inflight.clear();
  }

  /** The peer acknowledged everything through `matched`; whether that was news. Late and doubled replies change nothing. */
  acknowledge(matched: LogIndex): boolean {
    this.inflight.release(matched);
    if (matched <= this.match) return false;
    this.match = matched;
    this.next = Math.max(this.next, matched + 1);
    this.progressed = true;
    return true;
  }
}

/** Appends that were sent and not acknowledged, oldest first; bounded by the caller in count and bytes. */
export class Inflight {
  #lasts: LogIndex[] = [];
  #sizes: number[] = [];
  #head = 0;
  bytes = 0;

  get count(): number {
    return this.#lasts.length - this.#head;
  }

  add(last: LogIndex, bytes: number): void {
    this.#lasts.push(last);
    this.#sizes.push(bytes);
    this.bytes += bytes;
  }

  /** Frees every append that ends at or before `matched`. */
  release(matched: LogIndex): void {
    while (this.#head < this.#lasts.length && (this.#lasts[this.#head] ?? 0) <= matched) this.#drop();
    if (this.#head === this.#lasts.length) this.clear();
    else if (this.#head > 64) {
      this.#lasts = this.#lasts.slice(this.#head);
      this.#sizes = this.#sizes.slice(this.#head);
      this.#head = 0;
    }
  }

  clear(): void {
    this.#lasts.length = 0;
    this.#sizes.length = 0;
    this.#head = 0;
    this.bytes = 0;
  }

  #drop(): void {
    this.bytes -= this.#sizes[this.#head] ?? 0;
    this.#head += 1;
  }
}
