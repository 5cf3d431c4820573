import { connect, type Socket } from 'node:net';
import { ResponseReader } from './response-reader.js';

export interface HttpAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * A kept-alive HTTP/1.1 connection with one request on its way at a time, and nothing between it and the socket: the load shares
 * the processors with the servers that it measures, and `node:http` or `fetch` would take several times as much of them for each
 * request, which would be measured as if it were the server's.
 */
export class HttpConnection {
  readonly #socket: Socket;
  readonly #reader = new ResponseReader();
  #waiting: { readonly resolve: (status: number) => void; readonly reject: (error: Error) => void } | null = null;
  #failure: Error | null = null;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  /** Rejects when nobody listens there. */
  static open(address: HttpAddress): Promise<HttpConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...address, noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        resolve(new HttpConnection(socket));
      });
    });
  }

  /** Sends a whole request, in Latin-1; resolves with the status of the whole answer. Rejects when there is none. */
  send(request: string): Promise<number> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== null) return reject(this.#failure);
      if (this.#waiting !== null) return reject(new Error('another request is on its way'));
      this.#waiting = { resolve, reject };
      this.#socket.write(request, 'latin1');
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    let status: number | null;
    try {
      if (this.#waiting === null) throw new Error('the server spoke unasked');
      status = this.#reader.push(chunk);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    if (status === null) return;
    const { resolve } = this.#waiting;
    this.#waiting = null;
    resolve(status);
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#waiting?.reject(this.#failure);
    this.#waiting = null;
    this.#socket.destroy();
  }
}
