import type { RaftEventBody } from '../core/events.js';
import type { LogIndex, NodeId, Term } from '../core/ids.js';
import type { Input } from '../core/inputs.js';
import type { TurnOutput } from '../core/output.js';
import type { RaftCore } from '../core/raft.js';
import type { Clock } from '../ports/clock.js';
import { NotLeaderError, OverloadedError, ProposalIndeterminateError, StoppedError } from '../ports/errors.js';
import type { ForwardOutcome, ForwardReply, ForwardRequest } from '../ports/transport.js';
import { Deadlines } from './deadlines.js';
import { Forwarder, refusalOf } from './forwarding.js';
import type { NodeOptions, ResolvedOptions } from './options.js';
import { Proposal, ProposalTable, type AppliedRange } from './proposals.js';
import { PendingRead, ReadTable } from './reads.js';

export interface ClientCallsParts<C, R, Q, A> {
  readonly options: NodeOptions<C, R, Q, A>;
  readonly resolved: ResolvedOptions;
  readonly clock: Clock;
  readonly core: RaftCore;
  readonly addressOf: (id: NodeId) => string | null;
  readonly report: (event: RaftEventBody) => void;
  /** Something waits for a turn. */
  readonly wake: () => void;
}

/** Every `propose` and `read` that is not answered yet, wherever it is: waiting, in the log, or with the leader. */
export class ClientCalls<C, R, Q, A> {
  private readonly proposals: ProposalTable;
  private readonly reads: ReadTable;
  private readonly forwarder: Forwarder;
  private readonly deadlines: Deadlines;
  /** Who waits for the `propose` input of the turn that runs. */
  private proposing: readonly Proposal[] = [];

  constructor(private readonly parts: ClientCallsParts<C, R, Q, A>) {
    const { limits, core } = parts.resolved;
    this.proposals = new ProposalTable(limits.maxPendingProposals);
    this.reads = new ReadTable(limits.maxPendingReads, { serve: (read) => this.answer(read), refuse: (read) => this.forwardRead(read) });
    // A late reply to an earlier run of this node must match no request of this one.
    this.forwarder = new Forwarder(parts.options.transport, parts.addressOf, (core.seed >>> 0) * 2 ** 20 + 1);
    this.deadlines = new Deadlines(parts.clock, (now) => this.expire(now));
  }

  /** Calls that have no answer yet. */
  get pendingCount(): number {
    return this.proposals.count + this.forwarder.count;
  }

  /** @throws {OverloadedError} */
  propose(proposal: Proposal): void {
    this.proposals.add(proposal);
    this.deadlines.watch(proposal.deadline);
    this.parts.wake();
  }

  /** The caller of a proposal gave up on it. */
  noteAborted(proposal: Proposal): void {
    if (proposal.stage === 'standing') this.parts.report({ type: 'ProposalsDropped', term: this.term, count: 1, reason: 'aborted' });
  }

  /** @throws {OverloadedError} */
  read(read: PendingRead): void {
    this.reads.add(read);
    this.deadlines.watch(read.deadline);
    this.parts.wake();
  }

  /** A read that asks nobody. */
  readStale(read: PendingRead): void {
    this.answer(read);
    this.parts.report({ type: 'ReadServed', term: this.term, mode: 'stale', count: 1 });
  }

  /** Adds what waits to the inputs of the turn that begins. */
  gather(inputs: Input[]): void {
    if (this.proposals.hasWaiting) {
      this.proposing = this.proposals.takeWaiting();
      inputs.push({ type: 'propose', payloads: this.proposing.map((proposal) => proposal.payload) });
    }
    if (this.reads.hasWaiting) this.reads.gather(inputs);
  }

  /** Takes the core's answers of the turn. */
  settle(output: TurnOutput): void {
    for (const outcome of output.proposals) this.refuse(this.proposals.settle(this.proposing, outcome), outcome.refusal);
    if (output.proposals.length > 0) this.proposing = [];
    if (output.reads.length > 0) this.reportReads(this.reads.settle(output.reads, this.parts.core.appliedIndex));
  }

  /** The state machine applied a range. */
  applied(range: AppliedRange, through: LogIndex): void {
    this.proposals.applied(range, this.parts.clock.now(), this.term, this.parts.report);
    this.reportReads(this.reads.applied(through));
  }

  handleForwarded(from: NodeId, message: ForwardRequest | ForwardReply): void {
    if (message.type === 'forwardReply') this.forwarder.handleReply(from, message);
    else this.serve(from, message);
  }

  handleDisconnect(peer: NodeId): void {
    this.forwarder.handleDisconnect(peer);
  }

