import { membersOf, NO_CONFIGURATION } from '../core/configuration.js';
import type { RaftEvent } from '../core/events.js';
import { ORIGIN, type LogId, type LogIndex, type NodeId, type Term } from '../core/ids.js';
import { MetricsFold } from '../node/metrics/fold.js';
import { initialMetrics } from '../node/metrics/initial.js';
import type { RaftMetrics } from '../node/metrics/metrics.js';
import type { ObservedTurn } from '../node/turn-loop.js';
import { AgreedLog, isSame, nameOf } from './invariants/agreed-log.js';
import { operatorsAreAnsweredOnce } from './invariants/answers.js';
import { configurationsFollowOneAnother, leaderCompleteness, logMatching, shadowEqualsLog, snapshotsAreOfWhatIsCommitted } from './invariants/log-checks.js';
import { electionSafety, leaderAppendOnly, leaseExclusivity } from './invariants/leadership.js';
import { durableBeforeSaid, oneVotePerTerm, persistedStateNeverGoesBack, termAndCommitAreMonotonic } from './invariants/promises.js';
import { Quorums } from './invariants/quorums.js';
import { eventsAreGapless, foldEqualsState, leadershipsArePaired, metricsAreCurrent, metricsAreWhole } from './invariants/reporting.js';
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
  readonly #quorums = new Quorums(this.log, this.#servers);
  readonly #areLeasesSafe: boolean;

  constructor(options: InvariantsOptions = {}) {
    this.#areLeasesSafe = options.areLeasesSafe ?? true;
  }

  /** A server, member or not, before its first run. Its id was never another one's. */
  addServer(id: NodeId, image: DiskImage): void {
    this.#servers.set(id, new ServerRecord(id, image));
  }

  /** Its disk is wiped, and nothing under this id comes back. Lawful once no configuration counts on it. */
  removeServer(id: NodeId): void {
    must(!this.log.configurations.mayCount(id), 'only who is removed for good is wiped', () => `${id} is wiped and may still count`);
    this.#servers.delete(id);
  }

  /** A run begins; its turns and events follow. */
  beginRun(id: NodeId, { runId, metrics }: ObservedRun): void {
    this.#server(id).run = {
      runId,
      metrics,
      fold: new MetricsFold(initialMetrics(id, runId)),
      told: new ToldState(),
      seq: 0,
      shownSeq: 0,
      turns: 0,
      status: null,
      log: new ShadowLog(ORIGIN, []),
      isLeading: false,
      isSuspended: false,
      hasEnded: false,
      inForce: NO_CONFIGURATION,
      unanswered: new Set(),
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
    metricsAreCurrent(id, run, event);
    leadershipsArePaired(id, run, event);
    run.told.take(id, event);
    run.fold.apply(event, event.at, event.seq);
    if (event.type === 'NodeStopped') run.hasEnded = true;
    must(event.type !== 'MessageRejected', 'correct servers send only what is lawful', () => `${id} refused a message: ${JSON.stringify(event)}`);
  }

  /** Metrics were emitted. Comes before the events that are new in them. */
  observeMetrics(id: NodeId, metrics: RaftMetrics): void {
    metricsAreWhole(id, this.#run(id), metrics);
  }

  /** A turn was taken and its effects are on their way. */
  observeTurn(id: NodeId, turn: ObservedTurn): void {
    const server = this.#server(id);
    const run = this.#run(id);
    const before = run.status;
    const status = turn.status();
    if (before === null) run.log = new ShadowLog(server.image.compacted, server.image.entries);
    leaderAppendOnly(id, before, turn);
    logMatching(this.log, id, run, turn.output);
    run.status = status;
    run.isSuspended = false;
    run.turns += 1;
    shadowEqualsLog(id, run, status);
    termAndCommitAreMonotonic(server, before, status);
    electionSafety(this.#leaders, id, turn);
    leaderCompleteness(this.log, id, run.log, turn.output.events);
    configurationsFollowOneAnother(id, before, turn.output.events);
    this.#quorums.observeTurn(server, run, before, turn);
    operatorsAreAnsweredOnce(id, run, turn);
    for (const { to, message } of turn.output.messages) durableBeforeSaid(server, run, to, message);
    oneVotePerTerm(server, turn.output);
    persistedStateNeverGoesBack(server);
    foldEqualsState(id, run, status);
    if (this.#areLeasesSafe) leaseExclusivity(this.#servers, id, status);
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

  /** Every committed entry is durable on a quorum; holds at any time, and after everything has crashed above all. */
  committedEntriesSurvive(): void {
    this.#quorums.committedEntriesSurvive();
  }

  /** The latest term that has had a leader. */
  get lastElectedTerm(): Term {
    return Math.max(0, ...this.#leaders.keys());
  }

  /** A transfer was answered as done: that server has become leader. */
  transfersLeadWhereTheySay(leader: NodeId): void {
    must([...this.#leaders.values()].includes(leader), 'a transfer that is done has brought its target to power', () => `${leader} is said to lead and never has`);
  }

  /** Once all is calm: every member of the newest committed configuration has committed and applied everything that any server has. */
  everyMemberHasApplied(through: LogIndex): void {
    for (const id of membersOf(this.log.configurations.newest.configuration)) {
      const { run } = this.#server(id);
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
