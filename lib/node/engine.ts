import { Subject, Subscription, type Observable } from 'rxjs';
import { membersOf, type Configuration } from '../core/configuration.js';
import type { Entry } from '../core/entry.js';
import type { RaftEventBody } from '../core/events.js';
import type { LogIndex, NodeId, Term } from '../core/ids.js';
import type { Input } from '../core/inputs.js';
import type { DurableWrite, TurnOutput } from '../core/output.js';
import type { RaftCore } from '../core/raft.js';
import type { Clock } from '../ports/clock.js';
import { StorageError } from '../ports/errors.js';
import type { Inbound } from '../ports/transport.js';
import { AdminCalls } from './admin-calls.js';
import { Applier } from './applier.js';
import { ClientCalls } from './client-calls.js';
import type { MetricsStream } from './metrics/stream.js';
import type { NodeOptions, ResolvedOptions } from './options.js';
import type { AppliedRange } from './proposals.js';
import type { EventPublisher } from './reporting/publisher.js';
import { SnapshotKeeper } from './snapshots/keeper.js';
import { SnapshotReceiver } from './snapshots/receiver.js';
import { SnapshotSender } from './snapshots/sender.js';
import { TurnLoop } from './turn-loop.js';
import { WriteWatch } from './write-watch.js';

export interface EngineParts<C, R, Q, A> {
  readonly options: NodeOptions<C, R, Q, A>;
  readonly resolved: ResolvedOptions;
  readonly clock: Clock;
  readonly core: RaftCore;
  readonly metrics: MetricsStream;
  readonly publisher: EventPublisher;
  /** Something failed for good; called once, outside any turn. */
  readonly onFault: (operation: string, error: unknown) => void;
}

/**
 * A running node's insides: the turn loop, and what carries its effects out. Lives from `begin` to `end`;
 * the facade around it owns starting and stopping.
 */
export class Engine<C, R, Q, A> {
  readonly calls: ClientCalls<C, R, Q, A>;
  /** Emits whenever the state machine has moved on or calls were answered without it; ends as the node does. */
  readonly progress: Observable<void>;

  readonly admin: AdminCalls;
  readonly snapshots: SnapshotKeeper;

  private readonly progressed = new Subject<void>();
  private readonly loop: TurnLoop;
  private readonly applier: Applier<C, R, Q, A>;
  private readonly writes: WriteWatch;
  private readonly sender: SnapshotSender;
  private readonly receiver: SnapshotReceiver;
  private readonly subscriptions = new Subscription();
  private knownConfiguration: Configuration | null = null;
  private knownApplied: LogIndex = 0;
  /** What the state machine has taken and the core does not know yet; its callers are answered in the turn that tells it. */
  private appliedRanges: AppliedRange[] = [];
  private droppedMessages = 0;
  private hasFailed = false;

  constructor(private readonly parts: EngineParts<C, R, Q, A>) {
    const { options, resolved, clock } = parts;
    const report = (event: RaftEventBody): void => this.loop.report(event);
    this.progress = this.progressed.asObservable();
    this.writes = new WriteWatch(resolved.limits.storageStallMs);
    this.calls = new ClientCalls({ ...parts, addressOf: (id) => this.addressOf(id), report, wake: () => this.loop.wake() });
    this.applier = new Applier({
      stateMachine: options.stateMachine,
      codec: options.commandCodec,
      storage: options.storage,
      maxApplyBytes: resolved.core.maxApplyBytes,
      clock,
      onApplied: (range, applyMs) => this.onApplied(range, applyMs),
      onFault: (operation, error) => this.fail(operation, error),
    });
    const enqueue = (input: Input): void => this.loop.enqueue(input);
    const shared = { ...parts, ...options, enqueue, report };
    this.admin = new AdminCalls({ clock, enqueue: (input) => this.loop.enqueueCall(input), notLeader: () => this.calls.notLeader(), configuration: () => parts.core.configuration });
    this.snapshots = new SnapshotKeeper({ ...shared, clock, policy: resolved.snapshotPolicy, isIdle: () => this.applier.isIdle, onFault: (operation, error) => this.fail(operation, error) });
    this.sender = new SnapshotSender({ ...shared, clock, stallMs: resolved.core.electionTimeoutMaxMs, onFault: (operation, error) => this.fail(operation, error) });
    this.receiver = new SnapshotReceiver({
      ...shared,
      clock,
      whenIdle: () => this.applier.whenIdle(),
      onRestored: (last) => this.snapshots.noteRestored(last),
      onFault: (operation, error) => this.fail(operation, error),
    });
    this.loop = new TurnLoop({
      ...parts,
      observer: options.turnObserver,
      stallThresholdMs: resolved.limits.stallThresholdMs,
      cutOff: () => this.calls.cutOff(),
      gather: (inputs) => this.calls.gather(inputs),
      dispatch: (output, now) => this.dispatch(output, now),
      onFault: (error) => this.fail('turn', error),
    });
  }

