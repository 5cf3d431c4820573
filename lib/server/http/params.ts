import { keyProblem } from '../kv/shape.js';
import { HttpProblem } from './problem.js';

/** A request's path and query as sent, percent-encoding and all. */
export interface Target {
  readonly path: string;
  readonly query: string;
}

/** Takes apart `/path?query`, with or without `http://host` before it. */
export function targetOf(url: string): Target {
  const mark = url.indexOf('?');
  const head = mark < 0 ? url : url.slice(0, mark);
  const start = head.startsWith('/') ? 0 : head.indexOf('/', head.indexOf('//') + 2);
  return { path: start < 0 ? '/' : head.slice(start), query: mark < 0 ? '' : url.slice(mark + 1) };
}

/** The key in `/kv/<key>`: everything after the second slash, decoded. @throws {HttpProblem} 400 when it is none. */
export function keyOf(path: string): string {
  const key = decode(path.slice('/kv/'.length), 'bad_key', 'the key');
  const problem = keyProblem(key);
  if (problem !== null) throw new HttpProblem(400, 'bad_key', problem);
  return key;
}

const NO_PARAMS: ReadonlyMap<string, string> = new Map();

/**
 * Reads the query. Strict, so that a slip (`?consistancy=stale`) is not taken for its default.
 * @throws {HttpProblem} 400 for a parameter that is unknown, given twice or wrongly encoded.
 */
export function paramsOf(query: string, known: readonly string[]): ReadonlyMap<string, string> {
  if (query === '') return NO_PARAMS;
  const params = new Map<string, string>();
  for (const pair of query.split('&')) {
    if (pair === '') continue;
    const [name, value] = pair.split(/=(.*)/s, 2).map((text) => decode(text.replaceAll('+', ' '), 'bad_parameter', 'the query'));
    if (name === undefined || !known.includes(name)) throw badParameter(`the parameter ${JSON.stringify(name)} is unknown; known here: ${known.join(', ') || 'none'}`);
    if (params.has(name)) throw badParameter(`the parameter ${name} is given twice`);
    params.set(name, value ?? '');
  }
  return params;
}

/** @throws {HttpProblem} 400 when the parameter is not one of the choices. */
export function choiceParam<T extends string>(params: ReadonlyMap<string, string>, name: string, choices: readonly T[], fallback: T): T {
  const text = params.get(name);
  if (text === undefined) return fallback;
  const choice = choices.find((c) => c === text);
  if (choice === undefined) throw badParameter(`${name} is ${JSON.stringify(text)}; allowed: ${choices.join(', ')}`);
  return choice;
}

/** @throws {HttpProblem} 400 when the parameter is no integer from 1 to `max`. */
export function countParam(params: ReadonlyMap<string, string>, name: string, fallback: number, max: number): number {
  const text = params.get(name);
  if (text === undefined) return fallback;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > max) throw badParameter(`${name} is ${JSON.stringify(text)}; allowed: an integer from 1 to ${max}`);
  return value;
}

export function badParameter(message: string): HttpProblem {
  return new HttpProblem(400, 'bad_parameter', message);
}

function decode(text: string, code: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new HttpProblem(400, code, `${what} is not percent-encoded UTF-8`);
  }
}
