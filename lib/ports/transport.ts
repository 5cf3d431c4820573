import type { Observable } from 'rxjs';
import type { LogIndex, NodeId, Term } from '../core/ids.js';
import type { RaftMessage } from '../core/messages.js';

/** What a follower asks of the leader: to propose a command, or how far it must have applied before it may answer reads itself. */
export interface ForwardRequest {
  readonly type: 'forwardRequest';
  /** The sender's own number for it; the reply carries it back. */
  readonly id: number;
  readonly operation: 'propose' | 'readIndex';
  /** The encoded command; empty for `readIndex`. */
  readonly payload: Uint8Array;
  /** How long the sender will wait. */
  readonly timeoutMs: number;
}

/** What became of a forwarded command or query. */
export interface ForwardReply {
  readonly type: 'forwardReply';
  readonly id: number;
  readonly outcome: ForwardOutcome;
}

/** `index` is the command's, or the read index; `value` the encoded result, empty for `readIndex`. `code` names the error class that the leader's caller would have got. */
export type ForwardOutcome =
  | { readonly ok: true; readonly index: LogIndex; readonly term: Term; readonly value: Uint8Array }
  | { readonly ok: false; readonly code: ForwardErrorCode; readonly message: string; readonly leaderId: NodeId | null };

export type ForwardErrorCode = 'notLeader' | 'indeterminate' | 'rejected' | 'overloaded' | 'timeout' | 'stopped';

/** Everything that travels between two nodes. */
export type PeerMessage = RaftMessage | ForwardRequest | ForwardReply;

/** A message as it arrived; `from` was checked by the transport. */
export interface Inbound {
  readonly from: NodeId;
  readonly message: PeerMessage;
}

/** A change of the outgoing connection to a peer. */
export interface ConnectionChange {
  readonly peer: NodeId;
  readonly up: boolean;
  /** Why it is down; empty when up. */
  readonly error: string;
}

/** Input from the network that was refused, and whom it claimed to be from (null when it did not get that far). */
export interface Rejection {
  readonly from: NodeId | null;
  readonly reason: string;
}

/** Whom a transport speaks for. */
export interface TransportIdentity {
  readonly clusterId: string;
  readonly nodeId: NodeId;
}

/**
 * Carries messages between nodes, without any promise that they arrive: they may be lost, doubled and
 * reordered; Raft copes. What arrives is checked: shape, cluster and sender. A message that was damaged on its way is
 * refused, like any other that is no good, and never delivered: a wrong payload would make replicas differ.
 *
 * The four streams are hot, never error, and complete on `stop()`.
 */
export interface Transport {
  /** Starts to listen and to deliver. @throws {Error} with a sentence when the address can't be had. */
  start(identity: TransportIdentity): Promise<void>;
  /**
   * Follows the configuration: who the peers are (the own id is ignored) and where. Connections of those who were
   * peers and no longer are get closed. A node that never was a peer may still connect, since a new or long absent
   * server doesn't know its leader yet; it is answered over the connection that it opened.
   */
  setPeers(addresses: ReadonlyMap<NodeId, string>): void;
  /** Hands a message over. Never throws, never blocks; drops it when the peer is unknown and has not connected, is unreachable, or its bounded queue is full. */
  send(to: NodeId, message: PeerMessage): void;
  /** The turn is over: whatever was coalesced may leave now. */
  flush(): void;
  readonly messages: Observable<Inbound>;
  readonly connections: Observable<ConnectionChange>;
  readonly rejections: Observable<Rejection>;
  /** Outbound messages dropped at the bound, as counts. */
  readonly drops: Observable<number>;
  /** Closes every socket. A second call is a no-op. */
  stop(): Promise<void>;
}
