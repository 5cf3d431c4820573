import { isValidId, type LogIndex, type NodeId } from './ids.js';

/** What the cluster knows of one server beyond its name. */
export interface NodeInfo {
  /** `host:port` for socket transports; free text for others. */
  readonly address: string;
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

export const NO_CONFIGURATION: Configuration = Object.freeze({
  voters: Object.freeze([]),
  votersOutgoing: Object.freeze([]),
  learners: Object.freeze([]),
  nodes: Object.freeze({}),
});

export function isJoint(configuration: Configuration): boolean {
  return configuration.votersOutgoing.length > 0;
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
  const nodes = membersOf(configuration).map((id) => [id, configuration.nodes[id]?.address ?? '']);
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
  const pairs = value['nodes'];
  if (!Array.isArray(pairs)) throw new Error('configuration entry has no nodes');
  for (const pair of pairs as unknown[]) {
    if (!Array.isArray(pair) || typeof pair[0] !== 'string' || typeof pair[1] !== 'string' || !isValidId(pair[0])) {
      throw new Error('configuration entry names a node badly');
    }
    nodes[pair[0]] = { address: pair[1] };
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