  /** The node ends: everything is answered. Returns how many proposals were left in the log. */
  end(reason: 'stopped' | 'fatalError', cause: unknown): number {
    this.deadlines.close();
    // Those of a turn that broke off half-way: the core may have taken them.
    for (const proposal of this.proposing) proposal.reject(new ProposalIndeterminateError(reason, { cause }));
    this.proposing = [];
    this.reads.end(new StoppedError(reason === 'stopped' ? 'stopped' : 'failed'));
    this.forwarder.end(reason);
    return this.proposals.end(reason, cause);
  }

  private get term(): Term {
    return this.parts.core.term;
  }

  private refuse(proposals: readonly Proposal[], refusal: 'notLeader' | 'overloaded' | 'stopping' | null): void {
    for (const proposal of proposals) {
      if (refusal === 'overloaded') proposal.reject(new OverloadedError('maxUncommittedBytes', this.parts.resolved.core.maxUncommittedBytes));
      else if (refusal === 'stopping') proposal.reject(new StoppedError('stopping'));
      else this.forwardProposal(proposal);
    }
  }

  private forwardProposal(proposal: Proposal): void {
    const { valueCodec } = this.parts.options;
    proposal.stage = 'forwarded';
    const onReply = (index: LogIndex, term: Term, value: Uint8Array): void => proposal.resolve({ index, term, value: valueCodec.decode(value) });
    this.forward('propose', proposal, () => proposal.payload, onReply);
  }

  private forwardRead(read: PendingRead): void {
    const { valueCodec } = this.parts.options;
    const onReply = (_index: LogIndex, _term: Term, value: Uint8Array): void => read.resolve(valueCodec.decode(value));
    this.forward('read', read, () => valueCodec.encode(read.query), onReply);
  }

  /** Hands a refused call on to the leader, one hop, or says that there is none to hand it to. */
  private forward(operation: 'propose' | 'read', call: Proposal | PendingRead, encode: () => Uint8Array, onReply: (index: LogIndex, term: Term, value: Uint8Array) => void): void {
    const { core, resolved, clock, options, addressOf } = this.parts;
    const { leaderId } = core;
    const limit = resolved.limits.maxPendingProposals;
    if (leaderId === null || core.isLeader || call.isRemote) {
      call.reject(new NotLeaderError(leaderId, leaderId === null ? null : addressOf(leaderId)));
    } else if (this.forwarder.count >= limit) {
      call.reject(new OverloadedError('maxPendingProposals', limit));
    } else {
      this.forwarder.forward(encode(), { leaderId, operation, call, onReply }, clock.now());
      options.transport.flush();
    }
  }

  /** Serves another node's call as if it were this node's own, but never hands it on again. */
  private serve(from: NodeId, request: ForwardRequest): void {
    const { options, clock, resolved, core } = this.parts;
    const timeoutMs = Math.min(request.timeoutMs, resolved.limits.requestTimeoutMs);
    const reply = (outcome: ForwardOutcome): void => {
      options.transport.send(from, { type: 'forwardReply', id: request.id, outcome });
      options.transport.flush();
    };
    const refuse = (error: unknown): void => reply(refusalOf(error));
    try {
      if (request.operation === 'propose') {
        const proposal = new Proposal(request.payload, clock.now(), timeoutMs);
        proposal.isRemote = true;
        proposal.promise.then(({ index, term, value }) => reply({ ok: true, index, term, value: options.valueCodec.encode(value) })).catch(refuse);
        this.propose(proposal);
      } else {
        const read = new PendingRead(options.valueCodec.decode(request.payload), false, clock.now(), timeoutMs);
        read.isRemote = true;
        read.promise.then((answer) => reply({ ok: true, index: core.appliedIndex, term: core.term, value: options.valueCodec.encode(answer) })).catch(refuse);
        this.read(read);
      }
    } catch (error) {
      refuse(error);
    }
  }

  /** Asks the state machine. */
  private answer(read: PendingRead): void {
    const { stateMachine } = this.parts.options;
    if (stateMachine.query === undefined) {
      read.reject(new TypeError('this state machine answers no queries: it has no query method'));
      return;
    }
    try {
      Promise.resolve(stateMachine.query(read.query as Q)).then((answer) => read.resolve(answer), (error: unknown) => read.reject(error));
    } catch (error) {
      read.reject(error);
    }
  }

  private reportReads(count: number): void {
    if (count > 0) this.parts.report({ type: 'ReadServed', term: this.term, mode: 'linearizable', count });
  }

  private expire(now: number): number {
    const { dropped, next } = this.proposals.expire(now);
    if (dropped > 0) this.parts.report({ type: 'ProposalsDropped', term: this.term, count: dropped, reason: 'timedOut' });
    return Math.min(next, this.reads.expire(now), this.forwarder.expire(now));
  }
}
