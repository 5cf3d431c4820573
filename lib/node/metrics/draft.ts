import type { Role } from '../../core/events.js';
import type { LogId, NodeId, Term } from '../../core/ids.js';
import type { Leadership, LatencySummary, MembershipMetrics, PeerMetrics, RaftCounters, RaftMetrics } from './metrics.js';

export type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * The mutable twin of `RaftMetrics`, private to one fold: the rules write here, `seal` makes the frozen value.
 *
 * Two kinds of fields, chosen by how often they change. What a busy node changes every turn (log ids,
 * peers, counters, latencies) is overwritten in place, so that a rule allocates nothing. What changes
 * rarely (leadership, membership, unreachable peers) is a frozen value that a rule replaces.
 */
export class MetricsDraft {
  seq: number;
  nodeId: NodeId;
  runId: string;
  runningState: RaftMetrics['runningState'];
  fatalError: string | null;
  role: Role;
  term: Term;
  votedFor: NodeId | null;
  persistedTerm: Term;
  leaderId: NodeId | null;
  electionsPaused: boolean;
  leadership: Leadership | null;
  lastLog: LogId;
  persisted: LogId;
  committed: LogId;
  applied: LogId;
  snapshot: LogId;
  compacted: LogId;
  membership: MembershipMetrics;
  unreachable: Readonly<Record<NodeId, string>>;
  lastQuorumAckAt: number | null;
  eventLoopStallMaxMs: number;
  readonly peers: Map<NodeId, Mutable<PeerMetrics>>;
  readonly counters: Mutable<RaftCounters>;
  readonly append: Mutable<LatencySummary>;
  readonly commit: Mutable<LatencySummary>;
  readonly apply: Mutable<LatencySummary>;

  constructor(from: RaftMetrics) {
    this.seq = from.seq;
    this.nodeId = from.nodeId;
    this.runId = from.runId;
    this.runningState = from.runningState;
    this.fatalError = from.fatalError;
    this.role = from.role;
    this.term = from.term;
    this.votedFor = from.votedFor;
    this.persistedTerm = from.persistedTerm;
    this.leaderId = from.leaderId;
    this.electionsPaused = from.electionsPaused;
    this.leadership = from.leadership;
    this.lastLog = from.lastLog;
    this.persisted = from.persisted;
    this.committed = from.committed;
    this.applied = from.applied;
    this.snapshot = from.snapshot;
    this.compacted = from.compacted;
    this.membership = from.membership;
    this.unreachable = from.unreachable;
    this.lastQuorumAckAt = from.lastQuorumAckAt;
    this.eventLoopStallMaxMs = from.eventLoopStallMaxMs;
    this.peers = new Map(Object.entries(from.replication).map(([peer, metrics]) => [peer, { ...metrics }]));
    this.counters = { ...from.counters };
    this.append = { ...from.latencies.append };
    this.commit = { ...from.latencies.commit };
    this.apply = { ...from.latencies.apply };
  }
}

/** Adds one measurement. */
export function addLatency(summary: Mutable<LatencySummary>, ms: number): void {
  summary.count += 1;
  summary.sumMs += ms;
  summary.lastMs = ms;
  if (ms > summary.maxMs) summary.maxMs = ms;
}
