import type { NodeId } from '../../core/ids.js';
import { Random } from '../../core/random.js';
import type { ConnectionChange, PeerMessage } from '../../ports/transport.js';
import { checkFaults, NO_FAULTS, timerScheduler, type Intercept, type LinkFaults, type Scheduler } from './faults.js';
import { MemoryTransport, type Fabric, type Route } from './transport.js';

export interface MemoryNetworkOptions {
  /** Seeds every random choice; the same seed and the same calls give the same run. Default 1. */
  readonly seed?: number;
  /** What delays are measured with. Default: real timers. */
  readonly clock?: Scheduler;
}

/**
 * A network within one process that can lose, delay, reorder and double messages and be partitioned, all
 * from one seed. Without faults it delivers at once, by reference.
 *
 * Changes to the network show in `connections` before the call that makes them returns. What is on its way
 * when a link is cut is lost.
 *
 * @example
 * const network = new MemoryNetwork({ seed: 7 });
 * const transports = ['a', 'b', 'c'].map(() => network.transport()); // start each as one of the nodes
 * network.setFaults({ lossRate: 0.1, delayMs: [1, 20] });
 * network.isolate('a');
 * network.heal();
 */
export class MemoryNetwork {
  readonly #transports = new Map<string, MemoryTransport>(); // by cluster and node
  readonly #blocked = new Set<string>(); // 'from/to'
  readonly #isolated = new Set<NodeId>();
  readonly #linkFaults = new Map<string, LinkFaults>();
  #faults: LinkFaults = NO_FAULTS;
  #intercept: Intercept | null = null;
  #pending: { readonly transport: MemoryTransport; readonly change: ConnectionChange }[] = [];
  #announcing = false;
  readonly #random: Random;
  readonly #clock: Scheduler;
  readonly #fabric: Fabric;

  constructor(options: MemoryNetworkOptions = {}) {
    this.#random = new Random(options.seed ?? 1);
    this.#clock = options.clock ?? timerScheduler;
    this.#fabric = {
      join: (transport) => {
        const key = keyOf(transport);
        if (this.#transports.has(key)) throw new Error(`${key} is on this network already; stop or detach it first`);
        this.#transports.set(key, transport);
        this.#refresh();
      },
      leave: (transport) => {
        if (transport.identity !== null && this.#transports.get(keyOf(transport)) === transport) this.#transports.delete(keyOf(transport));
        this.#refresh();
      },
      rewire: () => {
        this.#refresh();
      },
      transmit: (from, to, message) => {
        this.#transmit(from, to, message);
      },
    };
  }

  /** A transport for one run of one node; it joins the network when it is started. */
  transport(): MemoryTransport {
    return new MemoryTransport(this.#fabric);
  }

  /** Sets the faults of every link that has none of its own, or of one direction of one link. What is left out is faultless. */
  setFaults(faults: Partial<LinkFaults>, link?: { readonly from: NodeId; readonly to: NodeId }): void {
    const whole = { ...NO_FAULTS, ...faults };
    checkFaults(whole);
    if (link === undefined) this.#faults = whole;
    else this.#linkFaults.set(`${link.from}/${link.to}`, whole);
    this.#refresh();
  }

  /** Shows every message to `hook` before the link's faults apply; null removes the hook. */
  intercept(hook: Intercept | null): void {
    this.#intercept = hook;
    this.#refresh();
  }

  /** Cuts one direction: what `from` sends to `to` is lost. */
  block(from: NodeId, to: NodeId): void {
    this.#blocked.add(`${from}/${to}`);
    this.#refresh();
  }

  /** Opens one direction again. */
  unblock(from: NodeId, to: NodeId): void {
    this.#blocked.delete(`${from}/${to}`);
    this.#refresh();
  }

  /** Cuts every link between the two groups, both ways. */
  partition(groupA: readonly NodeId[], groupB: readonly NodeId[]): void {
    for (const a of groupA) {
      for (const b of groupB) {
        this.#blocked.add(`${a}/${b}`);
        this.#blocked.add(`${b}/${a}`);
      }
    }
    this.#refresh();
  }

  /** Cuts every link of a node, both ways, also to nodes that join later. */
  isolate(id: NodeId): void {
    this.#isolated.add(id);
    this.#refresh();
  }

  /** Opens every link that was cut. Loss, delay and the hook stay as they are. */
  heal(): void {
    this.#blocked.clear();
    this.#isolated.clear();
    this.#refresh();
  }

  /** As if the node's process had died: its transport is inert from now on, and another one may start under the id. */
  detach(id: NodeId): void {
    for (const [key, transport] of this.#transports) {
      if (transport.identity?.nodeId !== id) continue;
      this.#transports.delete(key);
      transport.cutOff();
    }
    this.#refresh();
  }

  /** Brings every route up to date, and only then tells what has changed, so that nobody sees half a partition. */
  #refresh(): void {
    for (const transport of this.#transports.values()) {
      transport.guests.clear();
      for (const [to, route] of transport.routes) {
        const wasUp = route.up;
        this.#update(route, transport, to);
        if (route.up !== wasUp) {
          const error = route.up ? '' : this.#receiver(transport, to) === null ? 'peer stopped' : 'link cut';
          this.#pending.push({ transport, change: { peer: to, up: route.up, error } });
        }
      }
    }
    for (const host of this.#transports.values()) {
      for (const guest of host.routes.keys()) this.#welcome(host, guest);
    }
    this.#announce();
  }

  /** Gives a node that is dialled by a host it doesn't know a way back to the host. */
  #welcome(host: MemoryTransport, guestId: NodeId): void {
    const guest = this.#receiver(host, guestId);
    const hostId = host.identity?.nodeId;
    if (guest === null || hostId === undefined || guest.routes.has(hostId)) return;
    const route: Route = { up: false, direct: null };
    this.#update(route, guest, hostId);
    guest.guests.set(hostId, route);
  }

