import type { Writable } from 'node:stream';

/** Parts below this are copied together: one copied kilobyte costs less than one more element of a `writev`. */
const COPY_BELOW_BYTES = 8 << 10;

/** Urgent frames may exceed the socket's bound by this before they wait too: a dead connection must not collect them for ever. */
const URGENT_EXTRA_BYTES = 256 << 10;

/** What a waiting frame costs beside its bytes, about: millions of tiny ones must not pass as a few megabytes. */
const FRAME_COST_BYTES = 128;

interface Frame {
  readonly parts: readonly Uint8Array[];
  readonly bytes: number;
}

const SENT: Frame = Object.freeze({ parts: Object.freeze([]), bytes: 0 });

/**
 * What waits for one connection, in two lanes: urgent frames leave first; bulk only while the socket has
 * little to send, so that a heartbeat never waits behind megabytes. Each lane keeps its order and has a bound.
 */
export class Outbox {
  readonly #urgent: Lane;
  readonly #bulk: Lane;
  readonly #maxSocketBytes: number;

  constructor(maxQueueBytes: number, maxSocketBytes: number) {
    this.#urgent = new Lane(maxQueueBytes);
    this.#bulk = new Lane(maxQueueBytes);
    this.#maxSocketBytes = maxSocketBytes;
  }

  /** Queues one frame; false when its lane is full and the frame is dropped. */
  push(parts: readonly Uint8Array[], bytes: number, isUrgent: boolean): boolean {
    return (isUrgent ? this.#urgent : this.#bulk).push({ parts, bytes });
  }

  /** Gives the socket all it should have, in one write where that is cheap. What is left waits for the socket's `drain`. */
  writeTo(socket: Writable): void {
    const parts: Uint8Array[] = [];
    let bytes = socket.writableLength;
    bytes = this.#urgent.take(parts, bytes, this.#maxSocketBytes + URGENT_EXTRA_BYTES);
    bytes = this.#bulk.take(parts, bytes, this.#maxSocketBytes);
    const fresh = bytes - socket.writableLength;
    if (fresh > 0) write(socket, parts, fresh);
  }
}

/** A bounded queue of frames. */
class Lane {
  #frames: Frame[] = [];
  #next = 0;
  #bytes = 0;
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(frame: Frame): boolean {
    if (this.#bytes > 0 && this.#bytes + frame.bytes > this.#maxBytes) return false;
    this.#frames.push(frame);
    this.#bytes += frame.bytes + FRAME_COST_BYTES;
    return true;
  }

  /** Moves frames to `parts` while fewer than `maxBytes` wait in all. Returns how many wait then. */
  take(parts: Uint8Array[], waitingBytes: number, maxBytes: number): number {
    let waiting = waitingBytes;
    while (waiting < maxBytes) {
      const frame = this.#frames[this.#next];
      if (frame === undefined) break;
      this.#frames[this.#next] = SENT; // the slot outlives the frame: let go of its bytes
      this.#next += 1;
      this.#bytes -= frame.bytes + FRAME_COST_BYTES;
      waiting += frame.bytes;
      for (const part of frame.parts) parts.push(part);
    }
    if (this.#next === this.#frames.length) {
      this.#frames.length = 0;
      this.#next = 0;
    } else if (this.#next > 1024) {
      this.#frames = this.#frames.slice(this.#next);
      this.#next = 0;
    }
    return waiting;
  }
}

/** One buffer for what is small, and what is large by reference, all in one system call. */
function write(socket: Writable, parts: readonly Uint8Array[], bytes: number): void {
  if (bytes <= 4 * COPY_BELOW_BYTES) {
    socket.write(join(parts, 0, parts.length, bytes));
    return;
  }
  socket.cork();
  let runStart = 0;
  let runBytes = 0;
  for (let at = 0; at <= parts.length; at += 1) {
    const part = parts[at];
    if (part !== undefined && part.length < COPY_BELOW_BYTES) {
      runBytes += part.length;
      continue;
    }
    if (runBytes > 0) socket.write(join(parts, runStart, at, runBytes));
    if (part !== undefined) socket.write(part);
    runStart = at + 1;
    runBytes = 0;
  }
  socket.uncork();
}

function join(parts: readonly Uint8Array[], from: number, to: number, bytes: number): Uint8Array {
  const only = parts[from];
  if (only !== undefined && to - from === 1) return only;
  const joined = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (let index = from; index < to; index += 1) {
    const part = parts[index] as Uint8Array; // index < to ≤ parts.length
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
