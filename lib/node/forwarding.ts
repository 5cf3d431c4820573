import type { LogIndex, NodeId, Term } from '../core/ids.js';
import type { Call } from './call.js';
import { Numbered } from './numbered.js';
import { NotLeaderError, OverloadedError, ProposalIndeterminateError, ProposalRejectedError, StoppedError, TimeoutError } from '../ports/errors.js';
import type { ForwardErrorCode, ForwardOutcome, ForwardReply, ForwardRequest, Transport } from '../ports/transport.js';

/** A call that is with the leader. */
interface Forwarded {
  readonly leaderId: NodeId;
  readonly operation: ForwardRequest['operation'];
  readonly call: Pick<Call<never>, 'deadline' | 'timeoutMs' | 'reject' | 'whenDone'>;
  readonly onReply: (index: LogIndex, term: Term, value: Uint8Array) => void;
}

/**
 * A follower's side of forwarding: hands requests to the leader and matches its replies. A request goes one
 * hop; the leader it reaches answers or refuses, so that a loop can't arise. When the connection breaks, a
 * command's fate is unknown and a query's is not.
 */
export class Forwarder {
  /** Peers that the transport says it can't reach: it would drop what is sent to them. */
  private readonly unreachable = new Set<NodeId>();
  /** Every request whose call is not settled. */
  private readonly pending = new Numbered<Forwarded>();
  /** Added to their numbers, so that a late reply to an earlier run of this node matches nothing. */
  private readonly idBase: number;

  constructor(
    private readonly transport: Transport,
    private readonly addressOf: (id: NodeId) => string | null,
    runId: string,
  ) {
    this.idBase = idBaseOf(runId);
  }

  get count(): number {
    return this.pending.size;
  }

  /** Sends a request to the leader, or refuses it at once when the leader can't be reached: nothing happened then. */
  forward(payload: Uint8Array, request: Forwarded, now: number): void {
    if (this.unreachable.has(request.leaderId)) {
      request.call.reject(new NotLeaderError(null, null));
      return;
    }
    const number = this.pending.add(request);
    const timeoutMs = Math.max(1, Math.ceil(request.call.deadline - now));
    request.call.whenDone(() => this.pending.delete(number));
    this.transport.send(request.leaderId, { type: 'forwardRequest', id: this.idBase + number, operation: request.operation, payload, timeoutMs });
  }

  handleReply(from: NodeId, reply: ForwardReply): void {
    const number = reply.id - this.idBase;
    const request = this.pending.get(number);
    if (request?.leaderId !== from) return;
    this.pending.delete(number);
    const { outcome } = reply;
    if (!outcome.ok) return request.call.reject(errorOf(outcome, this.addressOf, request.call.timeoutMs));
    try {
      request.onReply(outcome.index, outcome.term, outcome.value);
    } catch (error) {
      request.call.reject(error); // done on the leader, but this node can't read the result
    }
  }

  /** The connection to a peer broke or is back. What was with it when it broke gets no reply. */
  handleConnection(peer: NodeId, up: boolean): void {
    if (up) this.unreachable.delete(peer);
    else {
      this.unreachable.add(peer);
      this.abandon((leaderId) => leaderId === peer);
    }
  }

  /** Another leader is known: the one before may be cut off without its connection having broken, and never reply. */
  handleLeader(leaderId: NodeId): void {
    this.abandon((other) => other !== leaderId);
  }

  private abandon(isGone: (leaderId: NodeId) => boolean): void {
    for (const request of this.pending.values()) {
      if (!isGone(request.leaderId)) continue;
      request.call.reject(request.operation === 'propose' ? new ProposalIndeterminateError('connectionLost') : new NotLeaderError(null, null));
    }
  }

  /** Ends every request whose time is up; returns the next deadline. */
  expire(now: number): number {
    let next = Infinity;
    for (const request of this.pending.values()) {
      if (request.call.deadline > now) {
        next = Math.min(next, request.call.deadline);
        continue;
      }
      request.call.reject(request.operation === 'propose' ? new ProposalIndeterminateError('timeout') : new TimeoutError('read', request.call.timeoutMs));
    }
    return next;
  }

  /** The node ends. */
  end(reason: 'stopped' | 'fatalError'): void {
    for (const request of this.pending.values()) {
      request.call.reject(request.operation === 'propose' ? new ProposalIndeterminateError(reason) : new StoppedError(reason === 'stopped' ? 'stopped' : 'failed'));
    }
  }
}

/** What a leader answers when its own call failed. */
export function refusalOf(error: unknown): ForwardOutcome & { ok: false } {
  const leaderId = error instanceof NotLeaderError ? error.leaderId : null;
  return { ok: false, code: codeOf(error), message: messageOf(error), leaderId };
}

/** For a rejected proposal its reason alone, which the sender's own error puts into words again. */
function messageOf(error: unknown): string {
  if (error instanceof ProposalRejectedError) return error.reason;
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): ForwardErrorCode {
  if (error instanceof NotLeaderError) return 'notLeader';
  if (error instanceof OverloadedError) return 'overloaded';
  if (error instanceof TimeoutError) return 'timeout';
  if (error instanceof StoppedError) return 'stopped';
  if (error instanceof ProposalIndeterminateError) return 'indeterminate';
  return 'rejected';
}

/** The leader's error as the class that its own caller would have got. */
function errorOf(outcome: ForwardOutcome & { ok: false }, addressOf: (id: NodeId) => string | null, timeoutMs: number): Error {
  switch (outcome.code) {
    case 'notLeader':
      return new NotLeaderError(outcome.leaderId, outcome.leaderId === null ? null : addressOf(outcome.leaderId));
    case 'overloaded':
      return new OverloadedError('the leader', 0);
    case 'timeout':
      return new TimeoutError('the forwarded request', timeoutMs);
    case 'stopped':
      return new StoppedError('stopping (the leader)');
    case 'indeterminate':
      return new ProposalIndeterminateError('leadershipLost');
    case 'rejected':
      return new ProposalRejectedError(outcome.message);
    default:
      return outcome.code satisfies never;
  }
}

/** Where a run's numbers begin: runs of one node differ in it. */
function idBaseOf(runId: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < runId.length; i += 1) hash = Math.imul(hash ^ runId.charCodeAt(i), 0x01000193);
  return (hash >>> 0) * 2 ** 20;
}
