import { done, nameOf, skipped, victimOf, type Fault, type FaultContext, type FaultReport, type Victim } from './fault-context.js';
import type { ChaosMember } from './members.js';

const DOWN_MS = [100, 2500] as const;
const STOP_TIMEOUT_MS = 20_000;
const MAX_TRIES = 300;

/** A cluster that serves has a leader soon, if not at this moment. */
export const killLeader: Fault = async (context) => {
  let leader: ChaosMember | null = null;
  for (let tries = 0; leader === null && tries < MAX_TRIES && !context.signal.aborted; tries += 1) {
    leader = await context.cluster.leader();
    if (leader === null) await context.hold([100, 100]);
  }
  return leader === null ? skipped('nobody led') : kill(context, { member: leader, isLeader: true });
};

export const killAny: Fault = async (context) => kill(context, await victimOf(context, 0));

async function kill(context: FaultContext, victim: Victim): Promise<FaultReport> {
  const { cluster } = context;
  const killed = cluster.kill(victim.member);
  if (victim.isLeader) context.leaderHit();
  await killed;
  await context.hold(DOWN_MS);
  await cluster.run(victim.member);
  return done(`${nameOf(victim)} killed and restarted`);
}

export const killAll: Fault = async (context) => {
  const { cluster } = context;
  const killed = Promise.all(cluster.members.map((member) => cluster.kill(member)));
  context.leaderHit();
  await killed;
  await context.hold([100, 1000]);
  await Promise.all(cluster.members.map((member) => cluster.run(member)));
  return done('all nodes killed at once and restarted');
};

export const stop: Fault = async (context) => {
  const victim = await victimOf(context, 0.5);
  const { cluster } = context;
  if (victim.isLeader) context.leaderHit();
  const complaint = await cluster.stop(victim.member, STOP_TIMEOUT_MS);
  if (complaint !== null) context.problem(complaint);
  await context.hold(DOWN_MS);
  await cluster.run(victim.member);
  return done(`${nameOf(victim)} stopped and restarted`);
};

export const pause: Fault = async (context) => {
  const victim = await victimOf(context, 0.6);
  const { cluster } = context;
  cluster.signal(victim.member, 'SIGSTOP');
  if (victim.isLeader) context.leaderHit();
  await context.hold([500, 7000]);
  cluster.signal(victim.member, 'SIGCONT');
  return done(`${nameOf(victim)} held by SIGSTOP`);
};

export const block: Fault = async (context) => {
  const victim = await victimOf(context, 0.6);
  const ms = context.dice.whole(200, 4000);
  context.cluster.tell(victim.member, { type: 'block', ms });
  await context.hold([ms, ms]);
  return done(`the event loop of ${nameOf(victim)} held for ${ms} ms by a subscriber`);
};
