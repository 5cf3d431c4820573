import { defer, type Observable } from 'rxjs';
import type { RaftEvent, RaftEventBody } from '../core/events.js';
import type { LogIndex, NodeId } from '../core/ids.js';
import type { MembershipChange } from '../core/membership-plan.js';
import type { SnapshotMeta } from '../core/messages.js';
import type { CommittedMembership } from '../node/admin-calls.js';
import type { RaftMetrics } from '../node/metrics/metrics.js';
import type { ResolvedOptions } from '../node/options.js';
import type { Applied, CallOptions, CommittedOptions, DataMetrics, MembershipOptions, ObservableValue, RaftNode, ReadOptions, ReplicationMetrics, ServerMetrics } from '../node/raft-node.js';
import { reportUnhandled } from '../node/reporting/report-unhandled.js';
import { systemClock } from '../node/system-clock.js';
import type { CallSignal } from '../ports/call-signal.js';
import { FatalError, StoppedError } from '../ports/errors.js';
import type { Committed } from '../ports/state-machine.js';
import { Answers } from './answers.js';
import { ByteStreams } from './byte-streams.js';
import { ErrorsAcross } from './errors-across.js';
import { EventRelay } from './event-relay.js';
import { Followers } from './followers.js';
import { checkIsolated, type IsolatedNodeOptions } from './isolated-options.js';
import { lastWordsOf } from './last-words.js';
import { MachineHost } from './machine-host.js';
import type { AdminMethod, CommandMethod, ToApplication, ToWorker } from './messages.js';
import { NodeThread } from './node-thread.js';
import { checkedTimeout, PendingCall, PendingCalls } from './pending-calls.js';
import type { WorkerSetup } from './setup.js';
import { unansweredError } from './unanswered-error.js';

type State = 'initial' | 'starting' | 'running' | 'stopped' | 'failed';

/**
 * A node whose core, storage and transport run in a thread of their own; here are the state machine, the subscribers and the
 * callers. An application that blocks its thread delays what it is told and what it asks for, and nothing else: the
 * node goes on to vote, to follow and to lead.
 *
 * Nothing happens before `start()`.
 * @throws {ConfigError} from the constructor, that lists every option that is wrong.
 */
export class IsolatedNode<C, R, Q = never, A = never> implements RaftNode<C, R, Q, A> {
  readonly id: NodeId;
  readonly events: Observable<RaftEvent>;
  readonly metrics: ObservableValue<RaftMetrics>;
  readonly serverMetrics: Observable<ServerMetrics>;
  readonly dataMetrics: Observable<DataMetrics>;
  readonly replicationMetrics: Observable<ReplicationMetrics>;

  private readonly resolved: ResolvedOptions;
  private readonly setup: WorkerSetup;
  private readonly relay: EventRelay;
  private readonly calls: PendingCalls;
  private readonly errors = new ErrorsAcross(true);
  private readonly post = (message: ToWorker): void => this.thread?.post(message);
  private readonly streams = new ByteStreams(this.errors, this.post);
  private readonly host: MachineHost<C, R, Q, A>;
  private readonly answers: Answers<C, R, Q, A>;
  private readonly followers: Followers<C>;
  private state: State = 'initial';
  private thread: NodeThread | null = null;
  private starting: Promise<void> = Promise.resolve();
  private settleStart: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | null = null;
  private stopping: Promise<void> | null = null;
  /** Why the node failed; null unless it did. */
  private fault: unknown = null;

  constructor(private readonly options: IsolatedNodeOptions<C, R, Q, A>) {
    const { resolved, setup } = checkIsolated(options);
    const { commandCodec, valueCodec, stateMachine: machine, reporter, onUnhandledError = reportUnhandled } = options;
    const { post, errors, streams } = this;
    this.id = options.id;
    this.resolved = resolved;
    this.setup = setup;
    this.relay = new EventRelay({ nodeId: options.id, runId: resolved.runId, ...(reporter === undefined ? {} : { reporter }), onUnhandledError });
    this.calls = new PendingCalls({ propose: resolved.limits.maxPendingProposals, read: resolved.limits.maxPendingReads });
    this.host = new MachineHost({ machine, commandCodec, valueCodec, calls: this.calls, post, errors, streams });
    this.answers = new Answers({ calls: this.calls, host: this.host, errors, valueCodec });
    this.followers = new Followers({ codec: commandCodec, errors, post });
    this.events = this.relay.events;
    ({ metrics: this.metrics, serverMetrics: this.serverMetrics, dataMetrics: this.dataMetrics, replicationMetrics: this.replicationMetrics } = this.relay.metrics);
  }

