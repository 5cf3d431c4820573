import { defer, filter, firstValueFrom, Observable, race } from 'rxjs';
import type { RaftEvent, RaftEventBody } from '../core/events.js';
import type { LogIndex, NodeId } from '../core/ids.js';
import type { MembershipChange } from '../core/membership-plan.js';
import type { SnapshotMeta } from '../core/messages.js';
import { RaftCore } from '../core/raft.js';
import type { Clock } from '../ports/clock.js';
import { ConfigError, CorruptLogError, FatalError, ProposalIndeterminateError, StoppedError } from '../ports/errors.js';
import type { Committed } from '../ports/state-machine.js';
import type { CommittedMembership } from './admin-calls.js';
import { committedEntries } from './committed.js';
import { Engine } from './engine.js';
import type { LocalNode } from './local-node.js';
import { MetricsStream } from './metrics/stream.js';
import { resolveOptions, type NodeOptions, type ResolvedOptions } from './options.js';
import { Proposal } from './proposals.js';
import type { Applied, CallOptions, CommittedOptions, DataMetrics, MembershipOptions, ObservableValue, ReadOptions, ReplicationMetrics, ServerMetrics } from './raft-node.js';
import { PendingRead } from './reads.js';
import { recover } from './recovery.js';
import type { RaftMetrics } from './metrics/metrics.js';
import { EventPublisher } from './reporting/publisher.js';
import { reportUnhandled } from './reporting/report-unhandled.js';
import { systemClock } from './system-clock.js';

/**
 * Makes a node; nothing happens before `start()`, so that subscriptions made until then miss nothing.
 * @throws {ConfigError} that lists every option that is wrong.
 */
export function createNode<C, R, Q = never, A = never>(options: NodeOptions<C, R, Q, A>): LocalNode<C, R, Q, A> {
  return new NodeFacade(options, resolveOptions(options));
}

/** Where a node stands in its one life. */
type State = 'initial' | 'starting' | 'running' | 'stopped' | 'failed';

class NodeFacade<C, R, Q, A> implements LocalNode<C, R, Q, A> {
  readonly id: NodeId;
  readonly events: Observable<RaftEvent>;
  readonly metrics: ObservableValue<RaftMetrics>;
  readonly serverMetrics: Observable<ServerMetrics>;
  readonly dataMetrics: Observable<DataMetrics>;
  readonly replicationMetrics: Observable<ReplicationMetrics>;

  private readonly clock: Clock;
  private readonly publisher: EventPublisher;
  private readonly metricsStream: MetricsStream;
  private state: State = 'initial';
  private engine: Engine<C, R, Q, A> | null = null;
  private starting: Promise<void> = Promise.resolve();
  private stopping: Promise<void> | null = null;
  /** The closing of transport and storage after a fault. */
  private failing: Promise<void> = Promise.resolve();

  constructor(
    private readonly options: NodeOptions<C, R, Q, A>,
    private readonly resolved: ResolvedOptions,
  ) {
    this.id = options.id;
    this.clock = options.clock ?? systemClock;
    this.publisher = new EventPublisher({
      nodeId: options.id,
      runId: resolved.runId,
      ...(options.reporter === undefined ? {} : { reporter: options.reporter }),
      onUnhandledError: options.onUnhandledError ?? reportUnhandled,
    });
    this.metricsStream = new MetricsStream(options.id, resolved.runId);
    this.events = this.publisher.events;
    this.metrics = this.metricsStream.metrics;
    this.serverMetrics = this.metricsStream.serverMetrics;
    this.dataMetrics = this.metricsStream.dataMetrics;
    this.replicationMetrics = this.metricsStream.replicationMetrics;
  }

  start(): Promise<void> {
    if (this.stopping !== null && this.state === 'initial') return Promise.reject(new StoppedError('stopping'));
    if (this.state !== 'initial') return Promise.reject(new StoppedError(`${this.state} (a node starts once; make a new one to start again)`));
    this.state = 'starting';
    this.starting = this.begin();
    return this.starting;
  }

  stop(): Promise<void> {
    this.stopping ??= this.finish();
    return this.stopping;
  }

