import type { Configuration } from './configuration.js';
import type { ReplicationState, Role } from './events.js';
import type { LogId, LogIndex, NodeId, Term } from './ids.js';
import { ORIGIN } from './ids.js';
import { plainLogId, visibleRole, type RaftState } from './state.js';

/** A core's state as plain data: what folding its events must give. */
export interface CoreStatus {
  readonly id: NodeId;
  readonly role: Role;
  readonly term: Term;
  /** As on disk. */
  readonly persistedTerm: Term;
  readonly persistedVote: NodeId | null;
  readonly leaderId: NodeId | null;
  readonly electionsPaused: boolean;
  readonly unreachable: Readonly<Record<NodeId, string>>;
  readonly leadership: {
    readonly sinceAt: number;
    readonly noopIndex: LogIndex;
    readonly established: boolean;
    readonly leaseValid: boolean;
    readonly lastQuorumAckAt: number | null;
  } | null;
  readonly lastLog: LogId;
  readonly persisted: LogId;
  readonly committed: LogId;
  readonly applied: LogId;
  readonly snapshot: LogId;
  readonly compacted: LogId;
  readonly effective: { readonly index: LogIndex; readonly configuration: Configuration };
  readonly committedConfiguration: { readonly index: LogIndex; readonly configuration: Configuration };
  readonly peers: Readonly<Record<NodeId, PeerStatus>>;
}

/** One peer as its leader knows it; as `PeerMetrics`. */
export interface PeerStatus {
  readonly state: ReplicationState;
  readonly matched: LogIndex;
  readonly next: LogIndex;
  readonly inFlight: number;
  readonly lastContactAt: number | null;
  readonly rttMs: number | null;
}

/** Copies the state out. */
export function statusOf(raft: RaftState): CoreStatus {
  const { log, leadership } = raft;
  const peers: Record<NodeId, PeerStatus> = {};
  for (const peer of leadership?.peers.values() ?? []) {
    const { state, match, next, lastContactAt, rttMs } = peer;
    peers[peer.id] = { state, matched: match, next, inFlight: peer.inflight.count, lastContactAt, rttMs };
  }
  return {
    id: raft.id,
    role: visibleRole(raft),
    term: raft.term,
    persistedTerm: raft.durability.persistedTerm,
    persistedVote: raft.durability.persistedVote,
    leaderId: raft.leaderId,
    electionsPaused: raft.electionsPaused,
    unreachable: Object.fromEntries(raft.unreachable),
    leadership:
      leadership === null
        ? null
        : {
            sinceAt: leadership.sinceAt,
            noopIndex: leadership.noopIndex,
            established: leadership.established,
            leaseValid: leadership.leaseValid,
            lastQuorumAckAt: leadership.rounds.quorum > 0 ? leadership.rounds.quorumSince : null,
          },
    lastLog: plainLogId(log.last),
    persisted: plainLogId(raft.persistedLast),
    committed: plainLogId(log.idAt(raft.commitIndex)),
    applied: plainLogId(log.idAt(raft.appliedIndex)),
    snapshot: plainLogId(raft.snapshot?.last ?? ORIGIN),
    compacted: plainLogId(log.compacted),
    effective: raft.membership.effective,
    committedConfiguration: raft.membership.committed,
    peers,
  };
}
