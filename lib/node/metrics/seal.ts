import type { LogId, NodeId } from '../../core/ids.js';
import type { MetricsDraft } from './draft.js';
import type { LatencySummary, PeerMetrics, RaftCounters, RaftLatencies, RaftMetrics } from './metrics.js';

/**
 * The draft as a deeply frozen value. What equals its part in `previous` is that part: views compare by
 * reference, and a reader who keeps old values pays only for what changed.
 *
 * Objects are written out field by field: freezing a literal costs V8 40 ns, freezing a spread copy 300–600.
 */
export function seal(draft: MetricsDraft, previous: RaftMetrics): RaftMetrics {
  const { counters } = draft;
  return Object.freeze({
    seq: draft.seq,
    nodeId: draft.nodeId,
    runId: draft.runId,
    runningState: draft.runningState,
    fatalError: draft.fatalError,
    role: draft.role,
    term: draft.term,
    votedFor: draft.votedFor,
    persistedTerm: draft.persistedTerm,
    leaderId: draft.leaderId,
    electionsPaused: draft.electionsPaused,
    leadership: draft.leadership,
    lastLog: sealLogId(draft.lastLog, previous.lastLog),
    persisted: sealLogId(draft.persisted, previous.persisted),
    committed: sealLogId(draft.committed, previous.committed),
    applied: sealLogId(draft.applied, previous.applied),
    snapshot: sealLogId(draft.snapshot, previous.snapshot),
    compacted: sealLogId(draft.compacted, previous.compacted),
    membership: draft.membership,
    replication: sealPeers(draft.peers, previous.replication),
    unreachable: draft.unreachable,
    lastQuorumAckAt: draft.lastQuorumAckAt,
    counters: sealCounters(counters, previous.counters),
    latencies: sealLatencies(draft, previous.latencies),
    pendingProposals: counters.proposalsAccepted - counters.proposalsCommitted - counters.proposalsDropped,
    eventLoopStallMaxMs: draft.eventLoopStallMaxMs,
  });
}

/** Copies, for the event's own object belongs to whoever made it. */
function sealLogId(id: LogId, previous: LogId): LogId {
  return id.index === previous.index && id.term === previous.term ? previous : Object.freeze({ index: id.index, term: id.term });
}

function sealPeers(peers: ReadonlyMap<NodeId, PeerMetrics>, previous: RaftMetrics['replication']): RaftMetrics['replication'] {
  const sealed: Record<NodeId, PeerMetrics> = {};
  let changed = false;
  let previousCount = 0;
  for (const _ in previous) previousCount += 1;
  for (const [id, peer] of peers) {
    const before = previous[id];
    const same = before !== undefined && samePeer(peer, before);
    sealed[id] = same ? before : sealPeer(peer);
    if (!same) changed = true;
  }
  return changed || previousCount !== peers.size ? Object.freeze(sealed) : previous;
}

function sealPeer(peer: PeerMetrics): PeerMetrics {
  const { state, matched, next, inFlight, lastContactAt, rttMs } = peer;
  return Object.freeze({ state, matched, next, inFlight, lastContactAt, rttMs });
}

function samePeer(a: PeerMetrics, b: PeerMetrics): boolean {
  return a.matched === b.matched && a.next === b.next && a.inFlight === b.inFlight && a.lastContactAt === b.lastContactAt && a.rttMs === b.rttMs && a.state === b.state;
}

function sealCounters(counters: RaftCounters, previous: RaftCounters): RaftCounters {
  let name: keyof RaftCounters;
  for (name in counters) if (counters[name] !== previous[name]) return copyOfCounters(counters);
  return previous;
}

function copyOfCounters(counters: RaftCounters): RaftCounters {
  return Object.freeze({
    electionsStarted: counters.electionsStarted,
    electionsWon: counters.electionsWon,
    electionsLost: counters.electionsLost,
    proposalsAccepted: counters.proposalsAccepted,
    proposalsRejected: counters.proposalsRejected,
    proposalsDropped: counters.proposalsDropped,
    proposalsCommitted: counters.proposalsCommitted,
    readsServed: counters.readsServed,
    sessionsOpened: counters.sessionsOpened,
    sessionsExpired: counters.sessionsExpired,
    snapshotsSent: counters.snapshotsSent,
    snapshotsReceived: counters.snapshotsReceived,
    messagesRejected: counters.messagesRejected,
    messagesDropped: counters.messagesDropped,
    subscriberErrors: counters.subscriberErrors,
    entriesTruncated: counters.entriesTruncated,
    storageStalls: counters.storageStalls,
  });
}

function sealLatencies(draft: MetricsDraft, previous: RaftLatencies): RaftLatencies {
  const append = sealLatency(draft.append, previous.append);
  const commit = sealLatency(draft.commit, previous.commit);
  const apply = sealLatency(draft.apply, previous.apply);
  const same = append === previous.append && commit === previous.commit && apply === previous.apply;
  return same ? previous : Object.freeze({ append, commit, apply });
}

function sealLatency(summary: LatencySummary, previous: LatencySummary): LatencySummary {
  const { count, sumMs, maxMs, lastMs } = summary;
  return count === previous.count ? previous : Object.freeze({ count, sumMs, maxMs, lastMs });
}
