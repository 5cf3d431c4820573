import { connect, type Socket } from 'node:net';
import { HttpClient, type HttpCall, type HttpReply } from '../../lib/cli/http-client.js';
import { HttpService } from '../../lib/server/http.js';
import type { HttpLimits } from '../../lib/server/http/limits.js';
import { FakeKvNode } from './fake-kv-node.js';

/** The HTTP service on a fake node and a free port, with ways to talk to it. */
export class HttpFixture {
  readonly node: FakeKvNode;
  readonly errors: unknown[] = [];
  readonly client = new HttpClient(16, 20_000);
  readonly service: HttpService;
  #port = 0;
  #sockets: RawClient[] = [];

  private constructor(limits: Partial<HttpLimits>, id: string) {
    this.node = new FakeKvNode(id);
    this.service = new HttpService(this.node, { limits, onError: (error) => this.errors.push(error) });
  }

  static async open(limits: Partial<HttpLimits> = {}, id = 'a'): Promise<HttpFixture> {
    const fixture = new HttpFixture(limits, id);
    await fixture.node.start();
    fixture.#port = (await fixture.service.listen('127.0.0.1', 0)).port;
    return fixture;
  }

  send(method: string, path: string, call?: HttpCall): Promise<HttpReply> {
    return this.client.send(method, this.url(path), call);
  }

  url(path: string): string {
    return `http://127.0.0.1:${this.#port}${path}`;
  }

  async json(path: string): Promise<unknown> {
    return JSON.parse((await this.send('GET', path)).body.toString());
  }

  /** A socket on which a test writes what it likes. */
  raw(text: string): RawClient {
    const client = new RawClient(connect(this.#port, '127.0.0.1'));
    this.#sockets.push(client);
    client.socket.write(text);
    return client;
  }

  async close(): Promise<void> {
    this.client.close();
    for (const { socket } of this.#sockets) socket.destroy();
    await this.service.close(5000);
  }
}

export class RawClient {
  received = '';
  #listeners: (() => void)[] = [];
  isClosed = false;

  constructor(readonly socket: Socket) {
    socket.setEncoding('utf8');
    const wake = (): void => this.#listeners.forEach((listener) => listener());
    socket.on('data', (text: string) => {
      this.received += text;
      wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
      wake();
    });
  }

  /** Resolves once what was received holds this. */
  async saw(text: string): Promise<void> {
    await this.until(() => this.received.includes(text), `to receive ${JSON.stringify(text)}`);
  }

  async closed(): Promise<string> {
    await this.until(() => this.isClosed, 'to be closed', true);
    return this.received;
  }

  until(isTrue: () => boolean, what: string, mayBeClosed = false): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = (): void => {
        if (isTrue()) resolve();
        else if (this.isClosed && !mayBeClosed) reject(new Error(`closed while waiting ${what}; received: ${this.received}`));
      };
      this.#listeners.push(check);
      check();
    });
  }
}

/** Resolves when a condition holds, which is asked again in every round of the event loop; gives up before the test's own limit. */
export async function eventually(isTrue: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 4000;
  while (!isTrue()) {
    if (performance.now() > giveUpAt) throw new Error(`still not so after 4 s: ${String(isTrue)}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The error that a refusal carries. */
export function refusal(reply: HttpReply): { status: number; code: string; message: string } {
  const { error } = JSON.parse(reply.body.toString()) as { error: { code: string; message: string } };
  return { status: reply.status, ...error };
}
