import type { Entry } from '../../lib/core/entry.js';
import type { EventType, RaftEventBody } from '../../lib/core/events.js';
import type { NodeId } from '../../lib/core/ids.js';
import type { Input } from '../../lib/core/inputs.js';
import type { InstallSnapshot } from '../../lib/core/messages.js';
import type { CoreOptions } from '../../lib/core/options.js';
import type { ApplyEffect, DurableWrite, LogRead, MembershipOutcome, ProposalOutcome, ReadOutcome, SnapshotChunk, TransferOutcome, TurnOutput } from '../../lib/core/output.js';
import { RaftCore } from '../../lib/core/raft.js';
import type { CoreStatus } from '../../lib/core/status.js';
import { MetricsFold } from '../../lib/node/metrics/fold.js';
import { initialMetrics } from '../../lib/node/metrics/initial.js';
import type { BodyOf } from '../../lib/node/metrics/rule.js';
import type { CoreDisk } from './core-disk.js';
import { expectFoldEqualsStatus } from './core-fold.js';
import { EventPairs } from './event-pairs.js';

/**
 * One core with a disk and a state machine that wait to be told. Every turn's events are folded and held against the core's state,
 * and each end among them against its beginning. An input that the core says nobody awaits must bring nothing that somebody could.
 */
export class CoreNode {
  core: RaftCore;
  /** Writes that are issued and not durable, oldest first. */
  writes: DurableWrite[] = [];
  /** The batch that the state machine is working on. */
  applying: ApplyEffect | null = null;
  /** What this run of the state machine has been given. */
  applied: Entry[] = [];
  events: RaftEventBody[] = [];
  proposals: ProposalOutcome[] = [];
  reads: ReadOutcome[] = [];
  membershipOutcomes: MembershipOutcome[] = [];
  transferOutcomes: TransferOutcome[] = [];
  logReads: LogRead[] = [];
  snapshotSends: NodeId[] = [];
  snapshotChunks: SnapshotChunk[] = [];
  /** Of this run. */
  pairs = new EventPairs();
  #fold: MetricsFold;
  #run = 0;
  #seq = 0;

  constructor(
    readonly options: CoreOptions,
    readonly disk: CoreDisk,
    now: number,
  ) {
    this.core = new RaftCore(options, disk.restored(), now);
    this.#fold = this.#newFold();
  }

  get status(): CoreStatus {
    return this.core.status();
  }

  turn(now: number, inputs: readonly Input[]): TurnOutput {
    const isIdle = this.core.wakeAt > now && inputs.every((input) => !this.core.isAwaited(input));
    const round = this.core.round;
    const output = this.core.turn(now, inputs);
    if (isIdle && inputs.length > 0) expectNothingAwaited(output, round);
    if (this.core.wakeAt <= now) throw new Error(`a turn at ${now} wants another at ${this.core.wakeAt}`); // and the next one likewise, for ever
    if (output.write !== null) this.writes.push(output.write);
    if (output.apply !== null) {
      if (this.applying !== null) throw new Error('the state machine is busy');
      this.applying = output.apply;
    }
    this.proposals.push(...output.proposals);
    this.reads.push(...output.reads);
    this.membershipOutcomes.push(...output.membershipOutcomes);
    this.transferOutcomes.push(...output.transferOutcomes);
    this.logReads.push(...output.logReads);
    this.snapshotSends.push(...output.snapshotSends.map(({ peer }) => peer));
    this.snapshotChunks.push(...output.snapshotChunks);
    this.events.push(...output.events);
    for (const event of output.events) {
      this.#fold.apply(event, now, (this.#seq += 1));
      this.pairs.follow(event);
    }
    expectFoldEqualsStatus(this.#fold.snapshot(), this.status);
    return output;
  }

  /** Makes the oldest `count` writes durable; the input that says so. */
  persist(count = this.writes.length): Input[] {
    const durable = this.writes.splice(0, count);
    for (const write of durable) this.disk.write(write);
    const newest = durable[durable.length - 1];
    return newest === undefined ? [] : [{ type: 'persisted', writeId: newest.id, ioMs: 1 }];
  }

  /** Lets the state machine finish its batch. */
  apply(): Input[] {
    if (this.applying === null) return [];
    const { from, to, entries } = this.applying;
    this.applying = null;
    this.applied.push(...(entries ?? this.disk.after(this.writes).read(from, to)));
    return [{ type: 'applied', through: to, applyMs: 1 }];
  }

  /** Answers what was asked of storage. */
  answerLogReads(): Input[] {
    const asked = this.logReads.splice(0);
    const log = this.disk.after(this.writes);
    return asked.map(({ peer, from, to, maxBytes }) => ({ type: 'entriesRead', peer, entries: log.read(from, to, maxBytes) }));
  }

  /** Takes a snapshot of everything applied and forgets the log through `through`. */
  compact(through: number, keep: Partial<{ snapshotOnly: boolean }> = {}): Input[] {
    const { applied, committedConfiguration } = this.status;
    const { index: configurationIndex, configuration } = committedConfiguration;
    const snapshot = { last: applied, configuration, configurationIndex, bytes: 100 };
    this.disk.snapshot = snapshot;
    const saved: Input = { type: 'snapshotSaved', snapshot, ms: 1 };
    if (keep.snapshotOnly === true) return [saved];
    this.disk.compact(through);
    return [saved, { type: 'compact', through }];
  }

  /** The last chunk came: from the next turn on nothing else may change log and state machine. */
  stage({ snapshot }: InstallSnapshot): Input[] {
    return [{ type: 'snapshotStaged', last: snapshot.last }];
  }

  /** Restores the state machine from the snapshot whose last chunk came. */
  install(chunk: InstallSnapshot): Input[] {
    this.disk.install(chunk.snapshot);
    this.applying = null;
    return [{ type: 'snapshotInstalled', snapshot: chunk.snapshot }];
  }

  /** Loses what is not durable and starts again from disk. */
  restart(now: number): void {
    this.writes = [];
    this.applying = null;
    this.applied = [];
    this.logReads = [];
    this.snapshotSends = [];
    this.snapshotChunks = [];
    this.core = new RaftCore(this.options, this.disk.restored(), now);
    this.#fold = this.#newFold();
    this.pairs = new EventPairs();
  }

  /** The events of one kind, oldest first. */
  eventsOf<K extends EventType>(type: K): BodyOf<K>[] {
    return this.events.filter((event) => event.type === type) as unknown as BodyOf<K>[];
  }

  #newFold(): MetricsFold {
    this.#run += 1;
    return new MetricsFold(initialMetrics(this.options.id, `${this.options.id}-${this.#run}`));
  }
}

/** But for notices of what is committed, which go with the next append as well, and leadership that is handed to a voter of higher priority. */
function expectNothingAwaited(output: TurnOutput, round: number): void {
  const { messages, proposals, reads, membershipOutcomes, transferOutcomes, logReads, snapshotSends } = output;
  const answers = messages.filter(({ message }) => message.type !== 'timeoutNow' && (message.type !== 'heartbeat' || message.round > round));
  const found = [...answers, ...proposals, ...reads, ...membershipOutcomes, ...transferOutcomes, ...logReads, ...snapshotSends];
  if (found.length > 0) throw new Error(`an input that nobody awaits has brought ${JSON.stringify(found)}`);
}
