import type { Socket } from 'node:net';
import type { LinkCondition } from './link-condition.js';

/** Above this the source is read no further: the network's own buffers are finite, too. */
const MAX_QUEUED_BYTES = 1 << 20;
/** A throttled link lets so much through at once: about one packet. */
const PACKET_BYTES = 1460;

/** Bytes on their way, or the end of the connection (null). */
interface Parcel {
  readonly bytes: Uint8Array | null;
  /** `now()` when it may go; Infinity while the link is held. */
  dueMs: number;
}

/** One direction of one connection through the proxy: carries bytes as the link's condition allows, in order. */
export class Pipe {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #random: () => number;
  /** Resets the whole connection. */
  readonly #reset: () => void;
  #condition: LinkCondition;
  #queue: Parcel[] = [];
  #queuedBytes = 0;
  /** When the last parcel in the queue may go; the next one goes no earlier. */
  #lastDueMs = 0;
  #timer: NodeJS.Timeout | null = null;
  /** Bytes were swallowed: what is left of the stream makes no sense. */
  #isTorn = false;
  #hasEnded = false;
  /** How many of the coming chunks are still to be damaged. */
  #damage = 0;

  constructor(from: Socket, to: Socket, condition: LinkCondition, random: () => number, reset: () => void) {
    this.#from = from;
    this.#to = to;
    this.#condition = condition;
    this.#random = random;
    this.#reset = reset;
    to.on('drain', () => this.#pump());
  }

  /** Takes bytes that the source has sent. */
  push(bytes: Uint8Array): void {
    this.#accept(this.#damage > 0 ? this.#damaged(bytes) : bytes);
  }

  /** The source has closed its connection. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (this.#condition.type === 'cut') this.#isTorn = true;
    else this.#enqueue({ bytes: null, dueMs: this.#dueMs(0) });
  }

  /** From now on; what waits goes at once, unless the new condition holds it. */
  set condition(condition: LinkCondition) {
    const before = this.#condition;
    this.#condition = condition;
    if (before.type === 'cut' && condition.type !== 'cut' && this.#isTorn) {
      this.#reset();
      return;
    }
    if (condition.type === 'cut' && this.#queue.length > 0) {
      this.#isTorn = true;
      this.#queue = [];
      this.#queuedBytes = 0;
      this.#from.resume();
    }
    this.#lastDueMs = 0;
    for (const parcel of this.#queue) parcel.dueMs = condition.type === 'hold' ? Infinity : 0;
    this.#pump();
  }

  /** Flips a bit, any one, in so many of the coming chunks. */
  damage(chunks: number): void {
    this.#damage += chunks;
  }

  dispose(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#queue = [];
    this.#hasEnded = true;
  }

  #accept(bytes: Uint8Array): void {
    if (this.#condition.type === 'cut') {
      this.#isTorn = true;
      return;
    }
    const size = this.#condition.type === 'throttle' ? PACKET_BYTES : bytes.length;
    for (let at = 0; at < bytes.length; at += size) {
      const part = bytes.subarray(at, at + size);
      this.#queuedBytes += part.length;
      this.#enqueue({ bytes: part, dueMs: this.#dueMs(part.length) });
    }
    if (this.#queuedBytes > MAX_QUEUED_BYTES) this.#from.pause();
  }

  #dueMs(bytes: number): number {
    const condition = this.#condition;
    const nowMs = performance.now();
    if (condition.type === 'hold') return Infinity;
    if (condition.type === 'delay') this.#lastDueMs = Math.max(this.#lastDueMs, nowMs + condition.delayMs + condition.jitterMs * this.#random());
    if (condition.type === 'throttle') this.#lastDueMs = Math.max(this.#lastDueMs, nowMs) + (bytes * 1000) / condition.bytesPerSecond;
    return this.#lastDueMs;
  }

  #enqueue(parcel: Parcel): void {
    this.#queue.push(parcel);
    this.#pump();
  }

  #pump(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const nowMs = performance.now();
    let sent = 0;
    for (const { bytes, dueMs } of this.#queue) {
      if (this.#to.writableLength > MAX_QUEUED_BYTES) break; // 'drain' comes back to it
      if (dueMs > nowMs) break;
      sent += 1;
      if (bytes === null) this.#to.destroySoon();
      else {
        this.#queuedBytes -= bytes.length;
        if (!this.#to.destroyed) this.#to.write(bytes);
      }
    }
    this.#queue.splice(0, sent);
    if (this.#queuedBytes <= MAX_QUEUED_BYTES / 2) this.#from.resume();
    const next = this.#queue[0]?.dueMs ?? Infinity;
    if (next > nowMs && next !== Infinity) this.#timer = setTimeout(() => this.#pump(), Math.max(1, next - nowMs));
  }

  #damaged(chunk: Uint8Array): Uint8Array {
    this.#damage -= 1;
    const copy = new Uint8Array(chunk);
    const bit = Math.floor(this.#random() * 8 * copy.length);
    copy[bit >>> 3] = (copy[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    return copy;
  }
}
