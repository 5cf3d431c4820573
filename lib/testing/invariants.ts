import type { RaftEvent } from '../core/events.js';
import { ORIGIN, type LogId, type LogIndex, type NodeId, type Term } from '../core/ids.js';
import { majorityOf } from '../core/quorum.js';
import type { CoreStatus } from '../core/status.js';
import { MetricsFold } from '../node/metrics/fold.js';
import { initialMetrics } from '../node/metrics/initial.js';
import type { RaftMetrics } from '../node/metrics/metrics.js';
import type { ObservedTurn } from '../node/turn-loop.js';
import { AgreedLog, isSame, nameOf } from './invariants/agreed-log.js';
import { configurationsFollowOneAnother, leaderCompleteness, logMatching, shadowEqualsLog, snapshotsAreOfWhatIsCommitted } from './invariants/log-checks.js';
import { durableBeforeSaid, oneVotePerTerm, persistedStateNeverGoesBack } from './invariants/promises.js';
import { eventsAreGapless, foldEqualsState, leadershipsArePaired } from './invariants/reporting.js';
import { ServerRecord, type DiskImage, type RunRecord } from './invariants/server-record.js';
import { ShadowLog } from './invariants/shadow-log.js';
import { ToldState } from './invariants/told-state.js';
import { InvariantViolation, must } from './invariants/violation.js';

export { InvariantViolation } from './invariants/violation.js';
export type { DiskImage } from './invariants/server-record.js';

/** What is checked of a run that begins. */
export interface ObservedRun {
  readonly runId: string;
  readonly metrics: () => RaftMetrics;
}

export interface InvariantsOptions {
  /** False when clocks differ by more than the lease's margin: then leases may overlap. Default true. */
  readonly areLeasesSafe?: boolean;
}

/**
 * The promises of Raft as executable checks over a whole cluster, one method each, named as the paper names
 * them. Fed by `turnObserver` and `events` of every node and by the disks beneath; throws an `InvariantViolation` at
 * the first turn that breaks one. The work of a turn is in proportion to what the turn changed.
 */
export class Invariants {
  readonly log = new AgreedLog();
  readonly #servers = new Map<NodeId, ServerRecord>();
  readonly #leaders = new Map<Term, NodeId>();
  readonly #areLeasesSafe: boolean;

  constructor(options: InvariantsOptions = {}) {
    this.#areLeasesSafe = options.areLeasesSafe ?? true;
  }

  /** A server of the cluster, before its first run. */
  addServer(id: NodeId, image: DiskImage): void {
    this.#servers.set(id, new ServerRecord(id, image));
  }

