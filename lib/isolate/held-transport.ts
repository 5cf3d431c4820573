import { Subject, Subscription, type Observable } from 'rxjs';
import type { NodeId } from '../core/ids.js';
import { Numbered } from '../node/numbered.js';
import type { ConnectionChange, ForwardRequest, ForwardOutcome, Inbound, PeerMessage, Rejection, Transport, TransportIdentity } from '../ports/transport.js';
import type { ToApplication } from './messages.js';

export interface HeldTransportParts {
  readonly inner: Transport;
  readonly post: (message: ToApplication) => void;
  /** Whether the application is too far behind for the node to take on more. */
  readonly isHeld: () => boolean;
  /** Commands of other nodes that may wait for the application at once. */
  readonly maxChecks: number;
  readonly now: () => number;
}

/**
 * The node's transport, between the node and its peers, for what only the application can judge: whether it can read another
 * node's command (once in the log, one that can't be read would stop every node), and whether it is so far behind
 * that the node takes no more. Entries that are dropped then are sent again by their leader, at the pace of its
 * heartbeats; commands are refused.
 */
export class HeldTransport implements Transport {
  readonly messages: Observable<Inbound>;
  readonly connections: Observable<ConnectionChange>;
  readonly rejections: Observable<Rejection>;
  readonly drops: Observable<number>;

  readonly #inbound = new Subject<Inbound>();
  readonly #subscription = new Subscription();
  /** Commands of other nodes that the application is looking at. */
  readonly #checks = new Numbered<{ readonly from: NodeId; readonly message: ForwardRequest }>();
  /** Commands of other nodes whose result they may be waiting for, until when; oldest first. */
  readonly #unanswered = new Map<string, number>();
  #dropped = 0;

  constructor(private readonly parts: HeldTransportParts) {
    const { inner } = parts;
    this.messages = this.#inbound.asObservable();
    this.connections = inner.connections;
    this.rejections = inner.rejections;
    this.drops = inner.drops;
    this.#subscription.add(inner.messages.subscribe({ next: (inbound) => this.#receive(inbound), complete: () => this.#inbound.complete() }));
  }

  /** Whether a command of another node is somewhere between its arrival and its answer. */
  get hasUnanswered(): boolean {
    const now = this.parts.now();
    for (const [key, until] of this.#unanswered) {
      if (until > now) return true;
      this.#unanswered.delete(key);
    }
    return false;
  }

  start(identity: TransportIdentity): Promise<void> {
    return this.parts.inner.start(identity);
  }

  setPeers(addresses: ReadonlyMap<NodeId, string>): void {
    this.parts.inner.setPeers(addresses);
  }

  send(to: NodeId, message: PeerMessage): void {
    if (message.type === 'forwardReply') this.#unanswered.delete(`${to}/${message.id}`);
    this.parts.inner.send(to, message);
  }

  flush(): void {
    this.parts.inner.flush();
  }

  async stop(): Promise<void> {
    await this.parts.inner.stop();
    this.#subscription.unsubscribe();
  }

  /** The application has looked at a command: `error` says why it can't read it. */
  handleChecked(request: number, error: string | null): void {
    const waiting = this.#checks.get(request);
    this.#checks.delete(request);
    if (waiting === undefined) return;
    if (error !== null) return this.#refuse(waiting.from, waiting.message, 'rejected', error);
    this.#unanswered.set(`${waiting.from}/${waiting.message.id}`, this.parts.now() + waiting.message.timeoutMs * 2);
    this.#inbound.next(waiting);
  }

  #receive(inbound: Inbound): void {
    const { from, message } = inbound;
    if (message.type === 'forwardRequest' && message.operation === 'propose') return this.#check(from, message);
    if (message.type === 'append' && message.entries.length > 0 && this.parts.isHeld()) {
      this.#dropped += 1;
      return;
    }
    if (this.#dropped > 0 && !this.parts.isHeld()) {
      this.parts.post({ type: 'dropped', count: this.#dropped });
      this.#dropped = 0;
    }
    this.#inbound.next(inbound);
  }

  #check(from: NodeId, message: ForwardRequest): void {
    if (this.#checks.size >= this.parts.maxChecks || this.parts.isHeld()) return this.#refuse(from, message, 'overloaded', '');
    this.parts.post({ type: 'check', request: this.#checks.add({ from, message }), payload: message.payload });
  }

  #refuse(to: NodeId, { id }: ForwardRequest, code: 'rejected' | 'overloaded', message: string): void {
    const outcome: ForwardOutcome = { ok: false, code, message, leaderId: null };
    this.send(to, { type: 'forwardReply', id, outcome });
    this.flush();
  }
}
