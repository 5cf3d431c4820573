import { isJoint, membersOf, type Configuration, type NodeInfo } from './configuration.js';
import { isValidId, type NodeId } from './ids.js';

/** A server to add: an address, or all that is known of it. */
export type NewNode = string | NodeInfo;

/**
 * What a configuration shall become, in one call: the whole membership, or steps from the present one.
 *
 * A server that is added without being promoted in the same call becomes a learner that is promoted by itself
 * once it has caught up (`autoPromote: false` keeps it a learner). Of the two forms, only the second adds so: where the
 * whole membership is named, a learner stays one unless its own `autoPromote` says otherwise.
 */
export type MembershipChange =
  | {
      readonly voters: readonly NodeId[];
      readonly learners?: readonly NodeId[];
      /** Addresses of servers that are new, or that move. */
      readonly nodes?: Readonly<Record<NodeId, NewNode>>;
    }
  | {
      readonly add?: Readonly<Record<NodeId, NewNode>>;
      readonly promote?: readonly NodeId[];
      readonly demote?: readonly NodeId[];
      readonly remove?: readonly NodeId[];
      readonly setAddress?: Readonly<Record<NodeId, string>>;
    };

/** The configuration that a change leads to, or a sentence on why it can't be made. */
export type Plan = { readonly target: Configuration } | { readonly refusal: string };

/** Works out what a change means. Pure; `current` must not be joint. */
export function planChange(current: Configuration, change: MembershipChange): Plan {
  if (isJoint(current)) return { refusal: 'the present change has not ended' };
  const misshapen = misshapenPart(change);
  if (misshapen !== null) return { refusal: `the change's ${misshapen} can't be understood` };
  const wanted = 'voters' in change ? wholeOf(current, change) : stepsFrom(current, change);
  if ('refusal' in wanted) return wanted;
  const refusal = faultOf(wanted.target);
  return refusal === null ? wanted : { refusal };
}

/** The joint configuration between two: both majorities decide until it is left (§6). Equal voters need none. */
export function jointOf(current: Configuration, target: Configuration): Configuration {
  if (sameMembers(current.voters, target.voters)) return target;
  return { ...target, votersOutgoing: current.voters, nodes: { ...current.nodes, ...target.nodes } };
}

/** What follows a joint configuration: the new half alone. */
export function afterJoint(joint: Configuration): Configuration {
  return onlyMembers({ ...joint, votersOutgoing: [] });
}

type Whole = Extract<MembershipChange, { voters: unknown }>;
type Steps = Exclude<MembershipChange, Whole>;

function wholeOf(current: Configuration, change: Whole): Plan {
  const nodes: Record<NodeId, NodeInfo> = { ...current.nodes };
  const learners = change.learners ?? [];
  // A voter that is made a learner is not to come back by itself, whatever it was added with.
  for (const id of learners) if (current.voters.includes(id)) nodes[id] = { ...infoOf(nodes[id] ?? ''), autoPromote: false };
  for (const [id, node] of Object.entries(change.nodes ?? {})) nodes[id] = infoOf(node);
  return { target: { voters: change.voters, votersOutgoing: [], learners, nodes } };
}

function stepsFrom(current: Configuration, change: Steps): Plan {
  const { add = {}, promote = [], demote = [], remove = [], setAddress = {} } = change;
  const nodes: Record<NodeId, NodeInfo> = { ...current.nodes };
  const voters = new Set(current.voters);
  const learners = new Set(current.learners);
  for (const [id, node] of Object.entries(add)) {
    if (voters.has(id) || learners.has(id)) return { refusal: `${id} is a member already` };
    nodes[id] = { autoPromote: true, ...infoOf(node) };
    learners.add(id);
  }
  for (const id of [...promote, ...demote, ...remove, ...Object.keys(setAddress)]) {
    if (!voters.has(id) && !learners.has(id)) return { refusal: `${id} is not a member` };
  }
  for (const id of promote) {
    learners.delete(id);
    voters.add(id);
  }
  for (const id of demote) {
    voters.delete(id);
    learners.add(id);
    nodes[id] = { ...infoOf(nodes[id] ?? ''), autoPromote: false };
  }
  for (const id of remove) {
    voters.delete(id);
    learners.delete(id);
  }
  for (const [id, address] of Object.entries(setAddress)) nodes[id] = { ...infoOf(nodes[id] ?? ''), address };
  return { target: onlyMembers({ voters: [...voters].sort(), votersOutgoing: [], learners: [...learners].sort(), nodes }) };
}

/** Changes may come from outside, as JSON: a shape that the types rule out must not stop the leader. */
function misshapenPart(change: unknown): string | null {
  if (!isTable(change)) return 'value';
  for (const list of ['voters', 'learners', 'promote', 'demote', 'remove']) {
    const value = change[list];
    if (value !== undefined && !(Array.isArray(value) && value.every((id) => typeof id === 'string'))) return list;
  }
  return ['nodes', 'add', 'setAddress'].find((table) => change[table] !== undefined && !isTable(change[table])) ?? null;
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function faultOf(target: Configuration): string | null {
  const { voters, learners, nodes } = target;
  if (voters.length === 0) return 'no voters would be left';
  const all = [...voters, ...learners];
  for (const id of all) {
    if (!isValidId(id)) return `${JSON.stringify(id)} is no node id`;
    if (!Object.hasOwn(nodes, id)) return `${id} is unknown: say where it is`;
    const fault = nodeFaultOf(nodes[id] ?? {});
    if (fault !== null) return `${id} has ${fault}`;
  }
  const double = all.find((id, at) => all.indexOf(id) !== at);
  return double === undefined ? null : `${double} is named twice`;
}

/** What would make the configuration's entry unreadable, on every server. */
function nodeFaultOf({ address, metadata = {}, autoPromote = false, priority = 0 }: Partial<NodeInfo>): string | null {
  if (typeof address !== 'string') return 'an address that is no text';
  if (typeof autoPromote !== 'boolean') return 'an autoPromote that is neither true nor false';
  if (!Number.isFinite(priority)) return 'a priority that is no number';
  if (!isTable(metadata)) return 'metadata that is no object';
  const isText = Object.entries(metadata).every(([key, value]) => key !== '__proto__' && typeof value === 'string');
  return isText ? null : 'metadata that is not all text';
}

function onlyMembers(configuration: Configuration): Configuration {
  const nodes: Record<NodeId, NodeInfo> = {};
  for (const id of membersOf(configuration)) nodes[id] = configuration.nodes[id] ?? { address: '' };
  return { ...configuration, nodes };
}

function infoOf(node: NewNode): NodeInfo {
  return typeof node === 'string' ? { address: node } : node;
}

function sameMembers(a: readonly NodeId[], b: readonly NodeId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}
