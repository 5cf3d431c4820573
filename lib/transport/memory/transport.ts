import { Subject, type Observable } from 'rxjs';
import type { NodeId } from '../../core/ids.js';
import type { ConnectionChange, Inbound, PeerMessage, Rejection, Transport, TransportIdentity } from '../../ports/transport.js';

/** One direction of a link, as its sender sees it. Kept up to date by the network whenever anything about the link changes. */
export interface Route {
  /** Whether the receiver is started and nothing blocks the way. */
  up: boolean;
  /** The receiver when a message may be handed straight to it: the route is up and has no faults. */
  direct: MemoryTransport | null;
}

/** What a transport asks of its network. */
export interface Fabric {
  /** Makes the transport reachable under its identity. @throws {Error} when the id is taken. */
  join(transport: MemoryTransport): void;
  leave(transport: MemoryTransport): void;
  /** The transport's peers have changed. */
  rewire(): void;
  /** The slow way, for routes with faults. */
  transmit(from: MemoryTransport, to: NodeId, message: PeerMessage): void;
}

/**
 * A transport within one process, made by `MemoryNetwork.transport()`. Messages are handed over by
 * reference. Without faults, `send` calls the receiver's subscribers before it returns: one map look-up
 * and one object a message, since a million messages a second come this way in the benchmark.
 */
export class MemoryTransport implements Transport {
  /** The peers from `setPeers`, with the state of the way to each. */
  readonly routes = new Map<NodeId, Route>();
  /** Ways back to those who have this node as a peer but are not its peers, as a socket would answer on the connection it accepted. */
  readonly guests = new Map<NodeId, Route>();
  #identity: TransportIdentity | null = null;
  #stopped = false;
  readonly #fabric: Fabric;
  readonly #messages = new Subject<Inbound>();
  readonly #connections = new Subject<ConnectionChange>();
  readonly #rejections = new Subject<Rejection>();
  readonly #drops = new Subject<number>();

  readonly messages: Observable<Inbound> = this.#messages.asObservable();
  readonly connections: Observable<ConnectionChange> = this.#connections.asObservable();
  /** Never emits: what comes by reference can't be malformed. */
  readonly rejections: Observable<Rejection> = this.#rejections.asObservable();
  /** Never emits: nothing is queued. */
  readonly drops: Observable<number> = this.#drops.asObservable();

  constructor(fabric: Fabric) {
    this.#fabric = fabric;
  }

  /** Null before `start`. */
  get identity(): TransportIdentity | null {
    return this.#identity;
  }

  start(identity: TransportIdentity): Promise<void> {
    if (this.#identity !== null) return Promise.reject(new Error(`this transport was started as ${this.#identity.nodeId} already; make a new one`));
    if (this.#stopped) return Promise.reject(new Error('this transport was stopped; make a new one'));
    this.#identity = identity;
    try {
      this.#fabric.join(this);
    } catch (error) {
      this.#identity = null;
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    return Promise.resolve();
  }

  setPeers(addresses: ReadonlyMap<NodeId, string>): void {
    if (this.#stopped) return;
    const removed: NodeId[] = [];
    for (const [id, route] of this.routes) {
      if (addresses.has(id)) continue;
      this.routes.delete(id);
      if (route.up) removed.push(id);
    }
    for (const id of addresses.keys()) {
      if (id !== this.#identity?.nodeId && !this.routes.has(id)) this.routes.set(id, { up: false, direct: null });
    }
    for (const id of removed) this.#connections.next({ peer: id, up: false, error: 'no longer a peer' });
    this.#fabric.rewire();
  }

  send(to: NodeId, message: PeerMessage): void {
    const route = this.routes.get(to) ?? this.guests.get(to);
    if (route?.up !== true) return;
    if (route.direct !== null) route.direct.receive((this.#identity as TransportIdentity).nodeId, message); // a route is up only once started
    else this.#fabric.transmit(this, to, message);
  }

  flush(): void {
    // Nothing is coalesced.
  }

  /** For the network: a message has arrived. */
  receive(from: NodeId, message: PeerMessage): void {
    this.#messages.next({ from, message });
  }

  /** For the network: the way to a peer has opened or closed. */
  connectionChanged(change: ConnectionChange): void {
    this.#connections.next(change);
  }

  /** For the network: the process has "crashed". Nothing arrives, leaves or is announced any more; the streams stay silent. */
  cutOff(): void {
    this.#stopped = true;
    this.routes.clear();
    this.guests.clear();
  }

  stop(): Promise<void> {
    const wasRunning = !this.#stopped;
    this.cutOff();
    if (wasRunning) this.#fabric.leave(this);
    this.#messages.complete();
    this.#connections.complete();
    this.#rejections.complete();
    this.#drops.complete();
    return Promise.resolve();
  }
}
