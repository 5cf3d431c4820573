import type { NodeId } from '../../core/ids.js';
import type { TransportIdentity } from '../../ports/transport.js';
import { encodeGreeting, refusalOf } from './greeting.js';
import { awaitGreeting, CLOSED_EARLY } from './handshake.js';
import { formatAddress, parseAddress, type TcpSettings } from './options.js';
import { Outbox } from './outbox.js';
import type { Link } from './link.js';
import type { Sockets } from './sockets.js';
import type { Socket } from 'node:net';

/** What a dialler needs of the transport. */
export interface DialerOwner {
  readonly identity: TransportIdentity;
  readonly settings: TcpSettings;
  readonly sockets: Sockets;
  /** Makes a link whose end is told to `closed`. */
  link(peer: NodeId, socket: Socket, outbox: Outbox, closed: (error: string) => void): Link;
  /** The connection has come up or gone down; also called for the first attempt that fails. */
  changed(peer: NodeId, up: boolean, error: string): void;
}

/**
 * The connection that this node opens to one peer, and opens again whenever it is lost.
 *
 *     dialling ──greeted──► up ──closed──► waiting ──backoff──► dialling
 *         └──────────────failed──────────────┘
 *
 * What is sent while dialling waits; what is sent while waiting is dropped, since it would be old by then.
 */
export class Dialer {
  readonly #owner: DialerOwner;
  /** What was announced last; null before the first attempt has ended. */
  #isUp: boolean | null = null;
  /** Null while waiting. */
  #outbox: Outbox | null = null;
  #link: Link | null = null;
  #failures = 0;
  #timer: NodeJS.Timeout | null = null;
  #giveUp: ((reason: string) => void) | null = null;
  #isClosed = false;
  #ended: () => void = () => undefined;

  constructor(
    readonly peer: NodeId,
    readonly address: string,
    owner: DialerOwner,
  ) {
    this.#owner = owner;
  }

  /** Where frames for the peer go; null when there is no use in making them. */
  get outbox(): Outbox | null {
    return this.#outbox;
  }

  get link(): Link | null {
    return this.#link;
  }

  /** Opens the connection. Also while waiting, when there is reason to believe that the peer is back. */
  dial(): void {
    if (this.#outbox !== null || this.#isClosed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    const target = parseAddress(this.address);
    if (target === null) {
      this.#lost(`${JSON.stringify(this.address.slice(0, 100))} is not an address; expected host:port`);
      return;
    }
    const { identity, settings, sockets } = this.#owner;
    const { maxQueueBytes, maxSocketBytes, handshakeTimeoutMs } = settings;
    this.#outbox = new Outbox(maxQueueBytes, maxSocketBytes);
    const socket = sockets.connect(target.host, target.port, this.peer, () => {
      socket.write(encodeGreeting({ clusterId: identity.clusterId, from: identity.nodeId, to: this.peer, refusal: '' }));
    });
    this.#giveUp = awaitGreeting(socket, handshakeTimeoutMs, {
      greeted: (greeting, rest) => {
        const problem = greeting.refusal !== '' ? `refused by the peer: ${greeting.refusal}` : refusalOf(greeting, identity);
        if (problem === '' && greeting.from === this.peer) {
          this.#opened(socket, rest);
          return;
        }
        socket.on('error', () => undefined).destroy();
        this.#lost(problem === '' ? `${formatAddress(target.host, target.port)} is ${greeting.from}` : problem);
      },
      failed: (reason) => {
        this.#lost(reason === CLOSED_EARLY && !sockets.isSecure ? `${reason}; the peer may require TLS` : reason);
      },
    });
  }

  /** Closes at once, for good. */
  close(reason: string): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#giveUp?.(reason);
    this.#link?.destroy(reason);
    this.#announce(false, reason);
  }

  /** Closes for good once what waits in the socket has left. Resolves then; announces nothing. */
  end(reason: string): Promise<void> {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#giveUp?.(reason);
    if (this.#link === null) return Promise.resolve();
    this.#link.end(reason);
    return new Promise((resolve) => {
      this.#ended = resolve;
    });
  }

  #opened(socket: Socket, rest: Buffer): void {
    this.#giveUp = null;
    this.#failures = 0;
    const outbox = this.#outbox as Outbox; // set since dialling began
    this.#link = this.#owner.link(this.peer, socket, outbox, (error) => {
      this.#lost(error);
    });
    this.#announce(true, '');
    this.#link.open(rest);
  }

  #lost(error: string): void {
    this.#giveUp = null;
    this.#link = null;
    this.#outbox = null;
    this.#ended();
    if (this.#isClosed) return;
    const { reconnectMinMs, reconnectMaxMs } = this.#owner.settings;
    const delayMs = Math.min(reconnectMaxMs, reconnectMinMs * 2 ** Math.min(this.#failures, 30));
    this.#failures += 1;
    this.#timer = setTimeout(() => {
      this.dial();
    }, delayMs * (0.5 + Math.random() / 2));
    this.#announce(false, error);
  }

  #announce(isUp: boolean, error: string): void {
    if (this.#isUp === isUp || (this.#isClosed && this.#isUp === null)) return;
    this.#isUp = isUp;
    this.#owner.changed(this.peer, isUp, error);
  }
}
