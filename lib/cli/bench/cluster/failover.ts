import type { Member } from '../../cluster/plan.js';
import { HttpClient } from '../../http-client.js';
import { pause, unlessInterrupted } from '../../interrupt.js';
import { median, type Report, type Row } from '../report.js';
import type { Sandbox } from './sandbox.js';
import { ServedCluster } from './served-cluster.js';
import type { Setting } from './setting.js';

/** How often a put is sent to each survivor: the error of what is measured. */
const PROBE_MS = 4;
const REQUEST_TIMEOUT_MS = 20_000;
/** The longest of the random waits before a kill, so that it comes at any moment between two heartbeats. */
const CALM_MS = 300;

const TIMEOUTS = [
  { text: 'default election timeout (500–1000 ms)', args: [], budgetMs: 1000 },
  { text: 'election timeout 200–300 ms', args: ['--election-timeout-ms', '200', '--election-timeout-max-ms', '300'], budgetMs: 230 },
];

/** Kills leaders with SIGKILL: how long until the next put is committed. */
export async function failoverPart({ kills, scripts, progress }: Setting, sandbox: Sandbox): Promise<Report> {
  const rows: Row[] = [];
  for (const { text, args, budgetMs } of TIMEOUTS) {
    const cluster = await ServedCluster.start('rxraft', args, scripts.rxraft, sandbox);
    const results: number[] = [];
    while (results.length < kills) results.push(await failover(cluster));
    await cluster.stop();
    progress(`failover, ${text}: ${results.map((ms) => Math.round(ms)).join(' ')} ms`);
    rows.push(
      { what: `kill -9 of the leader to the next committed put, ${text}, median of ${kills}`, value: median(results), unit: 'ms', budget: budgetMs, isCeiling: true },
      { what: '  the longest', value: Math.max(...results), unit: 'ms' },
    );
  }
  return { rows, curves: [], notes: [] };
}

/** From SIGKILL of the leader to the first answer to a put that was sent after it, in milliseconds. */
async function failover(cluster: ServedCluster): Promise<number> {
  await cluster.settled();
  const leader = await cluster.leader();
  await pause(CALM_MS * Math.random(), cluster.sandbox.ended);
  const killedAt = performance.now();
  cluster.kill(leader);
  const survivors = cluster.members.filter(({ id }) => id !== leader.id);
  const acknowledgedAt = await firstAcknowledgement(survivors, cluster.sandbox.ended);
  await cluster.run(leader);
  return acknowledgedAt - killedAt;
}

/** Sends puts to the members until one of them is committed; resolves with the moment at which its answer came. */
async function firstAcknowledgement(members: readonly Member[], interrupt: AbortSignal): Promise<number> {
  const client = new HttpClient(Infinity, REQUEST_TIMEOUT_MS);
  let probing: NodeJS.Timeout | undefined;
  const acknowledged = new Promise<number>((resolve) => {
    probing = setInterval(() => {
      for (const member of members) void isCommitted(client, member).then((is) => is && resolve(performance.now()));
    }, PROBE_MS);
  });
  try {
    return await unlessInterrupted(acknowledged, interrupt, () => {
      throw interrupt.reason;
    });
  } finally {
    clearInterval(probing);
    client.close(); // whatever came of the other puts
  }
}

/** A node that knows no leader refuses at once; one that does may hold the put for a while, which is why nobody waits for it. */
async function isCommitted(client: HttpClient, { url }: Member): Promise<boolean> {
  const reply = await client.send('PUT', `${url}/kv/failover`, { body: 'probe' }).catch(() => null);
  return reply !== null && reply.status < 300;
}
