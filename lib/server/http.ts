import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Interruption } from '../node/interruption.js';
import { addAdminRoutes } from './http/admin-routes.js';
import { Admission } from './http/admission.js';
import { EventFeed } from './http/event-feed.js';
import { EventStreams } from './http/event-streams.js';
import { Exchange } from './http/exchange.js';
import { addKvRoutes } from './http/kv-routes.js';
import { httpLimits, type HttpLimits } from './http/limits.js';
import { Gathering } from './http/gathering.js';
import { HttpProblem, problemOf, rawProblem, sendProblem } from './http/problem.js';
import { discardRest } from './http/read-body.js';
import { Readiness } from './http/readiness.js';
import { Router } from './http/router.js';
import { addStatusRoutes } from './http/status-routes.js';
import type { KvNode } from './kv-node.js';

export interface HttpServiceOptions {
  readonly limits?: Partial<HttpLimits>;
  /** Told of errors that are neither the client's nor an answer of the node. Default: nothing is done with them. */
  readonly onError?: (error: unknown) => void;
}

/** A connection. */
interface Client {
  /** Its requests that are not answered, in their order: several, when it sends ahead. */
  readonly unanswered: ServerResponse[];
  /** Aborts when it closes. */
  readonly gone: Interruption;
}

/** What the service holds at the moment; all zero once it is closed. */
export interface HttpLoad {
  readonly connections: number;
  readonly requests: number;
  readonly bodyBytes: number;
  readonly eventStreams: number;
}

/**
 * The key-value store over HTTP. Made before the node starts, so that its event streams miss nothing; it
 * neither starts nor stops the node.
 *
 * An orderly end: `drain()`, then stop the node, then `close()`. The event streams then carry the node's
 * last event before they end.
 */
export class HttpService {
  readonly #limits: HttpLimits;
  readonly #feed: EventFeed;
  readonly #streams: EventStreams;
  readonly #readiness: Readiness;
  readonly #admission: Admission;
  readonly #router: Router;
  readonly #server: Server;
  /** The open connections. */
  readonly #sockets = new Map<Socket, Client>();
  /** How many requests have no whole answer yet, event streams among them. */
  #unanswered = 0;
  #isDraining = false;
  #onIdle: (() => void) | null = null;

  /** @throws {ConfigError} when a limit is out of range. */
  constructor(node: KvNode, options: HttpServiceOptions = {}) {
    this.#limits = httpLimits(options.limits);
    this.#feed = new EventFeed(node.events, this.#limits.maxBufferedEvents);
    this.#streams = new EventStreams(this.#feed, this.#limits);
    this.#readiness = new Readiness(node);
    this.#admission = new Admission(this.#limits.maxInFlight, this.#limits.maxBufferedBytes);
    this.#router = this.#createRouter(node, options.onError ?? (() => undefined));
    this.#server = this.#createServer();
  }

  /** Why the node should get no traffic; null when it may. */
  get obstacle(): string | null {
    return this.#isDraining ? 'the node is shutting down' : this.#readiness.obstacle;
  }

  get load(): HttpLoad {
    return { connections: this.#sockets.size, requests: this.#requests, bodyBytes: this.#admission.bytes, eventStreams: this.#streams.count };
  }

  get #requests(): number {
    return this.#unanswered - this.#streams.count;
  }

