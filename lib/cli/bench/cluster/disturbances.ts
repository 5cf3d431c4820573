import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { pause } from '../../interrupt.js';
import { median, type Report, type Row } from '../report.js';
import { outcomeOf, outcomeText, type Outcome } from './contest.js';
import type { Load } from './load.js';
import type { Sandbox } from './sandbox.js';
import { ServedCluster } from './served-cluster.js';
import type { Setting } from './setting.js';
import { WARM_CLIENTS } from './store.js';

/** Of the most that the cluster takes: so much that it works, and is not full. */
const SHARE = 0.3;

/**
 * The latency of a moderate load while nothing happens, while snapshots are taken about once a second, and while a follower that
 * was killed comes back: by the log, or by a snapshot where the log no longer reaches back. And, to tell what is Raft's of the last two,
 * while a process that has nothing to do with the cluster takes as much of the processors as the follower took to be back.
 */
export async function disturbances(mostPerSecond: number, setting: Setting, sandbox: Sandbox): Promise<Report> {
  const { runs, seconds, scripts, progress } = setting;
  const rate = Math.max(10, Math.round(mostPerSecond * SHARE));
  const loads = { quiet: [] as Load[], log: [] as Load[], stranger: [] as Load[], snapshots: [] as Load[], snapshot: [] as Load[] };
  const taken: number[] = [];
  const often = ['--snapshot-entries', String(rate), '--keep-entries', String(Math.ceil(rate / 10))];
  for (let run = 0; run < runs; run += 1) {
    for (const [extraArgs, undisturbed, catchingUp] of [[[], loads.quiet, loads.log], [often, loads.snapshots, loads.snapshot]] as const) {
      const cluster = await ServedCluster.start('rxraft', extraArgs, scripts.rxraft, sandbox);
      await cluster.store.closed(WARM_CLIENTS, seconds);
      undisturbed.push(await cluster.store.open(rate, seconds));
      const { load, cpuMicros } = await whileCatchingUp(cluster, rate, seconds);
      catchingUp.push(load);
      if (extraArgs.length === 0 && cpuMicros !== null) {
        taken.push(cpuMicros);
        loads.stranger.push(await whileStrangerWorks(cluster, rate, seconds, cpuMicros));
      }
      await cluster.stop();
    }
  }
  const quiet = outcomeOf(loads.quiet);
  progress(`open loop at ${rate} puts/s, undisturbed: ${outcomeText(quiet)}`);
  const named: [what: string, loads: readonly Load[]][] = [
    ['snapshots are taken about once a second', loads.snapshots],
    ['a follower comes back and catches up by the log', loads.log],
    ['a follower comes back and is sent a snapshot', loads.snapshot],
  ];
  if (loads.stranger.length > 0) named.push([`a process that knows nothing of them takes ${Math.round(median(taken) / 1000)} ms of a processor, as that follower did by the log`, loads.stranger]);
  const disturbed = named.map(([what, those]) => {
    const outcome = outcomeOf(those);
    progress(`open loop at ${rate} puts/s, ${what}: ${outcomeText(outcome)}`);
    return rowsOf(what, outcome, quiet);
  });
  return { rows: [{ what: `p99, open loop at ${rate} puts/s, undisturbed`, value: quiet.p99Ms, unit: 'ms' }, ...disturbed.flat()], curves: [], notes: [RESTART_NOTE] };
}

const RESTART_NOTE = 'A follower that comes back is a process that starts, on the processors that the others use: that is part of what its return costs here.';

function rowsOf(what: string, outcome: Outcome, quiet: Outcome): Row[] {
  return [
    { what: `p99 while ${what}`, value: outcome.p99Ms, unit: 'ms' },
    { what: '  / undisturbed', value: outcome.p99Ms / quiet.p99Ms, unit: '×' },
  ];
}

/** Kills a follower, lets it miss a load of `seconds`, and starts it again under the load that is measured. Also: what processor time it took until it had caught up. */
async function whileCatchingUp(cluster: ServedCluster, perSecond: number, seconds: number): Promise<{ load: Load; cpuMicros: number | null }> {
  const { store } = cluster;
  const leader = await cluster.leader();
  const follower = cluster.members.find(({ id }) => id !== leader.id);
  if (follower === undefined) throw new Error('there is no follower');
  cluster.kill(follower);
  await store.open(perSecond, seconds);
  const comesBack = async (): Promise<number | null> => {
    await pause((seconds * 1000) / 2, cluster.sandbox.ended);
    await cluster.run(follower);
    await cluster.settled();
    return cluster.cpuMicrosOf(follower);
  };
  const [load, cpuMicros] = await Promise.all([store.open(perSecond, seconds), comesBack()]);
  return { load, cpuMicros };
}

async function whileStrangerWorks({ store, sandbox }: ServedCluster, perSecond: number, seconds: number, cpuMicros: number): Promise<Load> {
  const works = async (): Promise<void> => {
    await pause((seconds * 1000) / 2, sandbox.ended);
    const stranger = spawn(process.execPath, ['-e', `for (let t = process.cpuUsage(); t.user + t.system < ${cpuMicros}; ) t = process.cpuUsage();`], { stdio: 'ignore' });
    sandbox.watch(stranger.pid ?? null, () => stranger.kill('SIGKILL'));
    await once(stranger, 'exit');
    sandbox.forget(stranger.pid ?? null);
  };
  const [load] = await Promise.all([store.open(perSecond, seconds), works()]);
  return load;
}
