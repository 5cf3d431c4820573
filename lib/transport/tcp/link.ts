import type { Socket } from 'node:net';
import type { WirePacker } from '../../codec/msgpack.js';
import type { NodeId } from '../../core/ids.js';
import type { PeerMessage } from '../../ports/transport.js';
import { decodeMessage } from '../wire.js';
import { emptyFrame, FRAME_TYPE } from './frame.js';
import { FrameReader } from './frame-reader.js';
import type { TcpSettings } from './options.js';
import type { Outbox } from './outbox.js';

/** Every connection may keep this much of a frame. */
const LARGE_BYTES = 64 << 10;

/** Whom a link tells. */
export interface LinkOwner {
  received(link: Link, message: PeerMessage): void;
  /** Whether the link may keep what has arrived of a large frame. */
  mayHold(link: Link): boolean;
  /** The peer sent what it may not; the link is closed next. */
  rejected(link: Link, reason: string): void;
  /** Exactly once. */
  closed(link: Link, error: string): void;
}

/** One connection whose greetings have been exchanged: frames in, frames out, and pings that notice when nobody is there any more. */
export class Link {
  readonly #socket: Socket;
  readonly #owner: LinkOwner;
  readonly #packer: WirePacker;
  readonly #reader: FrameReader;
  readonly #maxSilentIntervals: number;
  #silentIntervals = 0;
  #error = '';
  #isOpen = true;
  /** Waits for a sign of life. */
  #probe: ((isAlive: boolean) => void) | null = null;

  constructor(
    readonly peer: NodeId,
    socket: Socket,
    readonly outbox: Outbox,
    packer: WirePacker,
    settings: TcpSettings,
    owner: LinkOwner,
  ) {
    this.#socket = socket;
    this.#packer = packer;
    this.#owner = owner;
    this.#reader = new FrameReader(settings.maxFrameBytes);
    this.#maxSilentIntervals = settings.maxSilentIntervals;
  }

  /** What is kept of a frame that has not arrived whole. */
  get heldBytes(): number {
    return this.#reader.heldBytes;
  }

  /** Begins to read; `rest` is what came with the greeting. */
  open(rest: Buffer): void {
    this.#socket
      .on('data', (chunk) => {
        this.#receive(chunk);
      })
      .on('drain', () => {
        this.flush();
      })
      .on('error', (error) => {
        this.#error ||= error.message;
      })
      .on('end', () => {
        if (this.#reader.isMidFrame) this.#reject('connection ended inside a frame');
      })
      .on('close', () => {
        this.#isOpen = false;
        this.#owner.closed(this, this.#error === '' ? 'closed by the peer' : this.#error);
        this.#probe?.(false);
      });
    if (rest.length > 0) this.#receive(rest);
    this.flush();
  }

  /** Hands the socket what waits, as far as it should have it. */
  flush(): void {
    if (this.#isOpen && !this.#socket.writableEnded) this.outbox.writeTo(this.#socket);
  }

  /**
   * To be called at every ping interval. Intervals are counted rather than measured: a stall of the own event
   * loop, in which nothing could arrive, counts as one.
   */
  ping(): void {
    this.#silentIntervals += 1;
    if (this.#silentIntervals > this.#maxSilentIntervals) {
      this.destroy('the peer has stopped answering');
      return;
    }
    this.#sendEmpty(FRAME_TYPE.ping);
  }

  get isProbed(): boolean {
    return this.#probe !== null;
  }

  /**
   * Asks for a sign of life, unless one is being waited for: `answered` is told whether anything arrives before
   * the link closes or the time is over. What lies in the own buffers already is read first and counts for nothing.
   */
  probe(timeoutMs: number, answered: (isAlive: boolean) => void): void {
    let isAsked = false;
    const ask = setImmediate(() => {
      isAsked = true;
      this.#sendEmpty(FRAME_TYPE.ping);
    });
    const probe = (isAlive: boolean): void => {
      if (this.#probe !== probe || (isAlive && !isAsked)) return;
      clearTimeout(timer);
      clearImmediate(ask);
      this.#probe = null;
      answered(isAlive);
    };
    this.#probe = probe;
    const timer = setTimeout(() => {
      setImmediate(probe, false); // after a stall of the own event loop an answer may lie there unread
    }, timeoutMs);
  }

  /** Closes at once. */
  destroy(reason: string): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#error ||= reason;
    this.#socket.destroy();
  }

  /** Closes once everything that waits in the socket has left. */
  end(reason: string): void {
    this.flush();
    this.#error ||= reason;
    this.#socket.destroySoon();
  }

  #receive(chunk: Buffer): void {
    this.#silentIntervals = 0;
    this.#probe?.(true);
    const reader = this.#reader;
    reader.push(chunk);
    while (this.#isOpen) { // a subscriber may close it
      let message: PeerMessage | null;
      try {
        if (!reader.next()) break;
        message = reader.type === FRAME_TYPE.message ? decodeMessage(this.#packer, reader.body, reader.isOwned) : null;
      } catch (error) {
        this.#reject(error instanceof Error ? error.message : String(error));
        return;
      }
      if (message !== null) this.#owner.received(this, message);
      else if (reader.type === FRAME_TYPE.ping) this.#pong();
    }
    if (reader.heldBytes > LARGE_BYTES && !this.#owner.mayHold(this)) this.#reject('too much of unfinished frames from nodes that are no peers');
  }

  /** What is on its way already shows that this node lives: who pings and never reads must not make a queue of pongs grow. */
  #pong(): void {
    if (this.#socket.writableLength === 0) this.#sendEmpty(FRAME_TYPE.pong);
  }

  #reject(reason: string): void {
    if (!this.#isOpen) return;
    const short = reason.slice(0, 200); // an error may quote what it complains of
    this.destroy(`refused: ${short}`);
    this.#owner.rejected(this, short);
  }

  #sendEmpty(type: number): void {
    const frame = emptyFrame(type);
    this.outbox.push([frame], frame.length, true);
    this.flush();
  }
}
