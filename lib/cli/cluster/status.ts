import type { RaftMetrics } from '../../node/metrics/metrics.js';
import type { HttpClient } from '../http-client.js';
import type { Member } from './plan.js';

const POLL_MS = 25;

/** What `/state.json` says. */
export interface StateReport {
  readonly index: number;
  readonly keys: number;
  readonly bytes: number;
  readonly sha256: string;
}

export async function metricsOf(client: HttpClient, member: Member): Promise<RaftMetrics> {
  return (await jsonOf(client, `${member.url}/metrics.json`)) as RaftMetrics;
}

export async function stateOf(client: HttpClient, member: Member): Promise<StateReport> {
  return (await jsonOf(client, `${member.url}/state.json`)) as StateReport;
}

/** The member that leads with a quorum behind it; null when none says so. The one of the latest term, should two. */
export async function leaderOf(client: HttpClient, members: readonly Member[]): Promise<{ readonly member: Member; readonly term: number } | null> {
  const answers = await Promise.all(members.map(async (member) => ({ member, metrics: await metricsOf(client, member).catch(() => null) })));
  let leader: { member: Member; term: number } | null = null;
  for (const { member, metrics } of answers) {
    if (metrics?.leadership?.established === true && metrics.term > (leader?.term ?? 0)) leader = { member, term: metrics.term };
  }
  return leader;
}

/** Asks again until the answer is not null. @throws {Error} with `what` once the signal is aborted. */
export async function poll<T>(ask: () => Promise<T | null>, signal: AbortSignal, what: string): Promise<T> {
  for (;;) {
    if (signal.aborted) throw new Error(`gave up waiting for ${what}`, { cause: signal.reason });
    const answer = await ask();
    if (answer !== null) return answer;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Resolves once the node says it is ready. */
export async function untilReady(client: HttpClient, member: Member, signal: AbortSignal): Promise<void> {
  const isReady = async (): Promise<true | null> => ((await client.send('GET', `${member.url}/readyz`).catch(() => null))?.status === 200 ? true : null);
  await poll(isReady, signal, `node ${member.id} to be ready`);
}

async function jsonOf(client: HttpClient, url: string): Promise<unknown> {
  const { status, body } = await client.send('GET', url);
  if (status !== 200) throw new Error(`${url} answered with ${status}`);
  return JSON.parse(body.toString());
}
