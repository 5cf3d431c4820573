import { isValidId, type NodeId } from '../core/ids.js';
import type { NewNode } from '../core/membership-plan.js';
import { DEFAULT_CORE_OPTIONS, type CoreOptions } from '../core/options.js';
import type { Clock } from '../ports/clock.js';
import type { Codec } from '../ports/codec.js';
import { ConfigError, type ConfigProblem } from '../ports/errors.js';
import type { RaftReporter } from '../ports/reporter.js';
import type { StateMachine } from '../ports/state-machine.js';
import type { Storage } from '../ports/storage.js';
import type { Transport } from '../ports/transport.js';
import { DEFAULT_SNAPSHOT_POLICY, type SnapshotPolicy } from './snapshots/policy.js';
import type { TurnObserver } from './turn-loop.js';

/** Everything a node is made of. Only what has no default is required. */
export interface NodeOptions<C, R, Q = never, A = never> extends Partial<Omit<CoreOptions, 'id' | 'seed'>> {
  /** This server's name; never changes for a data directory. */
  readonly id: NodeId;
  /** Opened by `start()`, closed by `stop()`; belongs to this node alone. */
  readonly storage: Storage;
  /** Likewise. */
  readonly transport: Transport;
  /** What committed commands are applied to, in order. */
  readonly stateMachine: StateMachine<C, R, Q, A>;
  /** Commands to bytes and back. */
  readonly commandCodec: Codec<C>;
  /** Results, queries and answers to bytes and back, when they are forwarded. */
  readonly valueCodec: Codec<unknown>;
  /**
   * The first configuration, id to address (or address, labels and priority), this node included; every node of a new
   * cluster must be given the same. Written once, to an empty store; later the configuration in the log decides who is a member
   * and where. Without it a node with an empty store waits to be added.
   */
  readonly peers?: Readonly<Record<NodeId, NewNode>>;
  /** When to take snapshots and how much log to keep; null for by hand only. Default `DEFAULT_SNAPSHOT_POLICY`. */
  readonly snapshotPolicy?: Partial<SnapshotPolicy> | null;
  /** Keeps clusters apart that share a network; checked by transports and stores. Default `rxraft`. */
  readonly clusterId?: string;
  /** Gets every event. Default `nullReporter`; `events` works either way. */
  readonly reporter?: RaftReporter;
  /** Gets the first exception of a reporter that throws. Default: RxJS's `config.onUnhandledError`, else `console.error`. */
  readonly onUnhandledError?: (error: unknown) => void;
  /** How long calls wait when they do not say, ms. Default 10 000. */
  readonly requestTimeoutMs?: number;
  /** Proposals that may wait at once; beyond it `propose` rejects with OverloadedError. Default 100 000. */
  readonly maxPendingProposals?: number;
  /** The same for reads. Default 100 000. */
  readonly maxPendingReads?: number;
  /** Messages that may wait for a turn; beyond it the newest is dropped (Raft resends) and counted. Default 20 000. */
  readonly maxQueuedMessages?: number;
  /** How long `stop()` waits, ms: for accepted proposals, then for a successor of a leader. Default 2 000. */
  readonly drainTimeoutMs?: number;
  /** Milliseconds. A timer that is this late is reported as EventLoopStalled. Default: `heartbeatIntervalMs`. */
  readonly stallThresholdMs?: number;
  /** Milliseconds. A write that takes this long is reported as StorageStalled. Default 1 000. */
  readonly storageStallMs?: number;
  /** Seeds the randomised election timeouts; no two nodes may share one. Default: random. */
  readonly seed?: number;
  /** Names this run in events. Default: a random UUID. */
  readonly runId?: string;
  /** Default: the machine's clock. */
  readonly clock?: Clock;
  /** Sees every turn with its inputs and outputs, to record it: replaying a record reproduces the run byte for byte. */
  readonly turnObserver?: TurnObserver;
}

/** The node's own limits, resolved. */
export interface NodeLimits {
  readonly requestTimeoutMs: number;
  readonly maxPendingProposals: number;
  readonly maxPendingReads: number;
  readonly maxQueuedMessages: number;
  readonly drainTimeoutMs: number;
  readonly stallThresholdMs: number;
  readonly storageStallMs: number;
}

/** Options that were checked, with every default filled in. */
export interface ResolvedOptions {
  readonly core: CoreOptions;
  readonly limits: NodeLimits;
  readonly snapshotPolicy: SnapshotPolicy | null;
  readonly clusterId: string;
  readonly runId: string;
}

/** Every numeric option. */
type Numbers = Record<keyof NodeLimits | Exclude<keyof CoreOptions, 'id' | 'seed'>, number>;

/** The node's own limits unless options say otherwise. */
export const DEFAULT_LIMITS = {
  requestTimeoutMs: 10_000,
  maxPendingProposals: 100_000,
  maxPendingReads: 100_000,
  maxQueuedMessages: 20_000,
  drainTimeoutMs: 2_000,
  stallThresholdMs: DEFAULT_CORE_OPTIONS.heartbeatIntervalMs,
  storageStallMs: 1_000,
} satisfies NodeLimits;

const MAX_TIME_MS = 0x7fffffff;
const MAX_BYTES = 2 ** 40;

