import type { NodeInfo } from '../../core/configuration.js';
import { isValidId } from '../../core/ids.js';
import type { MembershipChange } from '../../core/membership-plan.js';
import { HttpProblem } from './problem.js';

type Fields = Readonly<Record<string, unknown>>;
type Check = (at: string, value: unknown, problems: string[]) => void;

/** A membership change as a request asks for it. */
export interface ChangeRequest {
  readonly change: MembershipChange;
  readonly expected: number | null;
}

const STEPS: Readonly<Record<string, Check>> = { add: nodeTable, promote: idList, demote: idList, remove: idList, setAddress: addressTable, expected: logIndex };
const WHOLE: Readonly<Record<string, Check>> = { voters: idList, learners: idList, nodes: nodeTable, expected: logIndex };

/** Reads the body of `POST /members`. @throws {HttpProblem} 400 that lists everything that is wrong. */
export function changeOf(body: Fields): ChangeRequest {
  const isWhole = 'voters' in body;
  check(body, isWhole ? WHOLE : STEPS, isWhole ? [] : ['nothing is to be changed: give add, promote, demote, remove or setAddress, or voters (and learners, nodes) for the whole']);
  const { expected = null, ...change } = body;
  return { change, expected: expected as number | null }; // as checked
}

/** Reads the body of `POST /transfer`. @throws {HttpProblem} 400 */
export function transferOf(body: Fields): { readonly to: string | null } {
  check(body, { to: nodeId });
  return { to: (body['to'] as string | undefined) ?? null };
}

/** Reads the body of `POST /elections`. @throws {HttpProblem} 400 */
export function electionsOf(body: Fields): { readonly paused: boolean } {
  check(body, { paused: flag }, ['paused is missing: true keeps this node from starting elections, false lets it again']);
  return { paused: body['paused'] === true };
}

/** Reads the body of `POST /snapshot`. @throws {HttpProblem} 400 */
export function snapshotOf(body: Fields): { readonly compact: boolean } {
  check(body, { compact: flag });
  return { compact: body['compact'] === true };
}

/** For a request that has nothing to say. @throws {HttpProblem} 400 */
export function nothingOf(body: Fields): void {
  check(body, {});
}

/** Parses a body: a JSON object, or nothing at all, which is an empty one. @throws {HttpProblem} 400 */
export function parseBody(bytes: Uint8Array): Fields {
  if (bytes.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new HttpProblem(400, 'invalid_json', `the body is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (!isFields(value)) throw new HttpProblem(400, 'bad_request', 'the body is JSON, but not an object');
  return value;
}

function check(body: Fields, checks: Readonly<Record<string, Check>>, whenEmpty: readonly string[] = []): void {
  const problems: string[] = [];
  const known = Object.keys(checks);
  for (const [name, value] of Object.entries(body)) {
    if (Object.hasOwn(checks, name)) checks[name]?.(name, value, problems);
    else problems.push(`${JSON.stringify(name)} is unknown; known here: ${known.join(', ') || 'none'}`);
  }
  if (Object.keys(body).every((name) => name === 'expected')) problems.push(...whenEmpty);
  if (problems.length > 0) throw new HttpProblem(400, 'bad_request', problems.join('; '), {}, { problems });
}

function nodeId(at: string, value: unknown, problems: string[]): void {
  if (typeof value !== 'string' || !isValidId(value)) problems.push(`${at} is ${show(value)}; allowed: a node id`);
}

function idList(at: string, value: unknown, problems: string[]): void {
  if (!Array.isArray(value)) return void problems.push(`${at} is ${show(value)}; allowed: a list of node ids`);
  for (const [i, id] of (value as unknown[]).entries()) nodeId(`${at}[${i}]`, id, problems);
}

function nodeTable(at: string, value: unknown, problems: string[]): void {
  table(at, value, problems, (path, node) => {
    if (isFields(node)) nodeInfo(path, node, problems);
    else address(path, node, problems);
  });
}

function addressTable(at: string, value: unknown, problems: string[]): void {
  table(at, value, problems, (path, text) => address(path, text, problems));
}

function table(at: string, value: unknown, problems: string[], each: (path: string, value: unknown) => void): void {
  if (!isFields(value)) return void problems.push(`${at} is ${show(value)}; allowed: an object by node id`);
  for (const [id, entry] of Object.entries(value)) {
    nodeId(`the name ${JSON.stringify(id)} in ${at}`, id, problems);
    each(`${at}.${id}`, entry);
  }
}

const INFO: Readonly<Record<keyof NodeInfo, Check>> = { address, metadata: labels, autoPromote: flag, priority: finite };

function nodeInfo(at: string, node: Fields, problems: string[]): void {
  if (node['address'] === undefined) problems.push(`${at}.address is missing`);
  for (const [name, value] of Object.entries(node)) {
    if (Object.hasOwn(INFO, name)) INFO[name as keyof NodeInfo](`${at}.${name}`, value, problems);
    else problems.push(`${at}.${name} is unknown; known here: ${Object.keys(INFO).join(', ')}`);
  }
}

function address(at: string, value: unknown, problems: string[]): void {
  const match = typeof value === 'string' ? /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(value) : null;
  const port = Number(match?.[2]);
  if (!(port >= 1 && port <= 65_535)) problems.push(`${at} is ${show(value)}; allowed: host:port`);
}

function labels(at: string, value: unknown, problems: string[]): void {
  const isTextOnly = isFields(value) && Object.entries(value).every(([name, text]) => name !== '__proto__' && typeof text === 'string');
  if (!isTextOnly) problems.push(`${at} is ${show(value)}; allowed: an object of texts`);
}

function flag(at: string, value: unknown, problems: string[]): void {
  if (typeof value !== 'boolean') problems.push(`${at} is ${show(value)}; allowed: true or false`);
}

function finite(at: string, value: unknown, problems: string[]): void {
  if (typeof value !== 'number') problems.push(`${at} is ${show(value)}; allowed: a number`);
}

function logIndex(at: string, value: unknown, problems: string[]): void {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) problems.push(`${at} is ${show(value)}; allowed: the index of a configuration`);
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