  start(): Promise<void> {
    if (this.stopping !== null && this.state === 'initial') return Promise.reject(new StoppedError('stopping'));
    if (this.state !== 'initial') return Promise.reject(new StoppedError(`${this.state} (a node starts once; make a new one to start again)`));
    this.state = 'starting';
    this.starting = new Promise((resolve, reject) => (this.settleStart = { resolve, reject }));
    this.thread = new NodeThread(this.setup, (message) => this.handle(message));
    void this.thread.ended.then((error) => this.threadEnded(error));
    return this.starting;
  }

  stop(): Promise<void> {
    this.stopping ??= this.finish();
    return this.stopping;
  }

  propose(command: C, options: CallOptions = {}): Promise<Applied<R>> {
    const { signal } = options;
    try {
      this.assertRunning();
      signal?.throwIfAborted();
      const payload = this.options.commandCodec.encode(command);
      const timeoutMs = checkedTimeout(options, this.resolved.limits);
      const call = this.calls.add(new PendingCall('propose', signal, payload, timeoutMs));
      if (signal !== undefined) call.watch(signal, () => this.post({ type: 'abort', id: call.id })); // only the node knows whether it had an effect
      this.post({ type: 'propose', id: call.id, timeoutMs, isAbortable: signal !== undefined, payload });
      return call.promise as Promise<Applied<R>>; // the state machine's own result
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  read(query: Q, options: ReadOptions = {}): Promise<A> {
    const { signal, consistency = 'linearizable', maxStalenessMs = Infinity } = options;
    const send = (id: number, timeoutMs: number): void => this.post({ type: 'read', id, timeoutMs, isAbortable: signal !== undefined, consistency, maxStalenessMs });
    return this.call('read', options, query, send) as Promise<A>;
  }

  proposeBatch(commands: readonly C[], options: CallOptions = {}): Promise<Applied<R>[]> {
    return Promise.all(commands.map((command) => this.propose(command, options)));
  }

  get stalenessMs(): number {
    return systemClock.now() - this.answers.freshAt;
  }

  changeMembership(change: MembershipChange, { signal, ...options }: MembershipOptions = {}): Promise<CommittedMembership> {
    return this.admin('changeMembership', [change, options], signal) as Promise<CommittedMembership>;
  }

  transferLeadership(to: NodeId | null = null, { signal, ...options }: CallOptions = {}): Promise<NodeId> {
    return this.admin('transferLeadership', [to, options], signal) as Promise<NodeId>;
  }

  takeSnapshot(): Promise<SnapshotMeta> {
    return this.admin('takeSnapshot', [], undefined) as Promise<SnapshotMeta>;
  }

  stepDown(): void {
    this.command('stepDown');
  }

  campaign(): void {
    this.command('campaign');
  }

  pauseElections(): void {
    this.command('pauseElections');
  }

  resumeElections(): void {
    this.command('resumeElections');
  }

  compactLog(through: LogIndex): void {
    this.command('compactLog', through);
  }

  committed(options: CommittedOptions = {}): Observable<Committed<C>> {
    return defer(() => {
      this.assertRunning();
      return this.followers.follow(options);
    });
  }

  /** Hands a call over that its signal may end at any moment. */
  private call(kind: PendingCall['kind'], options: CallOptions, content: unknown, send: (id: number, timeoutMs: number) => void): Promise<unknown> {
    const { signal } = options;
    try {
      this.assertRunning();
      signal?.throwIfAborted();
      const timeoutMs = checkedTimeout(options, this.resolved.limits);
      const call = this.calls.add(new PendingCall(kind, signal, content, timeoutMs));
      if (signal !== undefined) {
        call.watch(signal, () => {
          this.post({ type: 'abort', id: call.id });
          call.reject(signal.reason);
        });
      }
      try {
        send(call.id, timeoutMs);
      } catch (error) {
        call.reject(error); // what can't be cloned
      }
      return call.promise;
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  private admin(method: AdminMethod, args: readonly unknown[], signal: CallSignal | undefined): Promise<unknown> {
    const send = (id: number): void => this.post({ type: 'call', id, method, args, isAbortable: signal !== undefined });
    return this.call(method, signal === undefined ? {} : { signal }, undefined, send);
  }

  private command(method: CommandMethod, ...args: readonly unknown[]): void {
    this.assertRunning();
    this.post({ type: 'command', method, args });
  }

  private handle(message: ToApplication): void {
    switch (message.type) {
      case 'events':
        return this.relayTurn(message.events, message.at, message.wallTime);
      case 'proposed':
      case 'forwarded':
      case 'readable':
      case 'answered':
      case 'refused':
        return this.answers.handle(message);
      case 'apply':
      case 'machine':
      case 'check':
        return this.host.handle(message);
      case 'entry':
      case 'followEnded':
        return this.followers.handle(message);
      case 'dropped':
        return this.relay.say([{ type: 'MessagesDropped', term: this.metrics.value.term, count: message.count, queue: 'inbound' }]);
      case 'started':
        return this.settleStart?.resolve();
      case 'startFailed':
        return this.settleStart?.reject(this.errors.revive(message.error));
      case 'failed':
        return this.fail(this.errors.revive(message.error));
      case 'closed':
        return this.thread?.end(message.error === null ? null : (this.errors.revive(message.error) as Error));
      default:
        return this.streams.handle(message);
    }
  }

  /** As in the node itself: it runs once it says so, and ends behind its last word. */
  private relayTurn(events: readonly RaftEventBody[], at: number, wallTime: number): void {
    if (this.state === 'starting' && events.some(({ type }) => type === 'NodeStarted')) this.state = 'running';
    this.relay.publish(events, at, wallTime);
    if (!events.some((event) => event.type === 'NodeStopped' && event.reason === 'requested')) return;
    this.state = 'stopped';
    this.relay.complete();
  }

  private fail(fault: unknown): void {
    if (this.state === 'failed' || this.state === 'stopped') return;
    this.state = 'failed';
    this.fault = fault;
    this.relay.error(fault);
  }

  private async finish(): Promise<void> {
    // A start that failed has told its own caller.
    await this.starting.catch(() => undefined);
    if (this.thread === null) {
      this.relayTurn([{ type: 'NodeStopped', term: this.metrics.value.term, reason: 'requested' }], systemClock.now(), systemClock.wallTime());
      this.host.close();
      return;
    }
    this.post({ type: 'stop' });
    const error = await this.thread.ended;
    if (error !== null && this.state === 'stopped') throw error;
  }

  /** The thread is over: as it should (null), or because something in it broke. Nothing waits for it any more. */
  private threadEnded(error: Error | null): void {
    if (this.state !== 'failed' && this.state !== 'stopped') {
      const cause = error ?? new Error('the node\'s thread ended by itself');
      this.relay.say(lastWordsOf(this.metrics.value, 'isolate', cause.message));
      this.fail(new FatalError('isolate', { cause }));
      this.settleStart?.reject(cause);
    }
    this.host.close();
    const { fault } = this;
    this.streams.abandon(fault ?? new StoppedError('stopped'));
    this.followers.end(fault);
    this.calls.end((kind) => unansweredError(kind, fault, this.metrics.value.membership.effective));
  }

  private assertRunning(): void {
    const { state, stopping } = this;
    if (state === 'running' && stopping === null) return;
    throw new StoppedError(state === 'running' ? 'stopping' : state === 'initial' ? 'not started' : state);
  }
}
