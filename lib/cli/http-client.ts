import { Agent, request, type IncomingHttpHeaders } from 'node:http';

export interface HttpReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpCall {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** For this call, when it shall be less patient than the client. */
  readonly timeoutMs?: number;
}

/** A client with warm connections: `node:http` with an agent takes a third of the time that `fetch` does. */
export class HttpClient {
  readonly #agent: Agent;

  constructor(
    /** Sockets per server; more requests wait for one. */
    readonly maxSockets: number,
    /** A request that is not answered in full within this time rejects. */
    readonly timeoutMs: number,
  ) {
    this.#agent = new Agent({ keepAlive: true, maxSockets, scheduling: 'lifo' });
  }

  /** Rejects when there is no whole answer; any status resolves. */
  send(method: string, url: string, call: HttpCall = {}): Promise<HttpReply> {
    const timeoutMs = Math.min(call.timeoutMs ?? Infinity, this.timeoutMs);
    return new Promise((resolve, reject) => {
      const length = call.body === undefined ? {} : { 'Content-Length': Buffer.byteLength(call.body) };
      const outgoing = request(url, { method, agent: this.#agent, headers: { ...length, ...call.headers } }, (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => {
          clearTimeout(timer);
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) });
        });
        incoming.on('error', fail);
      });
      const fail = (error: Error): void => {
        clearTimeout(timer);
        reject(error);
      };
      const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      outgoing.on('error', fail);
      outgoing.end(call.body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
