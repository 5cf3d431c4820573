import { EMPTY_PAYLOAD } from '../core/entry.js';
import type { RaftEventBody } from '../core/events.js';
import type { LogIndex, NodeId, Term } from '../core/ids.js';
import type { Input } from '../core/inputs.js';
import type { ProposalOutcome, TurnOutput } from '../core/output.js';
import type { RaftCore } from '../core/raft.js';
import type { Clock } from '../ports/clock.js';
import type { Codec } from '../ports/codec.js';
import { NotLeaderError, OverloadedError, ProposalIndeterminateError, ProposalRejectedError, StoppedError } from '../ports/errors.js';
import type { ForwardOutcome, ForwardReply, ForwardRequest } from '../ports/transport.js';
import { Deadlines } from './deadlines.js';
import { Forwarder, refusalOf } from './forwarding.js';
import type { NodeOptions, ResolvedOptions } from './options.js';
import { inputOf, Proposal, ProposalTable, type AppliedRange } from './proposals.js';
import type { Applied } from './raft-node.js';
import { PendingRead, ReadTable } from './reads.js';
import { SeenRequests } from './seen-requests.js';

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
  private readonly seenRequests = new SeenRequests();
  /** Who waits for the `propose` input of the turn that runs. */
  private readonly proposing: (readonly Proposal[])[] = [];
  private knownLeader: NodeId | null = null;
  /** Reads that were served and not reported yet. */
  private readonly served = { linearizable: 0, lease: 0 };
  private isStopping = false;
  private isRestoring = false;

  constructor(private readonly parts: ClientCallsParts<C, R, Q, A>) {
    const { limits, runId } = parts.resolved;
    this.proposals = new ProposalTable(limits.maxPendingProposals);
    this.reads = new ReadTable(limits.maxPendingReads, { serve: (read) => this.serveRead(read), refuse: (read) => this.forwardRead(read) });
    this.forwarder = new Forwarder(parts.options.transport, parts.addressOf, runId);
    this.deadlines = new Deadlines(parts.clock, (now) => this.expire(now));
  }

  /** Calls that have no answer yet. */
  get pendingCount(): number {
    return this.proposals.count + this.forwarder.count;
  }

  /** Whether a proposal or a read may be answered by what the state machine takes next. */
  get areWaiting(): boolean {
    return this.proposals.count + this.reads.count > 0;
  }

  /** The node stops: other nodes' calls are refused from now on. (It takes no more of its own either.) */
  takeNoMore(): void {
    this.isStopping = true;
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

  /**
   * A read that asks nobody, unless what is here may be older than `maxStalenessMs`, or is just being replaced by a
   * snapshot: then it is read like any other.
   * @throws {OverloadedError}
   */
  readStale(read: PendingRead, maxStalenessMs: number): void {
    if (!(this.stalenessMs <= maxStalenessMs) || this.parts.core.restoring !== null) {
      this.read(read);
      return;
    }
    this.answer(read);
    this.parts.report({ type: 'ReadServed', term: this.term, mode: 'stale', count: 1 });
  }

  /** How old the state here can be at most, by the last proof of its freshness; Infinity before the first. */
  get stalenessMs(): number {
    return this.parts.clock.now() - this.reads.freshAt;
  }

  /** What is proposed from now on comes after some other call; false when nothing waits. */
  cutOff(): boolean {
    return this.proposals.cutOff();
  }

  /** Adds what waits to the inputs of the turn that begins; of proposals the oldest group. */
  gather(inputs: Input[]): void {
    if (this.proposals.hasWaiting) {
      const group = this.proposals.takeWaiting();
      this.proposing.push(group);
      inputs.push(inputOf(group));
    }
    if (this.reads.hasWaiting) this.reads.gather(inputs);
  }

  /** Takes the core's answers of the turn. */
  settle(output: TurnOutput): void {
    const { leaderId } = this.parts.core;
    if (leaderId !== this.knownLeader) {
      this.knownLeader = leaderId;
      if (leaderId !== null) this.forwarder.handleLeader(leaderId);
    }
    this.noteRestored();
    for (const outcome of output.proposals) this.refuse(this.proposals.settle(this.proposing.shift() ?? [], outcome), outcome.refusal);
    if (output.reads.length === 0) return;
    this.reads.settle(output.reads, this.readableIndex);
    this.reportReads();
  }

  /** The state machine applied a range, and the core knows. */
  applied(range: AppliedRange, now: number): void {
    this.proposals.applied(range, now, this.term, this.parts.report);
    this.reads.applied(this.readableIndex);
    this.reportReads();
  }

  handleForwarded(from: NodeId, message: ForwardRequest | ForwardReply): void {
    if (message.type === 'forwardReply') this.forwarder.handleReply(from, message);
    else if (this.seenRequests.isNew(from, message.id)) this.serve(from, message);
  }

  handleConnection(peer: NodeId, up: boolean): void {
    this.forwarder.handleConnection(peer, up);
  }

  /** The node ends: everything is answered. Returns how many proposals were left in the log. */
  end(reason: 'stopped' | 'fatalError', cause: unknown): number {
    this.deadlines.close();
    // Those of a turn that broke off half-way: the core may have taken them.
    for (const proposal of this.proposing.splice(0).flat()) proposal.reject(new ProposalIndeterminateError(reason, { cause }));
    this.reads.end(new StoppedError(reason === 'stopped' ? 'stopped' : 'failed'));
    this.forwarder.end(reason);
    return this.proposals.end(reason, cause);
  }

  private get term(): Term {
    return this.parts.core.term;
  }

  /** What the state machine holds whole: nothing, while it is being replaced by a snapshot. */
  private get readableIndex(): LogIndex {
    const { restoring, appliedIndex } = this.parts.core;
    return restoring === null ? appliedIndex : -1;
  }

  /** A snapshot took the place of entries: reads that waited for them go on, and what became of proposals among them is not known. */
  private noteRestored(): void {
    const { restoring, appliedIndex } = this.parts.core;
    const wasRestoring = this.isRestoring;
    this.isRestoring = restoring !== null;
    if (!wasRestoring || this.isRestoring) return;
    const lost = this.proposals.forgetThrough(appliedIndex);
    if (lost > 0) this.parts.report({ type: 'ProposalsDropped', term: this.term, count: lost, reason: 'indeterminate' });
    this.reads.applied(appliedIndex);
    this.reportReads();
  }

  private refuse(proposals: readonly Proposal[], refusal: ProposalOutcome['refusal']): void {
    for (const proposal of proposals) {
      if (refusal === 'overloaded') proposal.reject(new OverloadedError('maxUncommittedBytes', this.parts.resolved.core.maxUncommittedBytes));
      else if (refusal === 'stopping') proposal.reject(new StoppedError('stopping'));
      else if (refusal === 'transferring') proposal.reject(new ProposalRejectedError('leadership is being transferred'));
      else this.forwardProposal(proposal);
    }
  }

  private forwardProposal(proposal: Proposal): void {
    const { valueCodec } = this.parts.options;
    proposal.stage = 'forwarded';
    const onReply = (index: LogIndex, term: Term, value: Uint8Array): void => proposal.resolve({ index, term, value: valueCodec.decode(value) });
    this.forward('propose', proposal, proposal.payload, onReply);
  }

  /** Asks the leader how far this node must be, then answers here (thesis §6.4): the leader does not do a follower's reading. */
  private forwardRead(read: PendingRead): void {
    this.forward('readIndex', read, EMPTY_PAYLOAD, (index) => {
      this.reads.confirm(read, index, this.readableIndex);
      this.reportReads();
    });
  }

  /** Hands a refused call on to the leader, one hop, or says that there is none to hand it to. */
  private forward(operation: ForwardRequest['operation'], call: Proposal | PendingRead, payload: Uint8Array, onReply: (index: LogIndex, term: Term, value: Uint8Array) => void): void {
    const { core, resolved, clock, options } = this.parts;
    const { leaderId } = core;
    const limit = resolved.limits.maxPendingProposals;
    if (call.isDone) return;
    if (leaderId === null || core.isLeader || call.isRemote) {
      call.reject(this.notLeader());
    } else if (this.forwarder.count >= limit) {
      call.reject(new OverloadedError('maxPendingProposals', limit));
    } else {
      this.forwarder.forward(payload, { leaderId, operation, call, onReply }, clock.now());
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
    if (this.isStopping) return refuse(new StoppedError('stopping'));
    try {
      if (request.operation === 'propose') {
        options.commandCodec.decode(request.payload); // once in the log, a command that can't be read would stop every node
        const proposal = new Proposal(request.payload, clock.now(), timeoutMs);
        proposal.isRemote = true;
        proposal.promise.then((applied) => reply(outcomeOf(applied, options.valueCodec)), refuse);
        this.propose(proposal);
      } else {
        const read = new PendingRead(undefined, false, clock.now(), timeoutMs);
        read.isRemote = true;
        read.promise.then((index) => reply({ ok: true, index: index as LogIndex, term: core.term, value: EMPTY_PAYLOAD }), refuse);
        this.read(read);
      }
    } catch (error) {
      refuse(error);
    }
  }

  /** Who is to be asked instead. */
  notLeader(): NotLeaderError {
    const { leaderId } = this.parts.core;
    return new NotLeaderError(leaderId, leaderId === null ? null : this.parts.addressOf(leaderId));
  }

  private serveRead(read: PendingRead): void {
    this.served[read.lease ? 'lease' : 'linearizable'] += 1;
    this.answer(read);
  }

  /** Asks the state machine. */
  private answer(read: PendingRead): void {
    const { stateMachine } = this.parts.options;
    try {
      if (stateMachine.query === undefined) throw new TypeError('this state machine answers no queries: it has no query method');
      const answer = stateMachine.query(read.query as Q);
      if (!(answer instanceof Promise)) return read.resolve(answer);
      this.deadlines.watch(read.deadline);
      this.reads.answerLater(read, answer);
    } catch (error) {
      read.reject(error);
    }
  }

  private reportReads(): void {
    for (const mode of ['linearizable', 'lease'] as const) {
      const count = this.served[mode];
      if (count > 0) this.parts.report({ type: 'ReadServed', term: this.term, mode, count });
      this.served[mode] = 0;
    }
  }

  private expire(now: number): number {
    const { dropped, next } = this.proposals.expire(now);
    if (dropped > 0) this.parts.report({ type: 'ProposalsDropped', term: this.term, count: dropped, reason: 'timedOut' });
    return Math.min(next, this.reads.expire(now), this.forwarder.expire(now));
  }
}

/** A result that the codec can't carry does not undo the command: the sender must not take it for refused. */
function outcomeOf({ index, term, value }: Applied<unknown>, codec: Codec<unknown>): ForwardOutcome {
  try {
    return { ok: true, index, term, value: codec.encode(value) };
  } catch (error) {
    return { ok: false, code: 'indeterminate', message: `the result can't be encoded: ${String(error)}`, leaderId: null };
  }
}
