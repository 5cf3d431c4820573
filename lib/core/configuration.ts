import { isValidId, type LogIndex, type NodeId } from './ids.js';

/** What the cluster knows of one server beyond its name. */
export interface NodeInfo {
  /** `host:port` for socket transports; free text for others. */
  readonly address: string;
  /** The application's own labels, such as a zone. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** A learner with this becomes a voter by itself once it has caught up. */
  readonly autoPromote?: boolean;
  /** A voter with a higher priority than the leader's takes leadership once its log allows. Default 0. */
  readonly priority?: number;
}

/**
 * Who is in the cluster. While `votersOutgoing` is not empty the configuration is joint: every decision
 * needs a majority of `voters` and a majority of `votersOutgoing` (paper §6).
 */
export interface Configuration {
  readonly voters: readonly NodeId[];
  /** The old voters while joint; empty otherwise. */
  readonly votersOutgoing: readonly NodeId[];
  /** Servers that receive the log and don't vote. */
  readonly learners: readonly NodeId[];
  /** Address of every server named above. */
  readonly nodes: Readonly<Record<NodeId, NodeInfo>>;
}

/** A configuration and where in the log it stands; index 0 is "none yet". */
export interface Membership {
  readonly index: LogIndex;
  readonly configuration: Configuration;
}

/** Before the first one: nobody. */
export const NO_CONFIGURATION: Configuration = Object.freeze({
  voters: Object.freeze([]),
  votersOutgoing: Object.freeze([]),
  learners: Object.freeze([]),
  nodes: Object.freeze({}),
});

/** Whether both an old and a new set of voters decide (paper §6). */
export function isJoint(configuration: Configuration): boolean {
  return configuration.votersOutgoing.length > 0;
}

/** 0 unless it was given one. */
export function priorityOf({ nodes }: Configuration, id: NodeId): number {
  return nodes[id]?.priority ?? 0;
}

/** Whether the node votes: in either half while joint. */
export function isVoter(configuration: Configuration, id: NodeId): boolean {
  return configuration.voters.includes(id) || configuration.votersOutgoing.includes(id);
}

/** Every server that receives the log, each once, in name order (so that iteration is deterministic). */
export function membersOf(configuration: Configuration): NodeId[] {
  return [...new Set([...configuration.voters, ...configuration.votersOutgoing, ...configuration.learners])].sort();
}

/** A configuration of voters alone, from a table of addresses. */
export function configurationOf(addresses: Readonly<Record<NodeId, string>>): Configuration {
  const voters = Object.keys(addresses).sort();
  const nodes: Record<NodeId, NodeInfo> = {};
  for (const id of voters) nodes[id] = { address: addresses[id] ?? '' };
  return { voters, votersOutgoing: [], learners: [], nodes };
}

/** The payload of a configuration entry: JSON with sorted members, the same bytes on every server. */
export function encodeConfiguration(configuration: Configuration): Uint8Array {
  const nodes = membersOf(configuration).map((id) => {
    const { address = '', metadata = {}, autoPromote = false, priority = 0 }: Partial<NodeInfo> = configuration.nodes[id] ?? {};
    return [id, address, Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)), autoPromote, priority];
  });
  return new TextEncoder().encode(
    JSON.stringify({
      v: 1,
      voters: [...configuration.voters].sort(),
      votersOutgoing: [...configuration.votersOutgoing].sort(),
      learners: [...configuration.learners].sort(),
      nodes,
    }),
  );
}

/**
 * Reads the payload of a configuration entry back.
 * @throws {Error} when the bytes are not a configuration of a known version.
 */
export function decodeConfiguration(payload: Uint8Array): Configuration {
  const value = JSON.parse(new TextDecoder().decode(payload)) as Record<string, unknown>;
  if (value['v'] !== 1) throw new Error(`configuration entry has version ${String(value['v'])}; this build reads version 1`);
  const nodes: Record<NodeId, NodeInfo> = {};
  const rows = value['nodes'];
  if (!Array.isArray(rows)) throw new Error('configuration entry has no nodes');
  for (const row of rows as unknown[]) {
    if (!Array.isArray(row) || typeof row[0] !== 'string' || !isValidId(row[0])) throw new Error('configuration entry names a node badly');
    nodes[row[0]] = decodeNode(row.slice(1));
  }
  return {
    voters: idList(value['voters'], nodes),
    votersOutgoing: idList(value['votersOutgoing'], nodes),
    learners: idList(value['learners'], nodes),
    nodes,
  };
}

function idList(value: unknown, nodes: Readonly<Record<NodeId, NodeInfo>>): NodeId[] {
  if (!Array.isArray(value)) throw new Error('configuration entry lacks a member list');
  // A name that stands twice would count twice towards a majority.
  if (new Set(value).size < value.length) throw new Error('configuration entry lists a node twice');
  return value.map((id: unknown) => {
    if (typeof id !== 'string' || !Object.hasOwn(nodes, id)) throw new Error('configuration entry lists an unknown node');
    return id;
  });
}

function decodeNode([address, labels, autoPromote, priority]: readonly unknown[]): NodeInfo {
  if (typeof address !== 'string' || !Array.isArray(labels) || typeof autoPromote !== 'boolean' || typeof priority !== 'number') {
    throw new Error('configuration entry describes a node badly');
  }
  const metadata = new Map<string, string>();
  for (const label of labels as unknown[]) {
    if (!Array.isArray(label) || typeof label[0] !== 'string' || typeof label[1] !== 'string' || label[0] === '__proto__') throw new Error('configuration entry has bad metadata');
    metadata.set(label[0], label[1]);
  }
  return {
    address,
    ...(metadata.size === 0 ? {} : { metadata: Object.fromEntries(metadata) }),
    ...(autoPromote ? { autoPromote } : {}),
    ...(priority === 0 ? {} : { priority }),
  };
}
