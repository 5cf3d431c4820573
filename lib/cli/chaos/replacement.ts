import { rmSync } from 'node:fs';
import type { FaultContext } from './fault-context.js';
import type { ChaosMember } from './members.js';

const RETRY_MS = 200;
/** The others are in order, and the log is short. */
const CHANGE_WITHIN_MS = 120_000;

/**
 * What an operator does about a node that is lost: starts an empty one under another name, adds it, waits until it
 * votes, and removes the old one. Asks again whatever the answer was, once it is seen not to have happened.
 */
export async function replaceMember(context: FaultContext, lost: ChaosMember): Promise<ChaosMember> {
  const { cluster, events } = context;
  await cluster.kill(lost);
  const joiner = cluster.plan.joiner();
  await cluster.join(joiner);
  events.follow(joiner);
  await change(context, { add: { [joiner.id]: cluster.plan.infoOf(joiner) } }, (voters) => voters.includes(joiner.id));
  await change(context, { remove: [lost.id] }, (voters) => !voters.includes(lost.id));
  await cluster.forget(lost);
  events.unfollow(lost.id);
  rmSync(lost.dataDir, { recursive: true, force: true });
  return joiner;
}

/** Asks for the change until the committed configuration is as wanted. */
async function change({ admin }: FaultContext, wanted: Readonly<Record<string, unknown>>, isMade: (voters: readonly string[]) => boolean): Promise<void> {
  let last: unknown = null;
  for (const giveUpAt = performance.now() + CHANGE_WITHIN_MS; ; ) {
    const report = await admin.members().catch(() => null);
    const isSettled = report !== null && !report.committed.isJoint && report.committed.index === report.effective.index;
    if (isSettled && isMade(report.committed.members.filter(({ role }) => role === 'voter').map(({ id }) => id))) return;
    if (performance.now() > giveUpAt) throw new Error(`the membership was not changed to ${JSON.stringify(wanted)} within ${CHANGE_WITHIN_MS / 1000} s: ${String(last)}`);
    if (isSettled) await admin.leader('POST', '/members', wanted).catch((error: unknown) => (last = error));
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}
