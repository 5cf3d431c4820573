import { connect, type Socket } from 'node:net';
import type { LinkCondition } from './link-condition.js';
import { Pipe } from './pipe.js';

export interface ConnectionParts {
  /** Who dialled, by its greeting. */
  readonly from: string;
  /** Where the node listens that is dialled. */
  readonly port: number;
  /** What was read to learn who dialled, and what came after it. */
  readonly greeting: Uint8Array;
  readonly rest: Uint8Array;
  /** Of the direction of the dialler's bytes, and of the other one. */
  readonly there: LinkCondition;
  readonly back: LinkCondition;
  readonly random: () => number;
  readonly onClosed: () => void;
}

/** One connection from a node to another one, taken apart in the middle. */
export class Connection {
  readonly from: string;
  readonly #dialler: Socket;
  readonly #acceptor: Socket;
  readonly #there: Pipe;
  readonly #back: Pipe;

  constructor(dialler: Socket, parts: ConnectionParts) {
    this.from = parts.from;
    this.#dialler = dialler;
    this.#acceptor = connect({ host: '127.0.0.1', port: parts.port, noDelay: true });
    const reset = (): void => this.reset();
    this.#there = new Pipe(dialler, this.#acceptor, parts.there, parts.random, reset);
    this.#back = new Pipe(this.#acceptor, dialler, parts.back, parts.random, reset);
    this.#there.push(parts.greeting);
    if (parts.rest.length > 0) this.#there.push(parts.rest);
    dialler.on('data', (chunk) => this.#there.push(chunk));
    this.#acceptor.on('data', (chunk) => this.#back.push(chunk));
    let open = 2;
    for (const [socket, pipe] of [[dialler, this.#there], [this.#acceptor, this.#back]] as const) {
      socket.on('error', () => undefined); // 'close' follows
      socket.on('end', () => pipe.end());
      socket.on('close', () => {
        pipe.end();
        open -= 1;
        if (open > 0) return;
        this.#dispose();
        parts.onClosed();
      });
    }
  }

  set there(condition: LinkCondition) {
    this.#there.condition = condition;
  }

  set back(condition: LinkCondition) {
    this.#back.condition = condition;
  }

  /** Damages so many of the chunks that come from the dialler next. */
  damage(chunks: number): void {
    this.#there.damage(chunks);
  }

  /** Both sides get an RST. */
  reset(): void {
    this.#dispose();
    this.#dialler.resetAndDestroy();
    this.#acceptor.resetAndDestroy();
  }

  #dispose(): void {
    this.#there.dispose();
    this.#back.dispose();
  }
}
