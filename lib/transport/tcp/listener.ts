import { createServer, type Server, type Socket } from 'node:net';
import type { NodeId } from '../../core/ids.js';
import type { TransportIdentity } from '../../ports/transport.js';
import { encodeGreeting, refusalOf, type Greeting } from './greeting.js';
import { awaitGreeting } from './handshake.js';
import { formatAddress, type TcpSettings } from './options.js';
import { Outbox } from './outbox.js';
import type { Link } from './link.js';
import type { Sockets, Vouch } from './sockets.js';

/** Bounds what waits for a guest in each lane. Peers are sent to on this node's own connections; guests are only answered, which is little. */
const MAX_GUEST_QUEUE_BYTES = 1 << 20;

/** What a listener needs of the transport. */
export interface ListenerOwner {
  readonly identity: TransportIdentity;
  readonly settings: TcpSettings;
  readonly sockets: Sockets;
  isPeer(id: NodeId): boolean;
  /** Makes a link whose end is told to `closed`. */
  link(peer: NodeId, socket: Socket, outbox: Outbox, closed: (error: string) => void): Link;
  /** A connection has been accepted. */
  accepted(peer: NodeId): void;
  rejected(from: NodeId | null, reason: string): void;
}

/**
 * The connections that others open to this node: at most one from each, at most `maxConnections` in all.
 *
 * Any node of the cluster is let in, peer or not (a guest), because a new or long absent server can't know
 * who leads it. Under a flood those who have not said who they are go first, then guests; peers stay.
 */
export class Listener {
  readonly #owner: ListenerOwner;
  readonly #server: Server;
  /** Sockets that have not greeted yet, oldest first, and how to give each up. */
  readonly #strangers = new Map<Socket, (reason: string) => void>();
  readonly #links = new Map<NodeId, Link>();
  /** Links that are closing still have a socket; this is what the bound counts. */
  #openLinks = 0;
  #isFlooded = false;