  /** A call that needs no answer; it takes effect after those that were made before it. */
  enqueue(input: Input): void {
    this.loop.enqueueCall(input);
  }

  get appliedIndex(): LogIndex {
    return this.parts.core.appliedIndex;
  }

  /** Connects the transport's streams and takes the first turn, which says NodeStarted. */
  begin(bootstrapped: Configuration | null): void {
    const { transport } = this.parts.options;
    this.subscriptions.add(transport.messages.subscribe((inbound) => this.receive(inbound)));
    this.subscriptions.add(
      transport.connections.subscribe((change) => {
        this.calls.handleConnection(change.peer, change.up);
        this.sender.handleConnection(change.peer, change.up);
        this.progressed.next();
        this.loop.enqueue({ type: 'connection', ...change });
      }),
    );
    const { notices } = this.parts.options.stateMachine;
    if (notices !== undefined) this.subscriptions.add(notices.subscribe((notice) => this.loop.report({ ...notice, term: this.term })));
    this.subscriptions.add(transport.rejections.subscribe((rejection) => this.loop.report({ type: 'MessageRejected', term: this.term, ...rejection })));
    this.subscriptions.add(transport.drops.subscribe((count) => this.loop.report({ type: 'MessagesDropped', term: this.term, count, queue: 'outbound' })));
    if (bootstrapped !== null) this.loop.report({ type: 'ClusterBootstrapped', term: this.term, configuration: bootstrapped });
    this.loop.drain();
  }

  /** Applied entries from memory, or from storage when they have left it. */
  async readApplied(from: LogIndex, maxBytes: number): Promise<readonly Entry[]> {
    const { core, options } = this.parts;
    if (from <= core.compactedIndex) throw new StorageError('committed', `the log begins at ${core.compactedIndex + 1}: entry ${from} is compacted into a snapshot`);
    return core.entries(from, core.appliedIndex, maxBytes) ?? options.storage.read(from, core.appliedIndex, maxBytes);
  }

  /** Before an orderly end: what nobody waits for may still wait for a turn. False when it failed; that is told in a microtask. */
  finishTurns(): boolean {
    this.loop.finish();
    return !this.hasFailed;
  }

  /** The last turn: leadership ends, every waiting call is answered, `lastWords` are published. */
  end(reason: 'stopped' | 'fatalError', cause: unknown, lastWords: readonly RaftEventBody[]): void {
    const { core, clock } = this.parts;
    this.hasFailed = true;
    this.loop.close();
    this.applier.close();
    this.subscriptions.unsubscribe();
    this.sender.cancelAll();
    const now = clock.now();
    this.answerApplied(now);
    const events = [...this.loop.takeReports(), ...haltQuietly(core, now, reason)];
    const dropped = this.calls.end(reason, cause);
    this.admin.end(reason === 'stopped' ? 'stopped' : 'failed');
    this.receiver.close();
    this.snapshots.close();
    if (dropped > 0) events.push({ type: 'ProposalsDropped', term: core.term, count: dropped, reason: 'indeterminate' });
    this.loop.publish([...events, ...lastWords], now);
    if (reason === 'fatalError') this.progressed.error(cause);
    else this.progressed.complete();
  }

  private get term(): Term {
    return this.parts.core.term;
  }

  /** Carries a turn's effects out. Writes go first: the disk works while the messages travel. */
  private dispatch(output: TurnOutput, now: number): void {
    const { options, core } = this.parts;
    if (core.configuration !== this.knownConfiguration) this.followConfiguration();
    if (output.write !== null) this.persist(output.write, now);
    for (const { to, message } of output.messages) options.transport.send(to, message);
    if (output.messages.length > 0) options.transport.flush();
    this.answerApplied(now);
    this.calls.settle(output);
    if (output.membershipOutcomes.length > 0 || output.transferOutcomes.length > 0) this.admin.settle(output);
    for (const read of output.logReads) this.readLog(read.peer, read.from, read.to, read.maxBytes);
    this.moveSnapshots(output);
    if (output.apply !== null) this.applier.apply(output.apply);
    if (core.appliedIndex !== this.knownApplied || output.proposals.length > 0) {
      this.knownApplied = core.appliedIndex;
      this.progressed.next();
    }
    this.reportStalls(now);
  }

