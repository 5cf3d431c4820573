import type { ServerResponse } from 'node:http';
import type { EventType } from '../../core/events.js';
import type { EventFeed } from './event-feed.js';

/** How much is written before the socket is asked whether it keeps up. */
const BATCH_CHARACTERS = 64 * 1024;
/** How soon a client should come back after a loss of the connection. */
const RETRY_MS = 500;

export interface EventStreamOptions {
  /** The kinds wanted; null for all. */
  readonly types: ReadonlySet<EventType> | null;
  /** The run and the number of the first event wanted. */
  readonly from: { readonly runId: string | null; readonly next: number };
  readonly heartbeatMs: number;
  /** A client that takes no byte for so long is dropped. */
  readonly stallMs: number;
}

/**
 * One client's stream of events. Writes as fast as the client reads and no faster: while the socket is full
 * nothing is gathered for it. A client that lags behind the feed's oldest event gets an `EventsMissed` with
 * the range, then goes on from there.
 */
export class EventStream {
  readonly #outgoing: ServerResponse;
  readonly #feed: EventFeed;
  readonly #options: EventStreamOptions;
  readonly #heartbeat: NodeJS.Timeout;
  readonly #unsubscribe: () => void;
  #runId: string | null;
  #next: number;
  /** Runs while the socket is full. */
  #stall: NodeJS.Timeout | null = null;
  #isEnding = false;

  constructor(outgoing: ServerResponse, feed: EventFeed, options: EventStreamOptions) {
    this.#outgoing = outgoing;
    this.#feed = feed;
    this.#options = options;
    this.#runId = options.from.runId;
    this.#next = options.from.next;
    this.#heartbeat = setInterval(() => this.#beat(), options.heartbeatMs).unref();
    this.#unsubscribe = feed.onChange(() => this.#pump());
    outgoing.on('drain', () => this.#resume()).on('close', () => this.#dispose()).on('error', () => this.#dispose());
    outgoing.shouldKeepAlive = false;
    outgoing.socket?.setTimeout(0); // an idle stream is no idle connection
    outgoing.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
    this.#write(`retry: ${RETRY_MS}\n\n`);
    this.#pump();
  }

  /** Sends what the feed still has, then ends. */
  end(): void {
    this.#isEnding = true;
    this.#pump();
  }

  #pump(): void {
    if (this.#stall !== null || this.#outgoing.writableEnded || this.#outgoing.destroyed) return;
    while (this.#hasMore()) {
      const text = this.#batch();
      if (text !== '' && !this.#write(text)) return;
    }
    if (this.#isEnding || this.#feed.isEnded) this.#outgoing.end();
  }

  /** Whether the socket takes more. Whatever fills it, a heartbeat too, must drain in time. */
  #write(text: string): boolean {
    if (this.#outgoing.write(text)) return true;
    this.#stall ??= setTimeout(() => this.#outgoing.destroy(), this.#options.stallMs);
    return false;
  }

  #hasMore(): boolean {
    if (this.#feed.runId !== this.#runId) {
      this.#runId = this.#feed.runId;
      this.#next = 1;
    }
    return this.#next <= this.#feed.last;
  }

  /** The next events as text; empty when the filter leaves none. */
  #batch(): string {
    const { types } = this.#options;
    const feed = this.#feed;
    let text = '';
    if (this.#next < feed.first) {
      text = missed(feed, this.#next, feed.first - 1);
      this.#next = feed.first;
    }
    while (this.#next <= feed.last && text.length < BATCH_CHARACTERS) {
      if (types === null || types.has(feed.typeAt(this.#next))) text += feed.frameAt(this.#next);
      this.#next += 1;
    }
    return text;
  }

  #resume(): void {
    if (this.#stall !== null) clearTimeout(this.#stall);
    this.#stall = null;
    this.#pump();
  }

  /** Keeps the connection open, and moves the client's Last-Event-ID past the events that its filter left out. */
  #beat(): void {
    if (this.#stall !== null || this.#outgoing.writableEnded) return;
    this.#write(this.#runId === null || this.#next <= 1 ? ': heartbeat\n\n' : `: heartbeat\nid: ${this.#runId}:${this.#next - 1}\n\n`);
  }

  #dispose(): void {
    clearInterval(this.#heartbeat);
    if (this.#stall !== null) clearTimeout(this.#stall);
    this.#unsubscribe();
  }
}

function missed(feed: EventFeed, from: number, to: number): string {
  const event = { type: 'EventsMissed', runId: feed.runId, nodeId: feed.nodeId, from, to };
  return `id: ${feed.runId ?? ''}:${to}\nevent: EventsMissed\ndata: ${JSON.stringify(event)}\n\n`;
}
