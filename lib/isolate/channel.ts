import { FrameReader, FrameWriter } from './frame.js';
import type { Message } from './messages.js';
import { pack, unpack } from './packing.js';

/** One end of a pair of ports: what a `Worker`, its `parentPort` and a `MessagePort` have in common. */
export interface FramePort {
  postMessage(frame: ArrayBuffer, transfer: readonly ArrayBuffer[]): void;
  on(event: 'message', listener: (frame: ArrayBuffer) => void): unknown;
}

/** What the other thread has not said yet that it has taken is told to it at once when it is this much. */
const TELL_AT_BYTES = 64 << 10;

/** A frame leaves when it is this long, so that the other thread can begin with it while this one fills the next. */
const FRAME_BYTES = 64 << 10;
/** What nobody waits for leaves after this long, if nothing took it along before: a frame costs as much as a hundred messages. */
const LAZY_MS = 2;
/** What every frame begins with: how much of the other side's was taken. */
const HEAD_BYTES = 8;

/**
 * Carries messages between two threads, in order, in batches: what is posted while the running code lasts crosses in one
 * frame, or in a few. Each side tells the other how much it has taken, so that either knows how far the other is behind.
 */
export class Channel<In extends Message, Out extends Message> {
  #sentBytes = 0;
  #takenByOther = 0;
  /** Taken here, and the other side was not told. */
  #untoldBytes = 0;
  #isScheduled = false;
  #isTimed = false;
  #isClosed = false;
  readonly #writer = new FrameWriter();

  constructor(
    private readonly port: FramePort,
    onMessage: (message: In) => void,
  ) {
    this.#begin();
    port.on('message', (frame) => {
      const reader = new FrameReader(frame);
      this.#takenByOther += reader.number();
      while (reader.hasMore) onMessage(unpack(reader) as In);
      this.#untoldBytes += frame.byteLength;
      if (this.#untoldBytes >= TELL_AT_BYTES) this.#schedule();
    });
  }

  /** Bytes that were posted and that the other thread has not taken, or not said so (it says so at every 64 KiB). */
  get backlogBytes(): number {
    return this.#sentBytes - this.#takenByOther + this.#writer.bytes - HEAD_BYTES;
  }

  post(message: Out): void {
    if (this.#isClosed) return;
    pack(this.#writer, message);
    if (this.#writer.bytes >= FRAME_BYTES) this.#send();
    else this.#schedule();
  }

  /** Posts what may wait for two milliseconds. It keeps its place among the others. */
  postLazily(message: Out): void {
    if (this.#isClosed) return;
    pack(this.#writer, message);
    if (this.#writer.bytes >= FRAME_BYTES) this.#send();
    if (this.#isScheduled || this.#isTimed) return;
    this.#isTimed = true;
    setTimeout(this.#flushLate, LAZY_MS);
  }

  /** What is posted from now on goes nowhere. */
  close(): void {
    this.#isClosed = true;
  }

  /** Once the running code, and what it caused, has ended. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    this.#isScheduled = false;
    if (this.#writer.bytes > HEAD_BYTES || this.#untoldBytes >= TELL_AT_BYTES) this.#send();
  };

  readonly #flushLate = (): void => {
    this.#isTimed = false;
    if (!this.#isScheduled) this.#flush();
  };

  #send(): void {
    if (this.#isClosed) return;
    const frame = this.#writer.takeFrame();
    new DataView(frame).setFloat64(0, this.#untoldBytes);
    this.#untoldBytes = 0;
    this.#sentBytes += frame.byteLength;
    this.port.postMessage(frame, [frame]);
    this.#begin();
  }

  /** Leaves room for the head. */
  #begin(): void {
    this.#writer.number(0);
  }
}
