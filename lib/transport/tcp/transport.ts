import type { Socket } from 'node:net';
import { Subject, type Observable } from 'rxjs';
import { wirePacker } from '../../codec/msgpack.js';
import { isValidId, type NodeId } from '../../core/ids.js';
import type { ConnectionChange, Inbound, PeerMessage, Rejection, Transport, TransportIdentity } from '../../ports/transport.js';
import { isUrgent, WireEncoder } from '../wire.js';
import { Dialer, type DialerOwner } from './dialer.js';
import { FRAME_HEADER_BYTES, FRAME_TYPE, sealFrame } from './frame.js';
import { Link } from './link.js';
import { Listener, type ListenerOwner } from './listener.js';
import { tcpSettings, type TcpSettings, type TcpTransportOptions } from './options.js';
import type { Outbox } from './outbox.js';
import { plainSockets } from './sockets.js';
import { TlsSockets } from './tls.js';

/** How long `stop` waits for the last messages to leave. */
const LINGER_MS = 500;

/**
 * Carries messages over TCP. Each node opens one connection to each of its peers and sends on that;
 * whoever connects without being a peer is answered on its own connection.
 *
 * Messages of one turn leave together: at `flush()`, or by themselves once the running code has ended.
 * Heartbeats, votes and acknowledgements overtake bulk; within each of the two lanes order is kept.
 * Without `tls` nothing is authenticated or encrypted: the cluster id guards against mistakes, not against attackers.
 *
 * @example
 * const transport = new TcpTransport({ listen: '0.0.0.0:7000', tls: { ca, cert, key } });
 */
export class TcpTransport implements Transport {
  readonly #settings: TcpSettings;
  readonly #packer = wirePacker();
  readonly #encoder = new WireEncoder(this.#packer, FRAME_HEADER_BYTES);
  readonly #messages = new Subject<Inbound>();
  readonly #connections = new Subject<ConnectionChange>();
  readonly #rejections = new Subject<Rejection>();
  readonly #drops = new Subject<number>();

  readonly messages: Observable<Inbound> = this.#messages.asObservable();
  readonly connections: Observable<ConnectionChange> = this.#connections.asObservable();
  readonly rejections: Observable<Rejection> = this.#rejections.asObservable();
  readonly drops: Observable<number> = this.#drops.asObservable();

  #addresses: ReadonlyMap<NodeId, string> = new Map();
  readonly #dialers = new Map<NodeId, Dialer>();
  /** Null before `start` and after `stop`. */
  #running: { readonly owner: DialerOwner & ListenerOwner; readonly listener: Listener; readonly pinger: NodeJS.Timeout } | null = null;
  #isStarted = false;
  #stopping: Promise<void> | null = null;
  /** Links to flush at the end of the turn, and whether that is arranged. */
  readonly #dirty = new Set<Link>();
  #isFlushScheduled = false;
  #dropped = 0;

  /** @throws {ConfigError} when an option is out of its range. */
  constructor(options: TcpTransportOptions) {
    this.#settings = tcpSettings(options);
  }

  /** Where this node listens, as `host:port` with the actual port; null when it does not. */
  get address(): string | null {
    return this.#running?.listener.address ?? null;
  }

