import type { Applied, ReadOptions } from '../../node/raft-node.js';
import { KV_LIMITS, type KvAnswer, type KvCommand, type KvListed, type KvResult } from '../kv/commands.js';
import type { KvNode } from '../kv-node.js';
import type { Admission } from './admission.js';
import type { Exchange } from './exchange.js';
import type { Gathering } from './gathering.js';
import type { HttpLimits } from './limits.js';
import { badParameter, choiceParam, countParam, keyOf, paramsOf } from './params.js';
import { etagOf, expectationOf, isUnchanged } from './preconditions.js';
import { HttpProblem } from './problem.js';
import { declaredLength, readBody, takeBody } from './read-body.js';
import type { Handler, Router } from './router.js';

/** A day: beyond it any age is as good. */
const MAX_STALENESS_MS = 86_400_000;

/** What every handler of the service needs. */
export interface RouteParts {
  readonly node: KvNode;
  readonly limits: HttpLimits;
  readonly admission: Admission;
  readonly gathering: Gathering;
}

const CONSISTENCIES = ['linearizable', 'lease', 'stale'] as const;
/** The parameters of every read. */
export const READ_PARAMS = ['consistency', 'maxStalenessMs'] as const;

/** `/kv` and `/kv/<key>`. The node forwards commands and reads to the leader by itself, so any node answers. */
export function addKvRoutes(router: Router, parts: RouteParts): void {
  const reading = (handler: (exchange: Exchange, parts: RouteParts) => Promise<void>): Handler => (exchange) => parts.admission.during(0, () => handler(exchange, parts));
  router.add('/kv', { GET: reading(list) });
  router.add('/kv/*', { GET: reading(get), PUT: (exchange) => put(exchange, parts), DELETE: (exchange) => remove(exchange, parts) });
}

async function get(exchange: Exchange, { node, limits }: RouteParts): Promise<void> {
  const key = keyOf(exchange.path);
  const answer = await read(exchange, node, { type: 'get', key }, readOptionsOf(paramsOf(exchange.query, READ_PARAMS), 'linearizable', limits));
  if (answer.type !== 'entry') throw unexpected(answer);
  if (answer.entry === null) throw notFound(answer.index);
  const { value, revision } = answer.entry;
  exchange.set('X-Raft-Index', String(answer.index));
  exchange.set('ETag', etagOf(revision));
  exchange.set('Cache-Control', 'no-cache'); // a cache must ask again, and If-None-Match spares the bytes
  if (isUnchanged(exchange.header('if-none-match'), revision)) exchange.empty(304);
  else exchange.bytes(value);
}

/** One function that awaits little: what each `await` between request and answer allocates shows in every put. */
async function put(exchange: Exchange, parts: RouteParts): Promise<void> {
  const { limits, admission, gathering } = parts;
  const { incoming } = exchange;
  const key = writableKey(exchange);
  const expect = expectationOf(exchange.header('if-match'), exchange.header('if-none-match'));
  const encoding = exchange.header('content-encoding') ?? 'identity';
  if (encoding !== 'identity') throw new HttpProblem(415, 'unsupported_encoding', `the body is encoded as ${encoding}; send it as it is`);
  const held = declaredLength(incoming, limits.maxBodyBytes);
  admission.enter(held);
  try {
    await gathering.end();
    const value = takeBody(incoming, limits.maxBodyBytes) ?? (await readBody(incoming, limits.maxBodyBytes, limits.bodyTimeoutMs));
    if (isJson(exchange.header('content-type'))) checkJson(value);
    const result = resultOf(exchange, await propose(exchange, parts, expect === undefined ? { type: 'put', key, value } : { type: 'put', key, value, expect }));
    if (result.type !== 'stored') throw unexpected(result);
    exchange.set('ETag', etagOf(result.revision));
    exchange.json({ key, revision: result.revision }, result.created ? 201 : 200);
  } finally {
    admission.leave(held);
  }
}

async function remove(exchange: Exchange, parts: RouteParts): Promise<void> {
  const { admission, gathering } = parts;
  const key = writableKey(exchange);
  const expect = expectationOf(exchange.header('if-match'), exchange.header('if-none-match'));
  if (expect === 'absent') throw new HttpProblem(400, 'bad_precondition', 'a deletion of what must be absent does nothing');
  admission.enter(0);
  try {
    await gathering.end();
    const applied = await propose(exchange, parts, expect === undefined ? { type: 'delete', key } : { type: 'delete', key, expect });
    const result = resultOf(exchange, applied);
    if (result.type !== 'deleted') throw unexpected(result);
    if (!result.existed) throw notFound(applied.index, applied.term);
    exchange.empty(204);
  } finally {
    admission.leave(0);
  }
}