  /** A run begins; its turns and events follow. */
  beginRun(id: NodeId, { runId, metrics }: ObservedRun): void {
    this.#server(id).run = {
      runId,
      metrics,
      fold: new MetricsFold(initialMetrics(id, runId)),
      told: new ToldState(),
      seq: 0,
      turns: 0,
      status: null,
      log: new ShadowLog(ORIGIN, []),
      isLeading: false,
      isSuspended: false,
      hasEnded: false,
      appliedIndex: 0,
    };
  }

  /** The process is paused, or goes on: while it is, it can't act on what it believes, and with its first turn it knows better. */
  suspend(id: NodeId): void {
    const { run } = this.#server(id);
    if (run !== null) run.isSuspended = true;
  }

  /** The process crashed or ended. What it promised stays promised. */
  endRun(id: NodeId): void {
    const server = this.#server(id);
    server.run = null;
    persistedStateNeverGoesBack(server);
  }

  /** An event was published. Comes before the turn that it belongs to is observed. */
  observeEvent(id: NodeId, event: RaftEvent): void {
    const run = this.#run(id);
    eventsAreGapless(id, run, event);
    leadershipsArePaired(id, run, event);
    run.told.take(id, event);
    run.fold.apply(event, event.at, event.seq);
    if (event.type === 'NodeStopped') run.hasEnded = true;
    must(event.type !== 'MessageRejected', 'correct servers send only what is lawful', () => `${id} refused a message: ${JSON.stringify(event)}`);
  }

  /** A turn was taken and its effects are on their way. */
  observeTurn(id: NodeId, turn: ObservedTurn): void {
    const server = this.#server(id);
    const run = this.#run(id);
    const before = run.status;
    const status = turn.status();
    if (before === null) run.log = new ShadowLog(server.image.compacted, server.image.entries);
    this.#leaderAppendOnly(id, before, turn);
    logMatching(this.log, id, run, turn.output);
    run.status = status;
    run.isSuspended = false;
    run.turns += 1;
    shadowEqualsLog(id, run, status);
    this.#termAndCommitAreMonotonic(server, before, status);
    this.#electionSafety(id, turn);
    leaderCompleteness(this.log, id, run.log, turn.output.events);
    configurationsFollowOneAnother(id, before, turn.output.events);
    this.#commitsAgreeAndAreDurable(id, run, before, turn);
    for (const { to, message } of turn.output.messages) durableBeforeSaid(server, run, to, message);
    oneVotePerTerm(server, turn.output);
    persistedStateNeverGoesBack(server);
    foldEqualsState(id, run, status);
    this.#leaseExclusivity(id, status);
  }

  /** State Machine Safety (§5.4.3): "no other server will ever apply a different log entry for the same index". Called before a batch is applied. */
  stateMachineSafety(id: NodeId, batch: readonly { readonly index: LogIndex; readonly term: Term }[]): void {
    const property = 'State Machine Safety (§5.4.3)';
    const run = this.#run(id);
    for (const { index, term } of batch) {
      must(index > run.appliedIndex, property, () => `${id} applies ${index} after ${run.appliedIndex}`);
      for (let skipped = run.appliedIndex + 1; skipped < index; skipped += 1) {
        must(this.log.committed[skipped - 1]?.kind !== 'command', property, () => `${id} skips command ${skipped} and applies ${index}`);
      }
      run.appliedIndex = index;
      const committed = this.log.committed[index - 1];
      // The commit index and the batch come of the same turn, which is observed after it has handed the batch over.
      const entry = committed ?? run.log.at(index);
      if (entry !== undefined) must(entry.term === term, property, () => `${id} applies ${index} of term ${term}, committed is ${nameOf(entry)}`);
    }
  }

  /** State Machine Safety again, for a state that came as a snapshot through `last`. Called before what follows it is applied. */
  stateMachineRestored(id: NodeId, last: LogId): void {
    const run = this.#run(id);
    const { appliedIndex } = run;
    must(last.index > appliedIndex, 'State Machine Safety (§5.4.3)', () => `${id} is restored to ${last.index} after it applied ${appliedIndex}`);
    snapshotsAreOfWhatIsCommitted(this.log, id, last);
    run.appliedIndex = last.index;
  }

  /** Every committed entry is durable on a majority; holds at any time, and after everything has crashed above all. */
  committedEntriesSurvive(): void {
    const last = this.log.committed[this.log.commitIndex - 1];
    if (last !== undefined) this.#isOnAQuorum('committed entries survive (§5.4)', last);
  }

  /** A transfer was answered as done: that server has become leader. */
  transfersLeadWhereTheySay(leader: NodeId): void {
    must([...this.#leaders.values()].includes(leader), 'a transfer that is done has brought its target to power', () => `${leader} is said to lead and never has`);
  }

  /** Once all is calm: every server has committed and applied everything that any server has. */
  everyServerHasApplied(through: LogIndex): void {
    for (const { id, run } of this.#servers.values()) {
      const status = run?.status;
      must(status !== null && status !== undefined && status.applied.index >= through, 'every server applies the same log', () => `${id} applied ${String(status?.applied.index)} of ${through}`);
      const base = run?.log.base ?? ORIGIN;
      snapshotsAreOfWhatIsCommitted(this.log, id, base);
      for (let index = base.index + 1; index <= through; index += 1) {
        const [own, committed] = [run?.log.at(index), this.log.committed[index - 1]];
        must(own !== undefined && committed !== undefined && isSame(own, committed), 'every server applies the same log', () => `${id} holds ${nameOf(own)}, committed is ${nameOf(committed)}`);
      }
    }
  }

  /** Election Safety (§5.2): "at most one leader can be elected in a given term". */
  #electionSafety(id: NodeId, { output, now }: ObservedTurn): void {
    for (const event of output.events) {
      if (event.type !== 'LeadershipAcquired') continue;
      const other = this.#leaders.get(event.term);
      must(other === undefined, 'Election Safety (§5.2)', () => `${id} becomes leader of term ${event.term} at ${now}, which ${String(other)} has led`);
      this.#leaders.set(event.term, id);
    }
  }

  /** Leader Append-Only (§5.3): "a leader never overwrites or deletes entries in its log; it only appends new entries". */
  #leaderAppendOnly(id: NodeId, before: CoreStatus | null, { output }: ObservedTurn): void {
    let isLeader = before?.role === 'leader';
    let wasDeposed = !isLeader;
    for (const event of output.events) {
      if (event.type === 'LeadershipAcquired') isLeader = true;
      else if (event.type === 'LogTruncated') must(!isLeader, 'Leader Append-Only (§5.3)', () => `${id} leads and truncates its log after ${event.after.index}`);
      else if (event.type === 'LeadershipLost') {
        isLeader = false;
        wasDeposed = true;
      }
    }
    const cut = output.write?.truncateAfter ?? null;
    must(wasDeposed || cut === null, 'Leader Append-Only (§5.3)', () => `${id} leads and cuts its disk after ${String(cut)}`);
  }

  /** Terms (§5.1) and commit indexes (§5.3) only grow in a run; a term that was told or is on disk is never taken back. */
  #termAndCommitAreMonotonic(server: ServerRecord, before: CoreStatus | null, status: CoreStatus): void {
    const property = 'terms and commit indexes only grow (§5.1, §5.3)';
    must(status.term >= (before?.term ?? server.saidTerm), property, () => `${server.id} goes from term ${before?.term ?? server.saidTerm} to ${status.term}`);
    if (before !== null) {
      must(status.committed.index >= before.committed.index, property, () => `${server.id} takes its commit index back from ${before.committed.index} to ${status.committed.index}`);
      must(status.applied.index >= before.applied.index, property, () => `${server.id} takes its applied index back from ${before.applied.index} to ${status.applied.index}`);
    }
    must(status.applied.index <= status.committed.index && status.committed.index <= status.lastLog.index, property, () => `${server.id}: applied ${status.applied.index}, committed ${status.committed.index}, last ${status.lastLog.index}`);
  }

  /**
   * State Machine Safety (§5.4.3), before anything is applied: whoever commits an index commits the same entry. And §5.3,
   * §5.4.2: what a leader commits is of its own term and on the disks of a majority at that moment.
   */
  #commitsAgreeAndAreDurable(id: NodeId, run: RunRecord, before: CoreStatus | null, { output }: ObservedTurn): void {
    let isLeader = before?.role === 'leader';
    for (const event of output.events) {
      if (event.type === 'LeadershipAcquired') isLeader = true;
      else if (event.type === 'LeadershipLost') isLeader = false;
      else if (event.type === 'CommitAdvanced') {
        for (let index = event.from + 1; index <= event.to.index; index += 1) {
          this.log.noteCommitted('State Machine Safety (§5.4.3)', id, index, run.log.at(index), event.term);
        }
        if (!isLeader) continue;
        const property = 'commits are of the own term and durable on a majority (§5.3, §5.4.2)';
        must(event.to.term === event.term, property, () => `${id}, leader of term ${event.term}, commits ${event.to.index} of term ${event.to.term} by counting`);
        this.#isOnAQuorum(property, event.to);
      }
    }
  }

  /** Thesis §6.4.1: while one server's lease is valid no other is established. */
  #leaseExclusivity(id: NodeId, status: CoreStatus): void {
    if (!this.#areLeasesSafe || !holdsLease(status)) return;
    for (const { id: other, run } of this.#servers.values()) {
      const isHeld = other !== id && run?.isSuspended === false && !run.hasEnded && run.status !== null && holdsLease(run.status);
      must(!isHeld, 'leases exclude each other (thesis §6.4.1)', () => `${id} holds a lease in term ${status.term} while ${other} holds one in term ${String(run?.status?.term)}`);
    }
  }

  #isOnAQuorum(property: string, { index, term }: { readonly index: LogIndex; readonly term: Term }): void {
    const holders = [...this.#servers.values()].filter((server) => this.#isDurableOn(server, index, term)).map(({ id }) => id);
    must(holders.length >= majorityOf(this.#servers.size), property, () => `entry ${index} of term ${term} is on the disks of ${holders.join(', ') || 'nobody'} alone`);
  }

  /** As an entry, or as part of a snapshot of what is committed. */
  #isDurableOn({ image }: ServerRecord, index: LogIndex, term: Term): boolean {
    if (index <= image.compacted.index) return this.log.committed[index - 1]?.term === term;
    return image.entries[index - image.compacted.index - 1]?.term === term;
  }

  #server(id: NodeId): ServerRecord {
    const server = this.#servers.get(id);
    if (server === undefined) throw new Error(`${id} was not added to the invariants`);
    return server;
  }

  #run(id: NodeId): RunRecord {
    const { run } = this.#server(id);
    if (run === null) throw new InvariantViolation('nothing runs after its end', `${id} takes a turn or publishes although its run is over`);
    return run;
  }
}

function holdsLease({ leadership }: CoreStatus): boolean {
  return leadership !== null && leadership.established && leadership.leaseValid;
}
