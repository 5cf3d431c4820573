import { BehaviorSubject, EMPTY, Subject, type Observable } from 'rxjs';
import type { EventBodies, EventType, RaftEvent } from '../../lib/core/events.js';
import type { MembershipChange } from '../../lib/core/membership-plan.js';
import type { SnapshotMeta } from '../../lib/core/messages.js';
import type { CommittedMembership } from '../../lib/node/admin-calls.js';
import { initialMetrics } from '../../lib/node/metrics/initial.js';
import type { RaftMetrics } from '../../lib/node/metrics/metrics.js';
import type { Applied, CallOptions, DataMetrics, MembershipOptions, ReadOptions, ReplicationMetrics, ServerMetrics } from '../../lib/node/raft-node.js';
import { KvMachine } from '../../lib/server/kv-machine.js';
import type { KvAnswer, KvCommand, KvQuery, KvResult } from '../../lib/server/kv/commands.js';
import type { KvNode } from '../../lib/server/kv-node.js';

/** A node without consensus: commands are applied at once. Calls can be made to fail or to hang. */
export class FakeKvNode implements KvNode {
  constructor(readonly id = 'a') {}

  readonly machine = new KvMachine();
  readonly #events = new Subject<RaftEvent>();
  readonly events = this.#events.asObservable();
  readonly #metrics = new BehaviorSubject<RaftMetrics>(initialMetrics('a', 'run-1'));
  readonly metrics = this.#metrics;
  readonly serverMetrics: Observable<ServerMetrics> = this.#metrics;
  readonly dataMetrics: Observable<DataMetrics> = this.#metrics;
  readonly replicationMetrics: Observable<ReplicationMetrics> = this.#metrics;
  readonly reads: ReadOptions[] = [];
  readonly proposals: KvCommand[] = [];
  readonly changes: MembershipChange[] = [];
  readonly transfers: (string | null)[] = [];
  /** What else was asked of the node, in order. */
  readonly orders: string[] = [];
  stalenessMs = 0;
  /** Calls that have not ended. */
  pending = 0;
  /** Set: every call rejects with this. */
  failure: Error | null = null;
  /** Set: calls end only when they are aborted. */
  hangs = false;
  /** Called as a call begins. */
  onCall: () => void = () => undefined;
  runId = 'run-1';
  seq = 0;
  #index = 0;

  async start(): Promise<void> {
    this.set({ runningState: 'running', leaderId: 'a', role: 'leader', term: 1, committed: { index: 1, term: 1 }, applied: { index: 1, term: 1 } });
  }

  async stop(): Promise<void> {
    this.#events.complete();
  }

  async propose(command: KvCommand, options: CallOptions = {}): Promise<Applied<KvResult>> {
    this.proposals.push(command);
    await this.#call(options);
    this.#index += 1;
    const [value] = this.machine.apply([{ index: this.#index, term: 1, command }]);
    if (value === undefined) throw new Error('the machine gave no result');
    return { index: this.#index, term: 1, value };
  }

  async read(query: KvQuery, options: ReadOptions = {}): Promise<KvAnswer> {
    this.reads.push(options);
    await this.#call(options);
    return this.machine.query(query);
  }

  proposeBatch(commands: readonly KvCommand[], options: CallOptions = {}): Promise<Applied<KvResult>[]> {
    return Promise.all(commands.map((command) => this.propose(command, options)));
  }

  async changeMembership(change: MembershipChange, options: MembershipOptions = {}): Promise<CommittedMembership> {
    this.changes.push(change);
    await this.#call(options);
    return { index: this.#index, configuration: this.#metrics.value.membership.effective };
  }

  async transferLeadership(to: string | null = null, options: CallOptions = {}): Promise<string> {
    this.transfers.push(to);
    await this.#call(options);
    return to ?? 'b';
  }

  stepDown(): void {
    this.orders.push('stepDown');
  }

  campaign(): void {
    this.orders.push('campaign');
  }

  pauseElections(): void {
    this.orders.push('pauseElections');
  }

  resumeElections(): void {
    this.orders.push('resumeElections');
  }

  async takeSnapshot(): Promise<SnapshotMeta> {
    await this.#call({});
    const { applied, membership } = this.#metrics.value;
    return { last: applied, configuration: membership.committed, configurationIndex: membership.committedIndex, bytes: 100 };
  }

  compactLog(through: number): void {
    this.orders.push(`compactLog ${through}`);
  }

  committed(): Observable<never> {
    return EMPTY;
  }

  /** Changes what the metrics say. */
  set(change: Partial<RaftMetrics>): void {
    this.#metrics.next({ ...this.#metrics.value, ...change });
  }

  /** Publishes an event with the next sequence number. */
  emit<K extends EventType>(type: K, body: EventBodies[K]): void {
    this.seq += 1;
    const envelope = { seq: this.seq, runId: this.runId, nodeId: this.id, at: this.seq, wallTime: 1_700_000_000_000 + this.seq, term: 1 };
    this.#events.next({ ...envelope, type, ...body } as unknown as RaftEvent);
  }

  async #call({ signal }: CallOptions): Promise<void> {
    this.onCall();
    if (this.failure !== null) throw this.failure;
    if (!this.hangs) return;
    this.pending += 1;
    await new Promise<void>((_, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted')))).finally(() => (this.pending -= 1));
  }
}