async function list(exchange: Exchange, { node, limits }: RouteParts): Promise<void> {
  const params = paramsOf(exchange.query, ['prefix', 'limit', 'after', 'values', ...READ_PARAMS]);
  const values = choiceParam(params, 'values', ['none', 'base64'], 'none') === 'base64';
  const limit = countParam(params, 'limit', 100, KV_LIMITS.maxPageEntries);
  const query = { type: 'list', prefix: params.get('prefix') ?? '', after: params.get('after') ?? null, limit, values } as const;
  const answer = await read(exchange, node, query, readOptionsOf(params, 'linearizable', limits));
  if (answer.type !== 'page') throw unexpected(answer);
  exchange.set('X-Raft-Index', String(answer.index));
  exchange.json({ entries: answer.entries.map(listed), next: answer.next });
}

function listed({ key, revision, bytes, value }: KvListed): Record<string, unknown> {
  return { key, revision, bytes, ...(value === null ? {} : { value: Buffer.from(value).toString('base64') }) };
}

/** How a request wants to read. @throws {HttpProblem} 400 when it can't be read like that. */
export function readOptionsOf(params: ReadonlyMap<string, string>, fallback: (typeof CONSISTENCIES)[number], limits: HttpLimits): ReadOptions {
  const consistency = choiceParam(params, 'consistency', CONSISTENCIES, fallback);
  const timeoutMs = limits.callTimeoutMs;
  if (!params.has('maxStalenessMs')) return { consistency, timeoutMs };
  if (consistency !== 'stale') throw badParameter(`maxStalenessMs goes with consistency=stale; a ${consistency} read is never stale`);
  return { consistency, timeoutMs, maxStalenessMs: countParam(params, 'maxStalenessMs', 1, MAX_STALENESS_MS) };
}

/** Asks the node; the call ends when the client goes away. A stale answer says how stale it is at most. */
export async function read(exchange: Exchange, node: KvNode, query: Parameters<KvNode['read']>[0], options: ReadOptions): Promise<KvAnswer> {
  const startedAt = performance.now();
  const { stalenessMs } = node;
  const answer = await node.read(query, { ...options, signal: exchange.gone });
  if (options.consistency === 'stale') {
    const isRefreshed = stalenessMs > (options.maxStalenessMs ?? Infinity); // then it saw all that was acknowledged when it began
    const bound = (isRefreshed ? 0 : stalenessMs) + performance.now() - startedAt;
    exchange.set('X-Raft-Staleness-Ms', Number.isFinite(bound) ? String(Math.ceil(bound)) : 'unknown');
  }
  return answer;
}

/** Proposes a command; the call ends when the client goes away. */
function propose(exchange: Exchange, { node, limits }: RouteParts, command: KvCommand): Promise<Applied<KvResult>> {
  return node.propose(command, { timeoutMs: limits.callTimeoutMs, signal: exchange.gone });
}

/** Tells the client where its command stands in the log. @throws {HttpProblem} 412 when it expected something else of the key. */
function resultOf(exchange: Exchange, { index, term, value }: Applied<KvResult>): KvResult {
  exchange.set('X-Raft-Index', String(index));
  exchange.set('X-Raft-Term', String(term));
  if (value.type !== 'conflict') return value;
  const found = value.revision === null ? 'the key is absent' : `the key is at revision ${value.revision}`;
  throw new HttpProblem(412, 'precondition_failed', `${found}; nothing was changed`, {
    'X-Raft-Index': String(index),
    ...(value.revision === null ? {} : { ETag: etagOf(value.revision) }),
  });
}

function writableKey(exchange: Exchange): string {
  paramsOf(exchange.query, []);
  return keyOf(exchange.path);
}

function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/(json|[^;]+\+json)\s*(;|$)/i.test(contentType);
}

/** A body that says it is JSON must be: a garbled one is better refused than stored. */
function checkJson(body: Uint8Array): void {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw new HttpProblem(400, 'invalid_json', `the body is declared as JSON and is not: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function notFound(index: number, term?: number): HttpProblem {
  return new HttpProblem(404, 'not_found', 'there is no such key', { 'X-Raft-Index': String(index), ...(term === undefined ? {} : { 'X-Raft-Term': String(term) }) });
}

function unexpected(value: KvAnswer | KvResult): Error {
  if (value.type === 'refused') return new HttpProblem(400, 'refused', value.reason);
  return new Error(`the store answered with ${value.type}`);
}
