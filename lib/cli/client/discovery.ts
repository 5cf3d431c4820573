import type { Configuration } from '../../core/configuration.js';
import type { RaftMetrics } from '../../node/metrics/metrics.js';
import { leaderReport } from '../../server/http/member-report.js';
import { messageOf } from '../exit.js';
import type { ClusterClient } from './cluster-client.js';

/** A node that hangs, or a machine that is gone, must not keep the others' news waiting. */
const PROBE_TIMEOUT_MS = 5000;

/** An answer of one endpoint: metrics, or why there are none. */
export interface Answer {
  readonly endpoint: string;
  readonly metrics: RaftMetrics | null;
  readonly error: string | null;
}

/** A node that answered or that is a member. */
export interface Located {
  readonly id: string;
  /** Where it answered; null when it did not. */
  readonly endpoint: string | null;
  /** Where it serves HTTP, as the configuration has it; null when that says nothing. */
  readonly label: string | null;
  readonly isMember: boolean;
}

/** Asks every endpoint that is known, then those that the answers name, until none names a new one. */
export async function survey(cluster: ClusterClient): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (let next = cluster.endpoints; next.length > 0; ) {
    const wave = await Promise.all(next.map((endpoint) => ask(cluster, endpoint)));
    answers.push(...wave);
    cluster.learn(wave.flatMap(({ metrics }) => (metrics === null ? [] : labelsOf(metrics.membership.effective))));
    next = cluster.endpoints.filter((endpoint) => !answers.some((answer) => answer.endpoint === endpoint));
  }
  return answers;
}

/** What each node says of itself, by its name; of one that answered at two endpoints, the first. */
export function answeredBy(answers: readonly Answer[]): ReadonlyMap<string, { readonly endpoint: string; readonly metrics: RaftMetrics }> {
  const answered = new Map<string, { endpoint: string; metrics: RaftMetrics }>();
  for (const { endpoint, metrics } of answers) if (metrics !== null && !answered.has(metrics.nodeId)) answered.set(metrics.nodeId, { endpoint, metrics });
  return answered;
}

/** The latest configuration that anybody knows of; null when nobody answered. */
export function latestConfiguration(answers: readonly Answer[]): Configuration | null {
  let latest: RaftMetrics['membership'] | null = null;
  for (const { metrics } of answers) if (metrics !== null && metrics.membership.effectiveIndex >= (latest?.effectiveIndex ?? 0)) latest = metrics.membership;
  return latest?.effective ?? null;
}

/** Those that answered, then the members that did not. */
export function rosterOf(answers: readonly Answer[]): readonly Located[] {
  const nodes = latestConfiguration(answers)?.nodes ?? {};
  const answered = answeredBy(answers);
  const ids = new Set([...answered.keys(), ...Object.keys(nodes)]);
  return [...ids].map((id) => ({ id, endpoint: answered.get(id)?.endpoint ?? null, label: leaderReport(id, { nodes }).http, isMember: Object.hasOwn(nodes, id) }));
}

async function ask({ parts }: ClusterClient, endpoint: string): Promise<Answer> {
  try {
    const { status, body } = await parts.http.send('GET', `http://${endpoint}/metrics.json`, { timeoutMs: PROBE_TIMEOUT_MS });
    if (status !== 200) return { endpoint, metrics: null, error: `answered with ${status}` };
    return { endpoint, metrics: JSON.parse(body.toString()) as RaftMetrics, error: null };
  } catch (error) {
    return { endpoint, metrics: null, error: (error as { code?: string }).code ?? messageOf(error) };
  }
}

function labelsOf({ nodes }: Configuration): string[] {
  return Object.keys(nodes).flatMap((id) => leaderReport(id, { nodes }).http ?? []);
}
