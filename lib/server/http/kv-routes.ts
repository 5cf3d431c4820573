import type { CallOptions, ReadOptions } from '../../node/raft-node.js';
import { KV_LIMITS, type KvAnswer, type KvCommand, type KvListed, type KvResult } from '../kv/commands.js';
import type { KvNode } from '../kv-node.js';
import type { Admission } from './admission.js';
import type { HttpLimits } from './limits.js';
import { badParameter, choiceParam, countParam, keyOf, paramsOf, targetOf } from './params.js';
import { etagOf, expectationOf, isUnchanged } from './preconditions.js';
import { HttpProblem } from './problem.js';
import { declaredLength, readBody } from './read-body.js';
import type { RequestContext, Router } from './router.js';

/** A day: beyond it any age is as good. */
const MAX_STALENESS_MS = 86_400_000;

/** What every handler of the service needs. */
export interface RouteParts {
  readonly node: KvNode;
  readonly limits: HttpLimits;
  readonly admission: Admission;
}

const CONSISTENCIES = ['linearizable', 'lease', 'stale'] as const;
/** The parameters of every read. */
export const READ_PARAMS = ['consistency', 'maxStalenessMs'] as const;

/** `/kv` and `/kv/<key>`. The node forwards commands and reads to the leader by itself, so any node answers. */
export function addKvRoutes(router: Router, parts: RouteParts): void {
  router.get('/kv', (c) => list(c, parts));
  router.get('/kv/:key{.+}', (c) => get(c, parts));
  router.put('/kv/:key{.+}', (c) => put(c, parts));
  router.delete('/kv/:key{.+}', (c) => remove(c, parts));
  router.all('/kv', () => onlyMethods('GET, HEAD'));
  router.all('/kv/:key{.+}', () => onlyMethods('GET, HEAD, PUT, DELETE'));
}

/** @throws {HttpProblem} 405, always. */
export function onlyMethods(allowed: string): never {
  throw new HttpProblem(405, 'method_not_allowed', `this resource takes ${allowed}`, { Allow: allowed });
}

async function get(c: RequestContext, { node, limits }: RouteParts): Promise<Response> {
  const { path, query } = targetOf(c.req.url);
  const key = keyOf(path);
  const answer = await read(c, node, { type: 'get', key }, readOptionsOf(paramsOf(query, READ_PARAMS), 'linearizable', limits));
  if (answer.type !== 'entry') throw unexpected(answer);
  c.header('X-Raft-Index', String(answer.index));
  if (answer.entry === null) throw notFound(answer.index);
  const { value, revision } = answer.entry;
  c.header('ETag', etagOf(revision));
  c.header('Cache-Control', 'no-cache'); // a cache must ask again, and If-None-Match spares the bytes
  if (isUnchanged(c.req.header('if-none-match'), revision)) return c.body(null, 304);
  c.header('Content-Type', 'application/octet-stream');
  return c.body(value as Uint8Array<ArrayBuffer>);
}

async function put(c: RequestContext, parts: RouteParts): Promise<Response> {
  const { limits, admission } = parts;
  const key = writableKey(c);
  const expect = expectationOf(c.req.header('if-match'), c.req.header('if-none-match'));
  const encoding = c.req.header('content-encoding') ?? 'identity';
  if (encoding !== 'identity') throw new HttpProblem(415, 'unsupported_encoding', `the body is encoded as ${encoding}; send it as it is`);
  return admission.holding(declaredLength(c.env.incoming, limits.maxBodyBytes), async () => {
    const value = await readBody(c.env.incoming, limits.maxBodyBytes, limits.bodyTimeoutMs);
    if (isJson(c.req.header('content-type'))) checkJson(value);
    const result = await write(c, parts, { type: 'put', key, value, ...(expect === undefined ? {} : { expect }) });
    if (result.type !== 'stored') throw unexpected(result);
    c.header('ETag', etagOf(result.revision));
    return c.json({ key, revision: result.revision }, result.created ? 201 : 200);
  });
}

async function remove(c: RequestContext, parts: RouteParts): Promise<Response> {
  const key = writableKey(c);
  const expect = expectationOf(c.req.header('if-match'), c.req.header('if-none-match'));
  if (expect === 'absent') throw new HttpProblem(400, 'bad_precondition', 'a deletion of what must be absent does nothing');
  const result = await write(c, parts, { type: 'delete', key, ...(expect === undefined ? {} : { expect }) });
  if (result.type !== 'deleted') throw unexpected(result);
  if (!result.existed) throw notFound(Number(c.res.headers.get('X-Raft-Index')));
  return c.body(null, 204);
}

async function list(c: RequestContext, { node, limits }: RouteParts): Promise<Response> {
  const params = paramsOf(targetOf(c.req.url).query, ['prefix', 'limit', 'after', 'values', ...READ_PARAMS]);
  const values = choiceParam(params, 'values', ['none', 'base64'], 'none') === 'base64';
  const limit = countParam(params, 'limit', 100, KV_LIMITS.maxPageEntries);
  const query = { type: 'list', prefix: params.get('prefix') ?? '', after: params.get('after') ?? null, limit, values } as const;
  const answer = await read(c, node, query, readOptionsOf(params, 'linearizable', limits));
  if (answer.type !== 'page') throw unexpected(answer);
  c.header('X-Raft-Index', String(answer.index));
  return c.json({ entries: answer.entries.map(listed), next: answer.next });
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
export async function read(c: RequestContext, node: KvNode, query: Parameters<KvNode['read']>[0], options: ReadOptions): Promise<KvAnswer> {
  const startedAt = performance.now();
  const { stalenessMs } = node;
  const answer = await whileConnected(c, (signal) => node.read(query, { ...options, signal }));
  if (options.consistency === 'stale') {
    const isRefreshed = stalenessMs > (options.maxStalenessMs ?? Infinity); // then it saw all that was acknowledged when it began
    const bound = (isRefreshed ? 0 : stalenessMs) + performance.now() - startedAt;
    c.header('X-Raft-Staleness-Ms', Number.isFinite(bound) ? String(Math.ceil(bound)) : 'unknown');
  }
  return answer;
}

async function write(c: RequestContext, { node, limits }: RouteParts, command: KvCommand): Promise<KvResult> {
  const call: CallOptions = { timeoutMs: limits.callTimeoutMs };
  const { index, term, value } = await whileConnected(c, (signal) => node.propose(command, { ...call, signal }));
  c.header('X-Raft-Index', String(index));
  c.header('X-Raft-Term', String(term));
  if (value.type !== 'conflict') return value;
  const found = value.revision === null ? 'the key is absent' : `the key is at revision ${value.revision}`;
  throw new HttpProblem(412, 'precondition_failed', `${found}; nothing was changed`, {
    'X-Raft-Index': String(index),
    ...(value.revision === null ? {} : { ETag: etagOf(value.revision) }),
  });
}

export async function whileConnected<T>(c: RequestContext, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const onClose = (): void => abort.abort();
  c.env.outgoing.once('close', onClose);
  try {
    return await call(abort.signal);
  } finally {
    c.env.outgoing.off('close', onClose);
  }
}

function writableKey(c: RequestContext): string {
  const { path, query } = targetOf(c.req.url);
  paramsOf(query, []);
  return keyOf(path);
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

function notFound(index: number): HttpProblem {
  return new HttpProblem(404, 'not_found', 'there is no such key', { 'X-Raft-Index': String(index) });
}

function unexpected(value: KvAnswer | KvResult): Error {
  if (value.type === 'refused') return new HttpProblem(400, 'refused', value.reason);
  return new Error(`the store answered with ${value.type}`);
}
