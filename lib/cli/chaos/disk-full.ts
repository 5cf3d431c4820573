import { statSync } from 'node:fs';
import { logFilesOf } from './disk-damage.js';
import { done, failsWithin, nameOf, skipped, victimOf, type Fault, type FaultContext, type FaultReport, type Victim } from './fault-context.js';
import { SmallDisk } from './small-disk.js';

/** `ulimit -f` counts in these, says POSIX. */
const LIMIT_BLOCK_BYTES = 512;
/** The log's latest file has its room already: a full disk is not noticed before that one is used up. */
const BITES_WITHIN_MS = 30_000;
const STOP_TIMEOUT_MS = 20_000;
/** What is left of a disk that is about to be full. */
const ROOM_BYTES = [0, 64 << 10] as const;

/**
 * A node must end rather than acknowledge what it can't write; with room again it goes on with all that it acknowledged. Its
 * disk is a small tmpfs that fills up while it runs, or, where none may be mounted, files that can't grow.
 */
export const diskFull: Fault = async (context) => {
  const { cluster } = context;
  if (process.platform === 'win32') return skipped('this system has no limits to the size of files');
  const victim = await victimOf(context, 0.5);
  if (victim.isLeader) context.leaderHit();
  const complaint = await cluster.stop(victim.member, STOP_TIMEOUT_MS);
  if (complaint !== null) context.problem(complaint);
  const disk = await SmallDisk.below(victim.member.dataDir, cluster.guard);
  return disk === null ? limitFiles(context, victim) : fill(context, victim, disk);
};

async function fill(context: FaultContext, victim: Victim, disk: SmallDisk): Promise<FaultReport> {
  const { cluster, dice } = context;
  const { member } = victim;
  let failed: string | null;
  try {
    await cluster.run(member);
    await context.hold([100, 1500]);
    cluster.doom(member);
    await disk.leave(dice.whole(...ROOM_BYTES));
    failed = await failsWithin(context, BITES_WITHIN_MS, member);
    if (failed === null) await cluster.stop(member, STOP_TIMEOUT_MS);
  } finally {
    await cluster.kill(member);
    await disk.end();
  }
  await cluster.run(member);
  if (failed === null) return skipped(`${member.id} wrote nothing that its full disk had no room for`);
  return done(`${nameOf(victim)} found its disk, a tmpfs, full and ended; went on with room again`, 'a small tmpfs');
}

/** Files can't be written behind half of the log's latest one: the portable form of a full disk. */
async function limitFiles(context: FaultContext, victim: Victim): Promise<FaultReport> {
  const { cluster } = context;
  const { member } = victim;
  const blocks = Math.max(1, Math.floor(statSync(logFilesOf(member.dataDir).at(-1) ?? '').size / 2 / LIMIT_BLOCK_BYTES));
  const refusal = await cluster.tryRun({ ...member, launcher: ['sh', '-c', `ulimit -f ${blocks} && exec "$0" "$@"`] });
  const failed = refusal === null ? await failsWithin(context, BITES_WITHIN_MS, member) : null;
  if (refusal === null && failed === null) await cluster.stop(member, STOP_TIMEOUT_MS);
  await cluster.run(member);
  if (refusal === null && failed === null) return skipped(`${member.id} wrote nothing behind the limit`);
  return done(`${nameOf(victim)} found its disk full ${refusal === null ? 'and ended' : 'when it started'}; went on with room again`, 'ulimit -f, since no tmpfs may be mounted here');
}