  private moveSnapshots(output: TurnOutput): void {
    const { core, options } = this.parts;
    if (!core.isLeader && this.sender.isSending) this.sender.cancelAll();
    for (const { peer } of output.snapshotSends) this.sender.send(peer);
    for (const chunk of output.snapshotChunks) this.receiver.handleChunk(chunk);
    this.receiver.afterTurn();
    if (output.compactThrough !== null) options.storage.compact(output.compactThrough).catch((error: unknown) => this.fail('compact', error));
  }

  private persist(write: DurableWrite, now: number): void {
    this.writes.begin(now);
    this.parts.options.storage.append(write).then(
      () => {
        this.writes.complete();
        this.take({ type: 'persisted', writeId: write.id, ioMs: this.parts.clock.now() - now });
      },
      (error: unknown) => this.fail('append', error),
    );
  }

  private readLog(peer: NodeId, from: LogIndex, to: LogIndex, maxBytes: number): void {
    this.parts.options.storage.read(from, to, maxBytes).then(
      (entries) => this.loop.enqueue({ type: 'entriesRead', peer, entries }),
      (error: unknown) => {
        // What was compacted while the read was under way is no fault: the peer gets a snapshot.
        if (from <= this.parts.core.compactedIndex) this.loop.enqueue({ type: 'entriesRead', peer, entries: [] });
        else this.fail('read', error);
      },
    );
  }

  private onApplied(range: AppliedRange, applyMs: number): void {
    const last = range.entries[range.entries.length - 1];
    if (last === undefined || this.hasFailed) return;
    const input: Input = { type: 'applied', through: last.index, applyMs };
    if (this.calls.areWaiting) this.loop.enqueue(input);
    else this.loop.enqueueQuietly(input);
    this.appliedRanges.push(range);
    this.snapshots.noteApplied(range.entries);
  }

  /** Whoever awaits a result finds it in the metrics, in `committed()` and in what `stop()` leaves behind: the turn comes first. */
  private answerApplied(now: number): void {
    if (this.appliedRanges.length === 0) return;
    const ranges = this.appliedRanges;
    this.appliedRanges = [];
    for (const range of ranges) this.calls.applied(range, now);
  }

  /** At the bound the newest message is dropped, since Raft sends again; forwarded calls have bounds of their own. */
  private receive({ from, message }: Inbound): void {
    if (message.type === 'forwardRequest' || message.type === 'forwardReply') {
      this.calls.handleForwarded(from, message);
      this.progressed.next();
    } else if (this.loop.length >= this.parts.resolved.limits.maxQueuedMessages) {
      this.droppedMessages += 1;
    } else {
      if (message.type === 'installSnapshotReply') this.sender.handleReply(from, message);
      this.take({ type: 'message', from, message });
    }
  }

  private take(input: Input): void {
    if (this.parts.core.isAwaited(input)) this.loop.enqueue(input);
    else this.loop.enqueueQuietly(input);
  }

  private reportStalls(now: number): void {
    const stalledMs = this.writes.check(now);
    if (stalledMs > 0) this.loop.report({ type: 'StorageStalled', term: this.term, ms: stalledMs });
    if (this.droppedMessages === 0) return;
    this.loop.report({ type: 'MessagesDropped', term: this.term, count: this.droppedMessages, queue: 'inbound' });
    this.droppedMessages = 0;
  }

  private followConfiguration(): void {
    const { core, options } = this.parts;
    this.knownConfiguration = core.configuration;
    const peers = membersOf(core.configuration).filter((id) => id !== options.id);
    this.sender.retain(peers);
    options.transport.setPeers(new Map(peers.map((id) => [id, this.addressOf(id) ?? ''])));
  }

  private addressOf(id: NodeId): string | null {
    return this.parts.core.configuration.nodes[id]?.address ?? null;
  }

  /** No turn runs any more; the facade ends the node once the current one is over. */
  private fail(operation: string, error: unknown): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    this.loop.close();
    this.applier.close();
    queueMicrotask(() => this.parts.onFault(operation, error));
  }
}

/** Ends leadership in the core; one that is broken has nothing more to say. */
function haltQuietly(core: RaftCore, now: number, reason: 'stopped' | 'fatalError'): readonly RaftEventBody[] {
  try {
    return core.turn(now, [{ type: 'halt', reason }]).events;
  } catch {
    return [];
  }
}
