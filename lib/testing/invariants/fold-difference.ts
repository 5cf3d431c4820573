import type { Configuration } from '../../core/configuration.js';
import type { LogId } from '../../core/ids.js';
import type { CoreStatus, PeerStatus } from '../../core/status.js';
import type { RaftMetrics } from '../../node/metrics/metrics.js';

/** The first field in which metrics differ from the state that they are a fold of, with both sides; null when none does. Runs every turn. */
export function foldDifference(metrics: RaftMetrics, status: CoreStatus): string | null {
  return (
    differs('nodeId', metrics.nodeId, status.id) ??
    differs('role', metrics.role, status.role) ??
    differs('term', metrics.term, status.term) ??
    differs('persistedTerm', metrics.persistedTerm, status.persistedTerm) ??
    differs('votedFor', metrics.votedFor, status.persistedVote) ??
    differs('leaderId', metrics.leaderId, status.leaderId) ??
    differs('electionsPaused', metrics.electionsPaused, status.electionsPaused) ??
    unreachableDiffers(metrics, status) ??
    leadershipDiffers(metrics, status) ??
    idDiffers('lastLog', metrics.lastLog, status.lastLog) ??
    idDiffers('persisted', metrics.persisted, status.persisted) ??
    idDiffers('committed', metrics.committed, status.committed) ??
    idDiffers('applied', metrics.applied, status.applied) ??
    idDiffers('snapshot', metrics.snapshot, status.snapshot) ??
    idDiffers('compacted', metrics.compacted, status.compacted) ??
    differs('membership.effectiveIndex', metrics.membership.effectiveIndex, status.effective.index) ??
    differs('membership.committedIndex', metrics.membership.committedIndex, status.committedConfiguration.index) ??
    configurationDiffers('membership.effective', metrics.membership.effective, status.effective.configuration) ??
    configurationDiffers('membership.committed', metrics.membership.committed, status.committedConfiguration.configuration) ??
    peersDiffer(metrics, status)
  );
}

function leadershipDiffers(metrics: RaftMetrics, status: CoreStatus): string | null {
  const { leadership: told } = metrics;
  const { leadership: real } = status;
  if (told === null || real === null) return differs('leadership', told !== null, real !== null);
  return (
    differs('leadership.sinceAt', told.sinceAt, real.sinceAt) ??
    differs('leadership.noopIndex', told.noopIndex, real.noopIndex) ??
    differs('leadership.established', told.established, real.established) ??
    differs('leadership.leaseValid', told.leaseValid, real.leaseValid) ??
    differs('lastQuorumAckAt', metrics.lastQuorumAckAt, real.lastQuorumAckAt)
  );
}

function unreachableDiffers({ unreachable: told }: RaftMetrics, { unreachable: real }: CoreStatus): string | null {
  for (const id in { ...told, ...real }) {
    const difference = differs(`unreachable.${id}`, told[id] ?? null, real[id] ?? null);
    if (difference !== null) return difference;
  }
  return null;
}

function peersDiffer(metrics: RaftMetrics, status: CoreStatus): string | null {
  let count = 0;
  for (const id in status.peers) {
    const told = metrics.replication[id];
    const real = status.peers[id];
    count += 1;
    if (told === undefined || real === undefined) return `replication.${id} is missing`;
    if (!isSamePeer(told, real)) return `replication.${id}: the events say ${JSON.stringify(told)}, the state is ${JSON.stringify(real)}`;
  }
  for (const id in metrics.replication) if (status.peers[id] === undefined) return `replication.${id} is no peer any more`;
  return count === 0 ? differs('replication', Object.keys(metrics.replication).length, 0) : null;
}

function isSamePeer(a: PeerStatus, b: PeerStatus): boolean {
  return a.matched === b.matched && a.next === b.next && a.inFlight === b.inFlight && a.state === b.state && a.lastContactAt === b.lastContactAt && a.rttMs === b.rttMs;
}

function differs(field: string, told: string | number | boolean | null, real: string | number | boolean | null): string | null {
  return told === real ? null : `${field}: the events say ${String(told)}, the state is ${String(real)}`;
}

function idDiffers(field: string, told: LogId, real: LogId): string | null {
  return told.index === real.index && told.term === real.term ? null : `${field}: the events say ${told.index} of term ${told.term}, the state is ${real.index} of term ${real.term}`;
}

function configurationDiffers(field: string, told: Configuration, real: Configuration): string | null {
  if (told === real || (isSameList(told.voters, real.voters) && isSameList(told.votersOutgoing, real.votersOutgoing) && isSameList(told.learners, real.learners))) return null;
  return `${field}: the events say ${JSON.stringify(told)}, the state is ${JSON.stringify(real)}`;
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((id, i) => id === b[i]);
}
