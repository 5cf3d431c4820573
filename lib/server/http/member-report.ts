import { isJoint, membersOf, type Configuration, type NodeInfo } from '../../core/configuration.js';
import type { Role } from '../../core/events.js';
import type { LogId, NodeId } from '../../core/ids.js';
import type { PeerMetrics, RaftMetrics } from '../../node/metrics/metrics.js';

/** The label of a node's configuration under which it keeps `host:port` of its HTTP service. */
export const HTTP_LABEL = 'http';

/** One member as `GET /members` tells of it. */
export interface MemberReport extends NodeInfo {
  readonly id: NodeId;
  /** In the configuration that holds, or will once a joint one is left; `leaving` is in the old half alone. */
  readonly role: 'voter' | 'learner' | 'leaving';
  /** Where its HTTP service is, by its labels; null when they don't say. */
  readonly http: string | null;
  /** How it follows, when the node asked leads and this member is another. */
  readonly progress: PeerMetrics | null;
}

export interface ConfigurationReport {
  readonly index: number;
  readonly isJoint: boolean;
  readonly members: readonly MemberReport[];
}

export interface LeaderReport {
  readonly id: NodeId;
  /** Its Raft address; null when the configuration does not name it. */
  readonly address: string | null;
  readonly http: string | null;
}

/** What `GET /members` says: as the node that is asked sees it. */
export interface MembersReport {
  readonly node: NodeId;
  readonly role: Role;
  readonly term: number;
  readonly leader: LeaderReport | null;
  readonly lastLog: LogId;
  readonly commitIndex: number;
  /** In force: the last one in the log. */
  readonly effective: ConfigurationReport;
  /** The last one known to be committed. */
  readonly committed: ConfigurationReport;
}

export function membersReport(metrics: RaftMetrics): MembersReport {
  const { nodeId, role, term, leaderId, lastLog, committed, membership, replication } = metrics;
  return {
    node: nodeId,
    role,
    term,
    leader: leaderId === null ? null : leaderReport(leaderId, membership.effective),
    lastLog,
    commitIndex: committed.index,
    effective: configurationReport(membership.effectiveIndex, membership.effective, replication),
    committed: configurationReport(membership.committedIndex, membership.committed, replication),
  };
}

export function leaderReport(id: NodeId, configuration: Pick<Configuration, 'nodes'>): LeaderReport {
  const info = configuration.nodes[id];
  return { id, address: info?.address ?? null, http: info?.metadata?.[HTTP_LABEL] ?? null };
}

export function configurationReport(index: number, configuration: Configuration, replication: RaftMetrics['replication'] = {}): ConfigurationReport {
  const { voters, learners, nodes } = configuration;
  const members = membersOf(configuration).map((id): MemberReport => {
    const info = nodes[id] ?? { address: '' };
    const role = voters.includes(id) ? 'voter' : learners.includes(id) ? 'learner' : 'leaving';
    return { id, role, ...info, http: info.metadata?.[HTTP_LABEL] ?? null, progress: replication[id] ?? null };
  });
  return { index, isJoint: isJoint(configuration), members };
}
