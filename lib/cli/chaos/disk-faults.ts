import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { backUp, damageLog, damageSnapshot, dropBackup, restoreBackup, truncateLog } from './disk-damage.js';
import { done, failsWithin, nameOf, skipped, victimOf, type Fault, type FaultContext, type FaultReport } from './fault-context.js';
import type { ChaosMember } from './members.js';
import { replaceMember } from './replacement.js';

/** A node reads all of its files when it starts; it has no reason to notice later, but may. */
const NOTICES_WITHIN_MS = 1000;
/** A node that refuses to start or to go on says which file, record or checksum is at fault. */
const CLEAR = /CorruptLogError|StorageError/;

export const corruptLog: Fault = (context) => damage(context, damageLog);
export const truncatedLog: Fault = (context) => damage(context, truncateLog);
export const corruptSnapshot: Fault = (context) => damage(context, damageSnapshot, takeSnapshot);

/**
 * Damages the files of one node while it is down. It must refuse to start, or to go on, and say why; or the damage
 * hit nothing that is in use. One that refused at once gets its files back or is replaced; one that began to serve has
 * acknowledged entries meanwhile that the files of before lack, and is replaced.
 */
async function damage(context: FaultContext, apply: (dataDir: string, dice: FaultContext['dice']) => string | null, prepare = nothing): Promise<FaultReport> {
  const { cluster, dice } = context;
  const victim = await victimOf(context, 0.3);
  const { member } = victim;
  await prepare(context, member);
  if (victim.isLeader) context.leaderHit();
  await cluster.kill(member);
  backUp(member.dataDir);
  const what = apply(member.dataDir, dice);
  if (what === null) {
    await cluster.run(member);
    return skipped(`${member.id} has nothing to damage yet`);
  }
  const logged = logSize(member);
  const refusal = await cluster.tryRun(member);
  const began = refusal === null;
  const failed = began ? await failsWithin(context, NOTICES_WITHIN_MS, member) : null;
  const how = failed ?? refusal;
  if (how !== null) judgeWords(context, member, logged, how);
  const outcome = how === null ? 'it went on unharmed' : began ? 'it noticed later and stopped' : 'it refused to start';
  if (!began && dice.chance(0.5)) {
    restoreBackup(member.dataDir);
    await cluster.run(member);
    return done(`${nameOf(victim)}: ${what}; ${outcome}, and got its files back`);
  }
  dropBackup(member.dataDir);
  const joiner = await replaceMember(context, member);
  return done(`${nameOf(victim)}: ${what}; ${outcome}, and was replaced by ${joiner.id}`);
}

/** So that there is one. */
async function takeSnapshot({ admin }: FaultContext, { id }: ChaosMember): Promise<void> {
  await admin.node(id, 'POST', '/snapshot', { compact: true });
}

async function nothing(_context: FaultContext, _member: ChaosMember): Promise<void> {
  // The log is always there.
}

/** A node that ends because of its files must say so in its log. */
function judgeWords(context: FaultContext, member: ChaosMember, from: number, how: string): void {
  const said = readFileSync(member.logFile).subarray(from).toString();
  if (!CLEAR.test(said)) context.problem(`node ${member.id} ended over damaged files (${how.split('\n')[0] ?? ''}) without a word of what is wrong`);
}

function logSize({ logFile }: ChaosMember): number {
  return existsSync(logFile) ? statSync(logFile).size : 0;
}

/** The disk is lost, and with it the node: another one takes its place, from nothing. */
export const replace: Fault = async (context) => {
  const victim = await victimOf(context, 0.3);
  if (victim.isLeader) context.leaderHit();
  await context.cluster.kill(victim.member);
  rmSync(victim.member.dataDir, { recursive: true, force: true });
  const joiner = await replaceMember(context, victim.member);
  return done(`${nameOf(victim)} lost its disk and was replaced by ${joiner.id}`);
};
