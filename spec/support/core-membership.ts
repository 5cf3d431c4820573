import { configurationOf, type Configuration, type NodeInfo } from '../../lib/core/configuration.js';
import type { NodeId } from '../../lib/core/ids.js';
import type { MembershipChange } from '../../lib/core/membership-plan.js';
import type { MembershipOutcome } from '../../lib/core/output.js';
import { CoreCluster, type ClusterOptions } from './core-cluster.js';

/** A configuration of these voters and learners. */
export function members(voters: string, learners = '', infos: Readonly<Record<NodeId, Partial<NodeInfo>>> = {}): Configuration {
  const all = configurationOf(Object.fromEntries([...voters, ...learners].map((id) => [id, `${id}:1`])));
  const nodes = Object.fromEntries(Object.entries(all.nodes).map(([id, node]) => [id, { ...node, ...infos[id] }]));
  return { voters: [...voters].sort(), votersOutgoing: [], learners: [...learners].sort(), nodes };
}

/** A cluster of `voters` that `a` leads and that has come to rest; who is in `newcomers` has a core and an empty store. */
export function ledByA(voters = 'abc', newcomers = '', options: Omit<ClusterOptions, 'ids'> = {}): CoreCluster {
  const ids = [...voters, ...(options.configuration?.learners ?? []), ...newcomers];
  const logs = Object.fromEntries([...newcomers].map((id) => [id, []]));
  const cluster = new CoreCluster({ configuration: members(voters), ...options, ids, logs: { ...logs, ...options.logs } });
  elect(cluster, 'a');
  return cluster;
}

/** As `cluster.elect`, without the nodes that are no members yet. */
export function elect(cluster: CoreCluster, id: NodeId): void {
  for (let attempts = 0; attempts < 500 && !cluster.node(id).core.isLeader; attempts += 1) {
    timeoutUnheard(cluster, id);
    for (const other of cluster.nodes.keys()) if (other !== id && cluster.node(other).core.wakeAt <= cluster.now) cluster.tick(other);
    for (const other of cluster.nodes.keys()) if (other !== id) cluster.take({ from: other, type: 'preVoteRequest' });
    cluster.settle();
  }
  if (!cluster.node(id).core.isLeader) throw new Error(`${id} does not win`);
}

/** Moves on to the node's timer; a leader goes on meanwhile, and nobody hears it. */
function timeoutUnheard(cluster: CoreCluster, id: NodeId): void {
  for (;;) {
    const { leader } = cluster;
    if (leader === null || cluster.node(leader).core.wakeAt >= cluster.node(id).core.wakeAt) break;
    cluster.timeout(leader);
    cluster.take({ from: leader });
  }
  cluster.timeout(id);
}

let nextId = 1;

/** Asks for a change; its number. */
export function change(cluster: CoreCluster, id: NodeId, wanted: MembershipChange, expected: number | null = null): number {
  const number = nextId++;
  cluster.step(id, { type: 'changeMembership', id: number, change: wanted, expected });
  return number;
}

/** What the change was answered, every time it was. */
export function answers(cluster: CoreCluster, id: NodeId, number: number): MembershipOutcome[] {
  return cluster.node(id).membershipOutcomes.filter((outcome) => outcome.id === number);
}

/** Voters, outgoing voters and learners in force, as words: `abc`, `abd|abc`, `abc+d`. */
export function membership(cluster: CoreCluster, id: NodeId): string {
  const { voters, votersOutgoing, learners } = cluster.status(id).effective.configuration;
  return [voters.join(''), ...(votersOutgoing.length === 0 ? [] : ['|', votersOutgoing.join('')]), ...(learners.length === 0 ? [] : ['+', learners.join('')])].join('');
}

/** Cuts a cluster in two: messages pass only within `group`, or outside it. */
export function isolate(cluster: CoreCluster, group: string): void {
  cluster.isCut = (from, to) => group.includes(from) !== group.includes(to);
}

export function heal(cluster: CoreCluster): void {
  cluster.isCut = () => false;
}
