import { KV_LIMITS, type Expectation, type KvCommand, type KvQuery } from './commands.js';

/**
 * Why a text can't be a key; null when it can. A key is 1–1024 bytes of UTF-8 without control characters
 * (they would garble logs and headers) and without lone surrogates (which UTF-8 can't carry).
 */
export function keyProblem(key: unknown): string | null {
  if (typeof key !== 'string') return 'the key is not a text';
  if (key.length === 0) return 'the key is empty';
  if (key.length > KV_LIMITS.maxKeyBytes || Buffer.byteLength(key) > KV_LIMITS.maxKeyBytes) return `the key is longer than ${KV_LIMITS.maxKeyBytes} bytes`;
  return textProblem(key, 'the key');
}

/**
 * Why a decoded value is not a command; null when it is one. Depends on nothing but the value, so that every
 * node refuses the same commands: one may come from an older or hostile client.
 */
export function commandProblem(command: unknown): string | null {
  if (!isObject(command)) return 'the command is not an object';
  switch (command['type']) {
    case 'put':
      return keyProblem(command['key']) ?? valueProblem(command['value']) ?? expectationProblem(command['expect']);
    case 'delete':
      return keyProblem(command['key']) ?? expectationProblem(command['expect']);
    default:
      return 'the command is of an unknown type';
  }
}

/** Why a decoded value is not a query; null when it is one. */
export function queryProblem(query: unknown): string | null {
  if (!isObject(query)) return 'the query is not an object';
  switch (query['type']) {
    case 'get':
      return keyProblem(query['key']);
    case 'list':
      return listProblem(query);
    case 'stats':
      return null;
    default:
      return 'the query is of an unknown type';
  }
}

export function isCommand(command: unknown): command is KvCommand {
  return commandProblem(command) === null;
}

export function isQuery(query: unknown): query is KvQuery {
  return queryProblem(query) === null;
}

function valueProblem(value: unknown): string | null {
  if (!(value instanceof Uint8Array)) return 'the value is not bytes';
  return value.length > KV_LIMITS.maxValueBytes ? `the value is larger than ${KV_LIMITS.maxValueBytes} bytes` : null;
}

function expectationProblem(expect: unknown): string | null {
  if (expect === undefined || expect === ('absent' satisfies Expectation) || expect === ('present' satisfies Expectation)) return null;
  if (!Array.isArray(expect)) return 'the expectation is not one that this store knows';
  if (expect.length === 0 || expect.length > KV_LIMITS.maxExpectedRevisions) return `an expectation names 1–${KV_LIMITS.maxExpectedRevisions} revisions`;
  return expect.every(isRevision) ? null : 'an expected revision is not a positive integer';
}

function listProblem(query: Readonly<Record<string, unknown>>): string | null {
  const { prefix, after, limit, values } = query as { prefix?: unknown; after?: unknown; limit?: unknown; values?: unknown };
  if (typeof prefix !== 'string' || prefix.length > KV_LIMITS.maxKeyBytes) return `the prefix is not a text of at most ${KV_LIMITS.maxKeyBytes} bytes`;
  if (after !== null && keyProblem(after) !== null) return 'after is neither null nor a key';
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > KV_LIMITS.maxPageEntries) return `the limit is not within 1–${KV_LIMITS.maxPageEntries}`;
  if (typeof values !== 'boolean') return 'values is neither true nor false';
  return textProblem(prefix, 'the prefix');
}

function textProblem(text: string, name: string): string | null {
  if (/\p{Cc}/u.test(text)) return `${name} has control characters`;
  return /\p{Surrogate}/u.test(text) ? `${name} is not well-formed Unicode` : null;
}

function isRevision(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