  #update(route: Route, from: MemoryTransport, to: NodeId): void {
    const fromId = from.identity?.nodeId ?? '';
    const receiver = this.#receiver(from, to);
    const key = `${fromId}/${to}`;
    route.up = receiver !== null && !this.#blocked.has(key) && !this.#isolated.has(fromId) && !this.#isolated.has(to);
    const hasFaults = this.#intercept !== null || !isFaultless(this.#linkFaults.get(key) ?? this.#faults);
    route.direct = route.up && !hasFaults ? receiver : null;
  }

  /** Whom `to` means for `from`: nodes of another cluster are out of reach. */
  #receiver(from: MemoryTransport, to: NodeId): MemoryTransport | null {
    return this.#transports.get(`${from.identity?.clusterId ?? ''}/${to}`) ?? null;
  }

  #announce(): void {
    if (this.#announcing) return; // a subscriber changed the network: the loop below goes on with what that brought
    this.#announcing = true;
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) next.transport.connectionChanged(next.change);
    this.#announcing = false;
  }

  #transmit(from: MemoryTransport, to: NodeId, message: PeerMessage): void {
    const fromId = from.identity?.nodeId ?? '';
    const receiver = this.#receiver(from, to);
    if (receiver === null) return;
    const faults = this.#linkFaults.get(`${fromId}/${to}`) ?? this.#faults;
    const verdict = this.#intercept?.(fromId, to, message) ?? 'deliver';
    if (verdict === 'drop') return;
    if (faults.lossRate > 0 && this.#random.next() < faults.lossRate) return;
    const copies = faults.duplicateRate > 0 && this.#random.next() < faults.duplicateRate ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const [least, most] = faults.delayMs;
      const delayMs = verdict !== 'deliver' ? verdict.delayMs : most > least ? this.#random.between(least, most) : least;
      if (delayMs === 0) receiver.receive(fromId, message);
      else this.#clock.schedule(delayMs, () => { this.#deliver(fromId, to, receiver, message); });
    }
  }

  /** The end of a delay: the receiver may have gone, or the link been cut, in the meantime. */
  #deliver(fromId: NodeId, to: NodeId, receiver: MemoryTransport, message: PeerMessage): void {
    if (this.#transports.get(keyOf(receiver)) !== receiver) return;
    if (this.#blocked.has(`${fromId}/${to}`) || this.#isolated.has(fromId) || this.#isolated.has(to)) return;
    receiver.receive(fromId, message);
  }
}

function keyOf(transport: MemoryTransport): string {
  return `${transport.identity?.clusterId ?? ''}/${transport.identity?.nodeId ?? ''}`;
}

function isFaultless(faults: LinkFaults): boolean {
  return faults.lossRate === 0 && faults.duplicateRate === 0 && faults.delayMs[1] === 0;
}