/** The allowed range of every numeric option, both ends included. */
const RANGES: Readonly<Record<keyof Numbers, readonly [number, number]>> = {
  electionTimeoutMinMs: [1, MAX_TIME_MS],
  electionTimeoutMaxMs: [1, MAX_TIME_MS],
  heartbeatIntervalMs: [1, MAX_TIME_MS],
  commitNoticeDelayMs: [0, MAX_TIME_MS],
  leaseDriftMargin: [0, 0.9],
  maxAppendBytes: [1, 1 << 30],
  maxInflightMessages: [1, 1 << 20],
  maxInflightBytes: [1, MAX_BYTES],
  maxUncommittedBytes: [1, MAX_BYTES],
  maxApplyBytes: [1, 1 << 30],
  logCacheBytes: [0, MAX_BYTES],
  requestTimeoutMs: [1, MAX_TIME_MS],
  maxPendingProposals: [1, 1 << 30],
  maxPendingReads: [1, 1 << 30],
  maxQueuedMessages: [16, 1 << 30],
  drainTimeoutMs: [0, MAX_TIME_MS],
  stallThresholdMs: [1, MAX_TIME_MS],
  storageStallMs: [1, MAX_TIME_MS],
};

/**
 * Checks every option and fills in the defaults.
 * @throws {ConfigError} that lists everything that is wrong, with value and allowed range.
 */
export function resolveOptions<C, R, Q, A>(options: NodeOptions<C, R, Q, A>): ResolvedOptions {
  const problems: ConfigProblem[] = [];
  const numbers: Numbers = { ...DEFAULT_CORE_OPTIONS, ...DEFAULT_LIMITS };
  if (options.heartbeatIntervalMs !== undefined) numbers.stallThresholdMs = options.heartbeatIntervalMs;
  for (const name of Object.keys(RANGES) as (keyof typeof RANGES)[]) {
    const value: unknown = options[name];
    if (value === undefined) continue;
    const [low, high] = RANGES[name];
    if (typeof value === 'number' && value >= low && value <= high) numbers[name] = value;
    else problems.push({ option: name, value, allowed: `a number from ${low} to ${high}` });
  }
  checkTimes(numbers, problems);
  checkPolicy(options.snapshotPolicy ?? {}, problems);
  checkIdentity(options, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  return {
    core: { ...numbers, id: options.id, seed },
    limits: numbers,
    snapshotPolicy: options.snapshotPolicy === null ? null : { ...DEFAULT_SNAPSHOT_POLICY, ...options.snapshotPolicy },
    clusterId: options.clusterId ?? 'rxraft',
    runId: options.runId ?? crypto.randomUUID(),
  };
}

function checkPolicy(policy: Partial<SnapshotPolicy>, problems: ConfigProblem[]): void {
  for (const [name, low] of [['entries', 1], ['bytes', 1], ['keepEntries', 0]] as const) {
    const value: unknown = policy[name];
    if (value !== undefined && !(typeof value === 'number' && value >= low)) problems.push({ option: `snapshotPolicy.${name}`, value, allowed: `a number from ${low}` });
  }
}

function checkTimes(numbers: Numbers, problems: ConfigProblem[]): void {
  const { electionTimeoutMinMs, electionTimeoutMaxMs, heartbeatIntervalMs } = numbers;
  if (electionTimeoutMaxMs <= electionTimeoutMinMs) {
    problems.push({ option: 'electionTimeoutMaxMs', value: electionTimeoutMaxMs, allowed: `more than electionTimeoutMinMs (${electionTimeoutMinMs}), best twice as much, so that elections don't collide` });
  }
  if (heartbeatIntervalMs * 2 > electionTimeoutMinMs) {
    problems.push({ option: 'heartbeatIntervalMs', value: heartbeatIntervalMs, allowed: `at most half of electionTimeoutMinMs (${electionTimeoutMinMs}), so that one lost heartbeat starts no election` });
  }
}

function checkIdentity<C, R, Q, A>(options: NodeOptions<C, R, Q, A>, problems: ConfigProblem[]): void {
  const idForm = '1–64 of A–Z a–z 0–9 . _ -, starting with a letter or a digit';
  const isId = (value: unknown): boolean => typeof value === 'string' && isValidId(value);
  if (!isId(options.id)) problems.push({ option: 'id', value: options.id, allowed: idForm });
  if (options.clusterId !== undefined && !isId(options.clusterId)) problems.push({ option: 'clusterId', value: options.clusterId, allowed: idForm });
  for (const name of ['storage', 'transport', 'stateMachine', 'commandCodec', 'valueCodec'] as const) {
    const value: unknown = options[name];
    if (typeof value !== 'object' || value === null) problems.push({ option: name, value, allowed: `an object that implements its port` });
  }
  if (options.seed !== undefined && !Number.isSafeInteger(options.seed)) problems.push({ option: 'seed', value: options.seed, allowed: 'a whole number' });
  if (options.runId !== undefined && !isId(options.runId)) problems.push({ option: 'runId', value: options.runId, allowed: idForm });
  if (options.peers === undefined) return;
  if (typeof options.peers !== 'object' || (options.peers as unknown) === null) {
    problems.push({ option: 'peers', value: options.peers, allowed: 'an object from node id to address' });
    return;
  }
  for (const [peer, node] of Object.entries(options.peers)) {
    const address: unknown = typeof node === 'object' && (node as unknown) !== null ? node.address : node;
    if (!isId(peer)) problems.push({ option: 'peers', value: peer, allowed: `keys of ${idForm}` });
    if (typeof address !== 'string') problems.push({ option: `peers.${peer}`, value: address, allowed: 'an address as text' });
  }
  if (!Object.hasOwn(options.peers, options.id)) problems.push({ option: 'peers', value: Object.keys(options.peers).join(', '), allowed: `must include this node, ${options.id}` });
}
