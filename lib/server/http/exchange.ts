import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CallSignal } from '../../ports/call-signal.js';
import { targetOf } from './params.js';

/** One request and its answer, on Node's own objects: what stands between them and a handler is paid by every put. */
export class Exchange {
  /** As sent, percent-encoding and all. */
  readonly path: string;
  readonly query: string;
  readonly #headers: string[] = [];

  constructor(
    readonly incoming: IncomingMessage,
    readonly outgoing: ServerResponse,
    /** Aborts when the client goes away. */
    readonly gone: CallSignal,
  ) {
    const { path, query } = targetOf(incoming.url ?? '/');
    this.path = path;
    this.query = query;
  }

  /** A header of the request; several of one name are one, joined by commas. @param name in lower case. */
  header(name: string): string | undefined {
    const value = this.incoming.headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  }

  /** Adds a header to the answer. */
  set(name: string, value: string): void {
    this.#headers.push(name, value);
  }

  /** Answers with a value as JSON. */
  json(value: unknown, status = 200): void {
    const text = JSON.stringify(value);
    this.#headers.push('Content-Type', 'application/json', 'Content-Length', String(Buffer.byteLength(text)));
    this.#end(status, text);
  }

  /** Answers with bytes as they are. */
  bytes(value: Uint8Array): void {
    this.#headers.push('Content-Type', 'application/octet-stream', 'Content-Length', String(value.length));
    this.#end(200, value);
  }

  /** Answers with nothing but status and headers. */
  empty(status: 204 | 304): void {
    this.#end(status);
  }

  #end(status: number, body?: string | Uint8Array): void {
    this.outgoing.writeHead(status, this.#headers);
    this.outgoing.end(body);
  }
}