  constructor(owner: ListenerOwner) {
    this.#owner = owner;
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#accept(socket);
    });
  }

  /** @throws {Error} with a sentence when the address can't be had. */
  listen(): Promise<void> {
    const { host, port } = this.#owner.settings;
    return new Promise((resolve, reject) => {
      const fail = (error: NodeJS.ErrnoException): void => {
        reject(new Error(`can't listen on ${formatAddress(host, port)}: ${explain(error)}`, { cause: error }));
      };
      this.#server.once('error', fail);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', fail);
        this.#server.on('error', (error) => {
          this.#owner.rejected(null, `accepting failed: ${error.message}`);
        });
        resolve();
      });
    });
  }

  /** The address that was bound, or null when not listening. */
  get address(): string | null {
    const address = this.#server.address();
    return address === null || typeof address === 'string' ? null : formatAddress(address.address, address.port);
  }

  links(): IterableIterator<Link> {
    return this.#links.values();
  }

  /** The connection that a node has opened to this one. */
  linkFrom(id: NodeId): Link | undefined {
    return this.#links.get(id);
  }

  /** What all guests together have sent of frames that have not arrived whole: the largest frame may come from one of them at a time. */
  guestBytes(): number {
    let bytes = 0;
    for (const [id, link] of this.#links) if (!this.#owner.isPeer(id)) bytes += link.heldBytes;
    return bytes;
  }

  /** Accepts nobody any more, lets go of strangers at once and of links once they have sent what they hold. Resolves when all is closed. */
  close(): Promise<void> {
    for (const giveUp of [...this.#strangers.values()]) giveUp('stopping');
    for (const link of this.#links.values()) link.end('stopping');
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
    });
  }

  #accept(socket: Socket): void {
    if (!this.#hasRoom()) {
      socket.on('error', () => undefined).destroy();
      return;
    }
    const failed = (reason: string, isSilent: boolean): void => {
      this.#strangers.delete(socket);
      if (!isSilent) this.#owner.rejected(null, reason); // who says nothing, like a port check, is no news
    };
    const ready = (secured: Socket, vouch: Vouch): void => {
      const giveUp = awaitGreeting(secured, this.#owner.settings.handshakeTimeoutMs, {
        greeted: (greeting, rest) => {
          this.#strangers.delete(socket);
          this.#greeted(socket, secured, greeting, rest, vouch);
        },
        failed,
      });
      this.#strangers.set(socket, giveUp);
    };
    const giveUp = this.#owner.sockets.admit(socket, { ready, failed });
    if (giveUp !== null) this.#strangers.set(socket, giveUp);
  }

  /** Whether one more may come; makes room if need be. A flood is reported once, when it begins. */
  #hasRoom(): boolean {
    const { maxConnections } = this.#owner.settings;
    if (this.#strangers.size + this.#openLinks < maxConnections) {
      this.#isFlooded = false;
      return true;
    }
    if (!this.#isFlooded) this.#owner.rejected(null, `more than ${maxConnections} connections`);
    this.#isFlooded = true;
    for (const giveUp of this.#strangers.values()) {
      giveUp('made room for a newer connection');
      return true;
    }
    for (const [id, link] of this.#links) {
      if (this.#owner.isPeer(id)) continue;
      this.#links.delete(id);
      link.destroy('made room for a newer connection');
      return true;
    }
    return false;
  }

  #greeted(raw: Socket, socket: Socket, greeting: Greeting, rest: Buffer, vouch: Vouch): void {
    const refusal = vouch(greeting.from) || refusalOf(greeting, this.#owner.identity);
    const known = this.#links.get(greeting.from);
    if (refusal !== '') this.#refuse(socket, greeting, refusal);
    else if (known === undefined) this.#welcome(socket, greeting, rest);
    else if (known.isProbed) this.#refuse(socket, greeting, 'another connection under this id is being examined');
    else this.#contend(raw, known, socket, greeting, rest);
  }

  /**
   * Two connections under one name. A node that comes back finds its old one closed or silent, and takes its place.
   * A second node under the same name, by mistake or by intent, finds the first alive and is refused: they must not
   * push each other out over and over. Until that is decided the newcomer is a stranger, and read no further.
   */
  #contend(raw: Socket, known: Link, socket: Socket, greeting: Greeting, rest: Buffer): void {
    const { pingIntervalMs, handshakeTimeoutMs } = this.#owner.settings;
    const ignore = (): void => undefined;
    const settle = (): boolean => {
      socket.off('close', settle);
      return this.#strangers.delete(raw);
    };
    socket.pause().on('error', ignore).on('close', settle);
    this.#strangers.set(raw, (reason) => {
      if (!settle()) return;
      socket.destroy();
      this.#owner.rejected(greeting.from, reason);
    });
    known.probe(Math.min(pingIntervalMs, handshakeTimeoutMs / 2), (isAlive) => {
      if (!settle()) return;
      if (isAlive) this.#refuse(socket, greeting, 'another connection under this id is alive');
      else this.#welcome(socket, greeting, rest);
    });
  }

  #refuse(socket: Socket, { clusterId, from }: Greeting, refusal: string): void {
    const answer = encodeGreeting({ clusterId, from: this.#owner.identity.nodeId, to: from, refusal });
    socket.on('error', () => undefined).end(answer, () => socket.destroy());
    this.#owner.rejected(from, refusal);
  }

  #welcome(socket: Socket, { clusterId, from }: Greeting, rest: Buffer): void {
    const { identity, settings } = this.#owner;
    socket.write(encodeGreeting({ clusterId, from: identity.nodeId, to: from, refusal: '' }));
    this.#links.get(from)?.destroy('replaced by a newer connection');
    const outbox = new Outbox(Math.min(settings.maxQueueBytes, MAX_GUEST_QUEUE_BYTES), settings.maxSocketBytes);
    const link = this.#owner.link(from, socket, outbox, () => {
      this.#openLinks -= 1;
      if (this.#links.get(from) === link) this.#links.delete(from);
    });
    this.#openLinks += 1;
    this.#links.set(from, link);
    this.#owner.accepted(from);
    link.open(rest);
    socket.resume(); // it may have had to wait
  }
}

function explain(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return 'the address is in use; stop the process that holds it, or choose another port';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address; listen on one of its own, or on 0.0.0.0';
    case 'EACCES':
      return 'permission denied; choose a port from 1024 on';
    case 'ENOTFOUND':
      return 'the host name is unknown';
    default:
      return error.message;
  }
}