  /** Begins to serve. Resolves with the address; port 0 asks for any free one. Rejects when the address can't be had. */
  listen(host: string, port: number): Promise<{ readonly host: string; readonly port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        const { address, port: actual } = this.#server.address() as AddressInfo; // TCP: never a path
        resolve({ host: address, port: actual });
      });
    });
  }

  /** Takes no new connection and waits, `deadlineMs` at most, until every request in progress is answered. */
  async drain(deadlineMs: number): Promise<void> {
    this.#isDraining = true;
    for (const { unanswered } of this.#sockets.values()) for (const outgoing of unanswered) outgoing.shouldKeepAlive = false;
    if (this.#server.listening) this.#server.close();
    this.#server.closeIdleConnections();
    await within(deadlineMs, () => this.#requests === 0, (onIdle) => (this.#onIdle = onIdle));
  }

  /** Ends the event streams with what they still have to say, and closes every socket after `deadlineMs` at most. */
  async close(deadlineMs: number): Promise<void> {
    if (!this.#isDraining) await this.drain(deadlineMs);
    this.#streams.end();
    await within(deadlineMs, () => this.#streams.count === 0, (onIdle) => (this.#onIdle = onIdle));
    this.#server.closeAllConnections();
    for (const socket of this.#sockets.keys()) socket.destroy();
    this.#readiness.close();
    this.#feed.close();
  }

  #createRouter(node: KvNode, onError: (error: unknown) => void): Router {
    const router = new Router(onError);
    const parts = { node, limits: this.#limits, admission: this.#admission, gathering: new Gathering() };
    addStatusRoutes(router, parts, () => this.obstacle);
    addKvRoutes(router, parts);
    addAdminRoutes(router, parts);
    return router;
  }

  #createServer(): Server {
    const limits = this.#limits;
    const server = createServer({
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.headersTimeoutMs + limits.bodyTimeoutMs + 1000,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs),
    });
    server.maxConnections = limits.maxConnections;
    // A client that takes nothing of its answer holds a socket for no longer than this.
    server.timeout = limits.callTimeoutMs + limits.bodyTimeoutMs + limits.streamStallMs;
    server.on('connection', (socket) => {
      this.#sockets.set(socket, { unanswered: [], gone: new Interruption() });
      socket.on('close', () => this.#forget(socket));
    });
    server.on('request', (incoming, outgoing) => this.#serve(incoming, outgoing));
    server.on('checkContinue', (incoming, outgoing) => {
      // A client that asks first is refused before it sends what would be thrown away.
      if (Number(incoming.headers['content-length'] ?? 0) <= limits.maxBodyBytes) outgoing.writeContinue();
      else outgoing.shouldKeepAlive = false;
      this.#serve(incoming, outgoing);
    });
    server.on('clientError', refuseUnreadable);
    return server;
  }

  #serve(incoming: IncomingMessage, outgoing: ServerResponse): void {
    if (this.#isDraining) outgoing.shouldKeepAlive = false;
    const url = incoming.url ?? '/';
    const client = this.#sockets.get(incoming.socket);
    if (client === undefined) return void outgoing.destroy(); // its connection is gone already
    client.unanswered.push(outgoing);
    this.#unanswered += 1;
    outgoing.once('close', () => {
      client.unanswered.splice(client.unanswered.indexOf(outgoing), 1);
      this.#answered();
      if (!incoming.complete && !incoming.destroyed) discardRest(incoming);
    });
    try {
      if (!isHost(incoming.headers.host ?? '')) throw new HttpProblem(400, 'bad_host', 'the Host header names no host');
      if (url.length > this.#limits.maxUrlBytes) throw new HttpProblem(414, 'uri_too_long', `path and query are longer than ${this.#limits.maxUrlBytes} bytes`);
      const exchange = new Exchange(incoming, outgoing, client.gone);
      if (exchange.path === '/events') return this.#streams.open(incoming, outgoing);
      this.#router.answer(exchange);
    } catch (error) {
      sendProblem(outgoing, problemOf(error));
    }
  }

  /** Node tells of the end only the request whose turn it is; those that were sent ahead would be waited for, for ever. */
  #forget(socket: Socket): void {
    const client = this.#sockets.get(socket);
    this.#sockets.delete(socket);
    client?.gone.abort(new Error('the client went away'));
    for (const outgoing of client?.unanswered.slice() ?? []) { // whose closing takes it from the list
      if (outgoing.socket !== null) continue;
      outgoing.destroy();
      outgoing.emit('close');
    }
  }

  #answered(): void {
    this.#unanswered -= 1;
    if (this.#onIdle !== null) queueMicrotask(() => this.#onIdle?.()); // once every listener of this close has counted it
  }
}

/** A name or an address, and perhaps a port (RFC 9112 §3.2); empty where the target has none. */
function isHost(text: string): boolean {
  return /^[\w.~!$&'()*+,;=%-]*(:\d*)?$|^\[[\w.:%~-]+\](:\d*)?$/.test(text);
}

/** Answers what is no HTTP request, or did not become one in time. */
function refuseUnreadable(error: Error & { code?: string }, socket: Socket & { _httpMessage?: ServerResponse | null }): void {
  if (!socket.writable || socket._httpMessage?.headersSent === true) return void socket.destroy();
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') socket.end(rawProblem(new HttpProblem(408, 'slow_client', 'the request did not arrive in time')));
  else if (error.code === 'HPE_HEADER_OVERFLOW') socket.end(rawProblem(new HttpProblem(431, 'headers_too_large', 'the request line and headers are too large')));
  else socket.end(rawProblem(new HttpProblem(400, 'bad_request', 'the request is not valid HTTP')));
}

/** Resolves once `isDone()`, which is asked again at each `signal`, or after the deadline. */
function within(deadlineMs: number, isDone: () => boolean, signal: (listener: (() => void) | null) => void): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer);
      signal(null);
      resolve();
    };
    const timer = setTimeout(finish, deadlineMs);
    const check = (): void => {
      if (isDone()) finish();
    };
    signal(check);
    check();
  });
}
