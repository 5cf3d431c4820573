import type { Dice } from '../../testing/simulation/dice.js';
import { exitText } from '../cluster/process.js';
import type { ClusterClient } from '../client/cluster-client.js';
import type { ChaosCluster } from './chaos-cluster.js';
import type { EventWatch } from './event-watch.js';
import type { ChaosMember } from './members.js';
import type { Network } from './network.js';

/** What a fault is given to do its work. */
export interface FaultContext {
  readonly cluster: ChaosCluster;
  readonly network: Network;
  readonly events: EventWatch;
  /** Of the members at the moment. */
  readonly admin: ClusterClient;
  /** Of this fault alone. */
  readonly dice: Dice;
  /** Aborted when the run is to end: a fault then mends what it broke, and does no more. */
  readonly signal: AbortSignal;
  /** Waits for a time between these, or until the run ends. */
  hold(rangeMs: readonly [number, number]): Promise<void>;
  /** Resolves with true once it is so, with false after the time or when the run ends. */
  until(isSo: () => boolean, withinMs: number): Promise<boolean>;
  /** To be called at the moment at which the leader becomes unable to lead. */
  leaderHit(): void;
  /** Something that must not happen has. */
  problem(sentence: string): void;
}

/** What was done, in words; or why it could not be done here. */
export interface FaultReport {
  readonly isDone: boolean;
  readonly text: string;
  /** What the system was asked for, where that depends on what it allows. */
  readonly means?: string;
}

/** Breaks something and mends it again. */
export type Fault = (context: FaultContext) => Promise<FaultReport>;

export function done(text: string, means?: string): FaultReport {
  return { isDone: true, text, ...(means === undefined ? {} : { means }) };
}

export function skipped(text: string): FaultReport {
  return { isDone: false, text };
}

export interface Victim {
  readonly member: ChaosMember;
  readonly isLeader: boolean;
}

/** The leader as likely as this, if there is one; else any node. */
export async function victimOf({ cluster, dice }: FaultContext, leaderChance: number): Promise<Victim> {
  const leader = await cluster.leader();
  const member = leader !== null && dice.chance(leaderChance) ? leader : dice.pick(cluster.members);
  return { member, isLeader: member.id === leader?.id };
}

/** `the leader n1`, or `n1`. */
export function nameOf({ member, isLeader }: Victim): string {
  return isLeader ? `the leader ${member.id}` : member.id;
}

export function idsExcept({ cluster }: FaultContext, ids: readonly string[]): string[] {
  return cluster.members.map(({ id }) => id).filter((id) => !ids.includes(id));
}

/** How the member's process ended within the time, in words; null when it did not. */
export async function failsWithin(context: FaultContext, withinMs: number, member: ChaosMember): Promise<string | null> {
  let how: string | null = null;
  void context.cluster.exited(member).then((exit) => (how = `it ${exitText(exit)}`));
  await context.until(() => how !== null, withinMs);
  return how;
}