  /** @throws {Error} with a sentence when the address can't be had, or the certificate is not this node's. */
  async start(identity: TransportIdentity): Promise<void> {
    if (this.#isStarted || this.#isStopping()) throw new Error('a transport is started once; make a new one');
    if (!isValidId(identity.nodeId) || !isValidId(identity.clusterId)) throw new Error(`invalid node id or cluster id: ${JSON.stringify(identity)}`);
    const owner = this.#owner(identity);
    this.#isStarted = true;
    const listener = new Listener(owner);
    try {
      await listener.listen();
    } catch (error) {
      this.#isStarted = false; // the caller may try again
      throw error;
    }
    if (this.#isStopping()) { // since it began to start
      await listener.close();
      throw new Error('the transport was stopped while it started');
    }
    const pinger = setInterval(() => {
      this.#ping();
    }, this.#settings.pingIntervalMs);
    this.#running = { owner, listener, pinger };
    this.setPeers(this.#addresses);
  }

  setPeers(addresses: ReadonlyMap<NodeId, string>): void {
    if (this.#stopping !== null) return;
    this.#addresses = new Map(addresses);
    if (this.#running === null) return; // `start` comes back to it
    const { owner, listener } = this.#running;
    for (const [id, dialer] of this.#dialers) {
      const address = addresses.get(id);
      if (address === dialer.address) continue;
      this.#dialers.delete(id);
      dialer.close(address === undefined ? 'no longer a peer' : 'the address has changed');
      if (address === undefined) listener.linkFrom(id)?.destroy('no longer a peer');
    }
    for (const [id, address] of addresses) {
      if (id === owner.identity.nodeId || this.#dialers.has(id)) continue;
      const dialer = new Dialer(id, address, owner);
      this.#dialers.set(id, dialer);
      dialer.dial();
    }
  }

  send(to: NodeId, message: PeerMessage): void {
    if (this.#running === null) return;
    const dialer = this.#dialers.get(to);
    const link = dialer === undefined ? this.#running.listener.linkFrom(to) : dialer.link;
    const outbox = dialer === undefined ? link?.outbox : dialer.outbox;
    if (outbox === undefined || outbox === null) return;
    if (!this.#queue(outbox, message)) this.#dropped += 1;
    if (link !== undefined && link !== null) this.#dirty.add(link);
    if (this.#isFlushScheduled) return;
    this.#isFlushScheduled = true;
    queueMicrotask(this.#flushScheduled);
  }

  flush(): void {
    this.#encoder.endTurn();
    if (this.#dirty.size > 0) {
      for (const link of this.#dirty) link.flush();
      this.#dirty.clear();
    }
    if (this.#dropped > 0) {
      const count = this.#dropped;
      this.#dropped = 0;
      this.#drops.next(count);
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  readonly #flushScheduled = (): void => {
    this.#isFlushScheduled = false;
    this.flush();
  };

  #isStopping(): boolean {
    return this.#stopping !== null;
  }

  /** Encodes and queues; false when the message had to be dropped. */
  #queue(outbox: Outbox, message: PeerMessage): boolean {
    const parts = this.#encoder.encode(message);
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    if (bytes - FRAME_HEADER_BYTES > this.#settings.maxFrameBytes) return false; // the peer would close the connection
    sealFrame(parts, bytes, FRAME_TYPE.message);
    return outbox.push(parts, bytes, isUrgent(message));
  }

  #ping(): void {
    if (this.#running === null) return;
    for (const { link } of this.#dialers.values()) link?.ping();
    for (const link of this.#running.listener.links()) link.ping();
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    if (running !== null) {
      clearInterval(running.pinger);
      this.flush();
      this.#running = null;
      await this.#close(running.listener);
    }
    this.#messages.complete();
    this.#connections.complete();
    this.#rejections.complete();
    this.#drops.complete();
  }

  /** Lets what waits in the sockets leave, for a short time, then closes the rest. */
  async #close(listener: Listener): Promise<void> {
    const outgoing: Promise<void>[] = [];
    const late: Link[] = [...listener.links()];
    for (const dialer of this.#dialers.values()) {
      if (dialer.link !== null) late.push(dialer.link);
      outgoing.push(dialer.end('stopping'));
    }
    const timer = setTimeout(() => {
      for (const link of late) link.destroy('stopping');
    }, LINGER_MS);
    await Promise.all([listener.close(), ...outgoing]);
    clearTimeout(timer);
    this.#dialers.clear();
  }

  #owner(identity: TransportIdentity): DialerOwner & ListenerOwner {
    return {
      identity,
      settings: this.#settings,
      sockets: this.#settings.tls === null ? plainSockets : new TlsSockets(this.#settings.tls, identity, this.#settings.handshakeTimeoutMs),
      isPeer: (id) => this.#addresses.has(id),
      link: (peer, socket, outbox, closed) => this.#link(peer, socket, outbox, closed),
      changed: (peer, up, error) => {
        this.#connections.next({ peer, up, error });
      },
      accepted: (peer) => {
        this.#dialers.get(peer)?.dial(); // who calls can be called
      },
      rejected: (from, reason) => {
        if (this.#running !== null) this.#rejections.next({ from, reason });
      },
    };
  }

  #link(peer: NodeId, socket: Socket, outbox: Outbox, closed: (error: string) => void): Link {
    return new Link(peer, socket, outbox, this.#packer, this.#settings, {
      received: (_link, message) => {
        if (this.#running !== null) this.#messages.next({ from: peer, message });
      },
      mayHold: () => this.#addresses.has(peer) || (this.#running?.listener.guestBytes() ?? 0) <= this.#settings.maxFrameBytes,
      rejected: (_link, reason) => {
        this.#rejections.next({ from: peer, reason });
      },
      closed: (link, error) => {
        this.#dirty.delete(link);
        closed(error);
      },
    });
  }
}