  propose(command: C, options: CallOptions = {}): Promise<Applied<R>> {
    try {
      const proposal = new Proposal(this.options.commandCodec.encode(command), this.clock.now(), this.timeoutOf(options));
      this.submit(proposal, options.signal);
      return proposal.promise as Promise<Applied<R>>; // the state machine's own result
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  submit(proposal: Proposal, signal?: CallOptions['signal']): void {
    try {
      const engine = this.runningEngine();
      signal?.throwIfAborted();
      if (signal !== undefined) {
        proposal.watch(signal, () => {
          engine.calls.noteAborted(proposal);
          proposal.reject(proposal.stage === 'waiting' ? signal.reason : new ProposalIndeterminateError('aborted', { cause: signal.reason }));
        });
      }
      engine.calls.propose(proposal);
    } catch (error) {
      proposal.reject(error);
    }
  }

  read(query: Q, options: ReadOptions = {}): Promise<A> {
    const { signal, consistency } = options;
    try {
      const engine = this.runningEngine();
      signal?.throwIfAborted();
      const read = new PendingRead(query, consistency === 'lease', this.clock.now(), this.timeoutOf(options));
      if (signal !== undefined) read.watch(signal, () => read.reject(signal.reason));
      try {
        if (consistency === 'stale') engine.calls.readStale(read, options.maxStalenessMs ?? Infinity);
        else engine.calls.read(read);
      } catch (error) {
        read.reject(error); // lets go of the signal
      }
      return read.promise as Promise<A>;
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  proposeBatch(commands: readonly C[], options: CallOptions = {}): Promise<Applied<R>[]> {
    return Promise.all(commands.map((command) => this.propose(command, options)));
  }

  get stalenessMs(): number {
    return this.engine?.calls.stalenessMs ?? Infinity;
  }

  changeMembership(change: MembershipChange, options: MembershipOptions = {}): Promise<CommittedMembership> {
    return this.admin((engine) => engine.admin.changeMembership(change, options.expected ?? null, this.timeoutOf(options), options.signal), options.signal);
  }

  transferLeadership(to: NodeId | null = null, options: CallOptions = {}): Promise<NodeId> {
    return this.admin((engine) => engine.admin.transferLeadership(to, this.timeoutOf(options, this.resolved.core.electionTimeoutMaxMs), options.signal), options.signal);
  }

  stepDown(): void {
    this.runningEngine().enqueue({ type: 'stepDown' });
  }

  campaign(): void {
    this.runningEngine().enqueue({ type: 'campaign' });
  }

  pauseElections(): void {
    this.runningEngine().enqueue({ type: 'pauseElections', paused: true });
  }

  resumeElections(): void {
    this.runningEngine().enqueue({ type: 'pauseElections', paused: false });
  }

  takeSnapshot(): Promise<SnapshotMeta> {
    return this.admin((engine) => engine.snapshots.take('manual'));
  }

  compactLog(through: LogIndex): void {
    this.runningEngine().enqueue({ type: 'compact', through });
  }

  committed(options: CommittedOptions = {}): Observable<Committed<C>> {
    return defer(() => committedEntries(this.runningEngine(), this.options.commandCodec, options));
  }

  /** A call that rejects, rather than throws, when the node does not run. */
  private async admin<T>(call: (engine: Engine<C, R, Q, A>) => Promise<T>, signal?: CallOptions['signal']): Promise<T> {
    const engine = this.runningEngine();
    signal?.throwIfAborted();
    return call(engine);
  }

  private async begin(): Promise<void> {
    const { options, resolved, clock } = this;
    try {
      const identity = { clusterId: resolved.clusterId, nodeId: options.id };
      const { state, bootstrapped } = await recover(options.storage, options.stateMachine, identity, options.peers);
      await options.transport.start(identity);
      const core = new RaftCore(resolved.core, state, clock.now());
      this.engine = new Engine({
        options,
        resolved,
        clock,
        core,
        metrics: this.metricsStream,
        publisher: this.publisher,
        onFault: (operation, error) => this.fail(operation, error),
      });
      this.state = 'running';
      this.engine.begin(bootstrapped);
    } catch (error) {
      this.fail('start', error);
      await this.failing;
      throw error;
    }
  }

  /** `stop()`: waits for what was accepted and hands leadership over, within its limit, then closes everything. */
  private async finish(): Promise<void> {
    // A start that failed has told its own caller.
    await this.starting.catch(() => undefined);
    const { state, engine } = this;
    if (state === 'failed') return this.failing;
    const deadline = this.clock.now() + this.resolved.limits.drainTimeoutMs;
    if (engine !== null) await this.drain(engine, deadline);
    if (engine !== null && !this.hasFailed()) await this.handOver(engine, deadline);
    if (engine?.finishTurns() === false) await Promise.resolve();
    if (this.hasFailed()) return this.failing;
    this.end('stopped', undefined, [{ type: 'NodeStopped', term: this.metrics.value.term, reason: 'requested' }]);
    this.state = 'stopped';
    this.metricsStream.complete();
    this.publisher.complete();
    await this.options.transport.stop();
    if (state !== 'initial') await this.options.storage.close();
  }

  /** A leader that stops gives its office to another first, so that the cluster need not wait for a timeout. */
  private async handOver(engine: Engine<C, R, Q, A>, deadline: number): Promise<void> {
    const leftMs = deadline - this.clock.now();
    if (leftMs <= 0 || this.metrics.value.leadership?.established !== true || this.metrics.value.membership.effective.voters.length < 2) return;
    await engine.admin.transferLeadership(null, leftMs, undefined).catch(() => undefined); // then it goes without
  }

  /** Lets accepted proposals finish, as long as there is time. */
  private async drain(engine: Engine<C, R, Q, A>, deadline: number): Promise<void> {
    engine.calls.takeNoMore();
    if (engine.calls.pendingCount === 0) return;
    const timedOut = new Observable<void>((subscriber) => this.clock.schedule(Math.max(0, deadline - this.clock.now()), () => subscriber.next()));
    const drained = engine.progress.pipe(filter(() => engine.calls.pendingCount === 0));
    await firstValueFrom(race(drained, timedOut), { defaultValue: undefined }).catch(() => undefined); // it failed meanwhile
  }

  /** The node's own fatal fault: says so, answers every waiting call, errors the streams and closes what can be closed. */
  private fail(operation: string, cause: unknown): void {
    if (this.state === 'failed' || this.state === 'stopped') return;
    const error = new FatalError(operation, { cause });
    const { term } = this.metrics.value;
    const words: RaftEventBody[] = [];
    if (cause instanceof CorruptLogError) {
      words.push({ type: 'CorruptionDetected', term, where: cause.message, action: operation === 'start' ? 'refusedToStart' : 'stopped' });
    }
    words.push({ type: 'FatalErrorRaised', term, operation, error: cause instanceof Error ? cause.message : String(cause) });
    words.push({ type: 'NodeStopped', term, reason: 'fatalError' });
    this.state = 'failed';
    this.end('fatalError', error, words);
    this.metricsStream.error(error);
    this.publisher.error(error);
    this.failing = this.closeAll();
  }

  /** What can be closed is closed; what can't is part of the fault that was told already. */
  private async closeAll(): Promise<void> {
    const { transport, storage } = this.options;
    for (const close of [() => transport.stop(), () => storage.close()]) {
      try {
        await close();
      } catch {
        continue;
      }
    }
  }

  /** Ends the engine, or speaks the last words alone when there was none yet. */
  private end(reason: 'stopped' | 'fatalError', cause: unknown, lastWords: readonly RaftEventBody[]): void {
    if (this.engine !== null) {
      this.engine.end(reason, cause, lastWords);
      return;
    }
    const now = this.clock.now();
    this.metricsStream.apply(lastWords, now, this.publisher.nextSeq);
    this.metricsStream.emitTurn();
    this.publisher.publish(lastWords, now, this.clock.wallTime());
  }

  private hasFailed(): boolean {
    return this.state === 'failed';
  }

  private runningEngine(): Engine<C, R, Q, A> {
    const { state, engine, stopping } = this;
    if (state === 'running' && stopping === null && engine !== null) return engine;
    throw new StoppedError(state === 'running' ? 'stopping' : state === 'initial' ? 'not started' : state);
  }

  private timeoutOf({ timeoutMs }: CallOptions, byDefault = this.resolved.limits.requestTimeoutMs): number {
    if (timeoutMs === undefined) return byDefault;
    if (timeoutMs > 0) return timeoutMs;
    throw new ConfigError([{ option: 'timeoutMs', value: timeoutMs, allowed: 'a number above 0' }]);
  }
}
