import { createServer, type Server, type Socket } from 'node:net';
import { readGreeting } from '../../transport/tcp/greeting.js';
import { Connection } from './connection.js';
import { OPEN, type LinkCondition } from './link-condition.js';

/** A greeting takes far less; who has not finished it by then is no node. */
const MAX_GREETING_BYTES = 2048;

/** The nodes whose bytes a condition concerns, `from` → `to`. */
export type ConditionOf = (from: string, to: string) => LinkCondition;

/**
 * Stands before one node, at the address by which the others know it, and carries their connections to where it
 * listens. Reads who dials from the greeting, so that each pair of nodes has conditions of its own, each way.
 */
export class Proxy {
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  /** How many connections each peer has opened so far. */
  readonly #opened = new Map<string, number>();
  /** Sockets that have not said who they are. */
  readonly #strangers = new Set<Socket>();

  constructor(
    readonly node: string,
    /** Where the node listens. */
    readonly nodePort: number,
    readonly conditionOf: ConditionOf,
    readonly random: () => number,
  ) {
    this.#server = createServer({ noDelay: true }, (socket) => this.#greet(socket));
  }

  /** Rejects when the port can't be had. */
  listen(port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, '127.0.0.1', () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
  }

  /** The conditions between this node and another have changed. */
  update(peer: string): void {
    for (const connection of this.#from(peer)) {
      connection.there = this.conditionOf(peer, this.node);
      connection.back = this.conditionOf(this.node, peer);
    }
  }

  /** Resets the peer's connections to this node; returns how many there were. */
  reset(peer: string): number {
    const connections = this.#from(peer);
    for (const connection of connections) connection.reset();
    return connections.length;
  }

  /** Damages so many of the chunks that come from the peer next. Returns whether it is connected. */
  damage(peer: string, chunks: number): boolean {
    const connections = this.#from(peer);
    for (const connection of connections) connection.damage(chunks);
    return connections.length > 0;
  }

  /** How many connections the peer has opened to this node so far. */
  opened(peer: string): number {
    return this.#opened.get(peer) ?? 0;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#strangers) socket.destroy();
    for (const connection of this.#connections) connection.reset();
    await closed;
  }

  #from(peer: string): readonly Connection[] {
    return [...this.#connections].filter(({ from }) => from === peer);
  }

  #greet(socket: Socket): void {
    this.#strangers.add(socket);
    let received: Buffer = Buffer.alloc(0);
    const forget = (): void => {
      this.#strangers.delete(socket);
      socket.off('data', onData).off('close', forget).off('error', ignore);
    };
    const ignore = (): void => undefined;
    const onData = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      const greeted = greetingOf(received);
      if (greeted === null && received.length < MAX_GREETING_BYTES) return;
      forget();
      if (greeted === null) socket.destroy();
      else this.#connect(socket, greeted.from, received.subarray(0, greeted.bytes), received.subarray(greeted.bytes));
    };
    socket.on('data', onData).on('close', forget).on('error', ignore);
  }

  #connect(socket: Socket, from: string, greeting: Uint8Array, rest: Uint8Array): void {
    const connection = new Connection(socket, {
      from,
      port: this.nodePort,
      greeting,
      rest,
      there: this.conditionOf(from, this.node),
      back: this.conditionOf(this.node, from),
      random: this.random,
      onClosed: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    this.#opened.set(from, this.opened(from) + 1);
  }
}

/** Who greets, and how long the greeting is; null when it is not whole, or none. */
function greetingOf(bytes: Buffer): { readonly from: string; readonly bytes: number } | null {
  try {
    const read = readGreeting(bytes);
    return read === null ? null : { from: read.greeting.from, bytes: bytes.length - read.rest.length };
  } catch {
    return null; // it is cut off once it is longer than any greeting
  }
}

/** Conditions by pair of nodes; those that were never set are open. */
export class Conditions {
  readonly #set = new Map<string, LinkCondition>();

  readonly of: ConditionOf = (from, to) => this.#set.get(`${from}>${to}`) ?? OPEN;

  set(from: string, to: string, condition: LinkCondition): void {
    this.#set.set(`${from}>${to}`, condition);
  }

  /** Opens every pair; returns those that were not open. */
  clear(): readonly (readonly [from: string, to: string])[] {
    const pairs = [...this.#set].filter(([, { type }]) => type !== 'open').map(([pair]) => pair.split('>') as [string, string]);
    this.#set.clear();
    return pairs;
  }
}
