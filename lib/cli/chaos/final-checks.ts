import type { History } from '../../testing/linearizability/history.js';
import { checkLinearizable } from '../../testing/linearizability/check.js';
import { keyValueModel, type KeyValueOperation, type KeyValueResult } from '../../testing/linearizability/key-value-model.js';
import { poll, stateOf, untilReady, type StateReport } from '../cluster/status.js';
import type { HttpClient } from '../http-client.js';
import type { ChaosCluster } from './chaos-cluster.js';
import { LEDGER_PREFIX, type Ledger } from './ledger.js';
import type { ChaosMember } from './members.js';
import type { Registers } from './registers.js';

const PAGE_ENTRIES = 1000;
const REGISTER_PREFIX = 'register/';

interface Listed {
  readonly key: string;
  readonly revision: number;
  readonly value: string;
}

/** All nodes serve and hold the same. Rejects with what differs when they don't, in time. */
export async function converge(client: HttpClient, members: readonly ChaosMember[], withinMs: number): Promise<StateReport> {
  const signal = AbortSignal.timeout(withinMs);
  await Promise.all(members.map((member) => untilReady(client, member, signal)));
  let last: readonly (StateReport | null)[] = [];
  const agree = async (): Promise<StateReport | null> => {
    last = await Promise.all(members.map((member) => stateOf(client, member).catch(() => null)));
    const [first = null] = last;
    return first !== null && last.every((state) => state?.sha256 === first.sha256 && state.index === first.index) ? first : null;
  };
  return poll(agree, signal, 'the same state on all nodes').catch((error: unknown) => {
    throw new Error(`the nodes did not converge: ${members.map(({ id }, i) => `${id} ${JSON.stringify(last[i])}`).join(', ')}`, { cause: error });
  });
}

/** Reads everything from a node, linearizably: the entries against the ledger; what the registers hold goes to the history. Returns what is wrong. */
export async function readBack(client: HttpClient, member: ChaosMember, ledger: Ledger, registers: Registers, history: History<KeyValueOperation, KeyValueResult>): Promise<string[]> {
  const name = `final reader of ${member.id}`;
  const calls = registers.keys.map((key) => ({ key, call: history.begin(name, { type: 'get', key }) }));
  const found = new Map((await listAll(client, member, REGISTER_PREFIX)).map((entry) => [entry.key, entry]));
  for (const { key, call } of calls) {
    const entry = found.get(key);
    call.done({ type: 'entry', entry: entry === undefined ? null : { value: entry.value, revision: entry.revision } });
  }
  const entries = await listAll(client, member, LEDGER_PREFIX);
  return ledger.problems(member.id, new Map(entries.map(({ key, value }) => [key, value])));
}

/** What the checker says is wrong with the history; null when nothing is. */
export function judgeHistory(history: History<KeyValueOperation, KeyValueResult>): string | null {
  const verdict = checkLinearizable(keyValueModel, history.calls);
  return verdict.type === 'linearizable' ? null : verdict.text;
}

/** What is wrong with the nodes' metrics. */
export async function foldProblems(cluster: ChaosCluster): Promise<string[]> {
  const differences = await Promise.all(cluster.members.map(async (member) => ({ id: member.id, difference: await cluster.foldDifference(member) })));
  return differences.flatMap(({ id, difference }) => (difference === null ? [] : [`node ${id}: the metrics are not the fold of the events: ${difference}`]));
}

async function listAll(client: HttpClient, member: ChaosMember, prefix: string): Promise<Listed[]> {
  const entries: Listed[] = [];
  for (let after: string | null = null; ; ) {
    const url = `${member.url}/kv?prefix=${encodeURIComponent(prefix)}&limit=${PAGE_ENTRIES}&values=base64${after === null ? '' : `&after=${encodeURIComponent(after)}`}`;
    const { status, body } = await client.send('GET', url);
    if (status !== 200) throw new Error(`node ${member.id} could not be read from at the end: ${status} ${body.toString().trim()}`);
    const page = JSON.parse(body.toString()) as { entries: Listed[]; next: string | null };
    for (const { key, revision, value } of page.entries) entries.push({ key, revision, value: Buffer.from(value, 'base64').toString() });
    if (page.next === null) return entries;
    after = page.next;
  }
}
