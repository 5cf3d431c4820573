import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { SseParser, type SseMessage } from './sse-parser.js';

/** Two heartbeats and a half without a sign of life: the connection is dead. */
const SILENCE_MS = 40_000;
const DEFAULT_RETRY_MS = 500;
const MAX_RETRY_MS = 5000;

export interface EventTailHandlers {
  onMessage(message: SseMessage): void;
  /** The connection was made, for the first time or again. */
  onConnected?(): void;
  /** It was lost or could not be made; another attempt follows. */
  onLost?(reason: string): void;
}

export interface EventTailOptions {
  /** How long to wait before coming back. Default: what the server asks for. */
  readonly retryMs?: number;
  /** Goes on after this event rather than where the URL says. */
  readonly lastEventId?: string;
}

/**
 * Follows a node's `/events` through restarts of the node and losses of the connection: comes back with
 * `Last-Event-ID` until it is closed. It may be closed from within a handler.
 */
export class EventTail {
  #lastEventId: string;
  #retryMs = DEFAULT_RETRY_MS;
  #request: ClientRequest | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  constructor(
    readonly url: string,
    readonly handlers: EventTailHandlers,
    readonly options: EventTailOptions = {},
  ) {
    this.#lastEventId = options.lastEventId ?? '';
    this.#connect();
  }

  /** Where another tail of this node goes on; empty before the first event. */
  get lastEventId(): string {
    return this.#lastEventId;
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#request?.destroy();
  }

  #connect(): void {
    this.#timer = null;
    const resume = this.#lastEventId === '' ? {} : { 'Last-Event-ID': this.#lastEventId };
    const outgoing = request(this.url, { agent: false, headers: { Accept: 'text/event-stream', ...resume } });
    let isLost = false;
    const lose = (reason: string): void => {
      if (isLost) return;
      isLost = true;
      outgoing.destroy();
      this.#lose(reason);
    };
    outgoing.setTimeout(SILENCE_MS, () => lose('the connection fell silent'));
    outgoing.on('error', (error) => lose(error.message));
    outgoing.on('response', (incoming) => this.#read(incoming, lose));
    outgoing.end();
    this.#request = outgoing;
  }

  #read(incoming: IncomingMessage, lose: (reason: string) => void): void {
    if (incoming.statusCode !== 200) return lose(`the answer was ${incoming.statusCode ?? 'none'}`);
    const parser = new SseParser(this.#lastEventId);
    incoming.setEncoding('utf8'); // a character may be cut between two pieces
    incoming.on('data', (text: string) => {
      if (this.#isClosed) return;
      try {
        for (const message of parser.push(text)) {
          if (this.#isClosed) return; // by what the last one brought
          this.#lastEventId = message.id;
          this.handlers.onMessage(message);
        }
      } catch (error) {
        return lose(error instanceof Error ? error.message : String(error));
      }
      this.#lastEventId = parser.lastEventId;
      this.#retryMs = Math.min(parser.retryMs ?? DEFAULT_RETRY_MS, MAX_RETRY_MS);
    });
    incoming.on('end', () => lose('the stream ended'));
    incoming.on('error', (error) => lose(error.message));
    incoming.on('close', () => lose('the connection closed'));
    this.handlers.onConnected?.();
  }

  #lose(reason: string): void {
    if (this.#isClosed) return;
    this.handlers.onLost?.(reason);
    if (!this.#isClosed) this.#timer = setTimeout(() => this.#connect(), this.options.retryMs ?? this.#retryMs);
  }
}
