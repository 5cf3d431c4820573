import { serialize } from 'node:v8';
import * as raftErrors from '../ports/errors.js';

/** An error, or whatever else was thrown, as data that can cross. */
export interface EncodedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
  /** Its own fields, as far as they can be cloned. */
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause: EncodedError | null;
  /** Under which number the application's thread keeps the thing itself, −1 for the reason of an aborted call; null when it was made in the node's thread. */
  readonly home: number | null;
}

/** What the node's thread aborts calls with: the application gets the reason of its own signal in its place. */
export const ABORTED = new Error('the application aborted the call');
const ABORTED_HOME = -1;

/** How many of its own errors the application's thread keeps to get them back as they are. */
const MOST_KEPT = 256;
const MOST_CAUSES = 16;

const CLASSES: Readonly<Record<string, { readonly prototype: object } | undefined>> = {
  ...raftErrors,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
};

/**
 * Errors on their way between the threads: they arrive as instances of their class, with their fields and causes. What the
 * application's own code threw comes back to it as the very same object.
 */
export class ErrorsAcross {
  readonly #kept = new Map<number, unknown>();
  readonly #homes = new WeakMap<object, number>();
  #nextHome = 1;

  /** @param keeps whether this side is the application's. */
  constructor(private readonly keeps: boolean) {}

  encode(thrown: unknown, depth = 0): EncodedError {
    const home = thrown === ABORTED ? ABORTED_HOME : this.#homeOf(thrown);
    if (!(thrown instanceof Error)) return { name: 'Error', message: String(thrown), stack: '', fields: {}, cause: null, home };
    const { name, message, stack = '', cause } = thrown;
    const isCaused = cause !== undefined && depth < MOST_CAUSES;
    return { name, message, stack, fields: fieldsOf(thrown), cause: isCaused ? this.encode(cause, depth + 1) : null, home };
  }

  /** @param abortReason stands in for `ABORTED`. */
  revive(encoded: EncodedError, abortReason?: unknown): unknown {
    const { home } = encoded;
    if (home === ABORTED_HOME) return abortReason;
    if (home !== null && this.#kept.has(home)) return this.#kept.get(home);
    const error = new Error(encoded.message, encoded.cause === null ? undefined : { cause: this.revive(encoded.cause, abortReason) });
    const known = Object.hasOwn(CLASSES, encoded.name) ? CLASSES[encoded.name] : undefined;
    if (known !== undefined) Object.setPrototypeOf(error, known.prototype);
    else if (encoded.name !== 'Error') Object.defineProperty(error, 'name', { value: encoded.name, writable: true, configurable: true });
    Object.defineProperty(error, 'stack', { value: encoded.stack, writable: true, configurable: true });
    Object.assign(error, encoded.fields);
    if (home !== null) this.#homes.set(error, home);
    return error;
  }

  /** The number of a thing that the application keeps, or begins to. */
  #homeOf(thrown: unknown): number | null {
    if (!this.keeps) return typeof thrown === 'object' && thrown !== null ? (this.#homes.get(thrown) ?? null) : null;
    const home = this.#nextHome++;
    this.#kept.set(home, thrown);
    this.#kept.delete(home - MOST_KEPT);
    return home;
  }
}

/** Fields of its own; one that can't be cloned crosses as text. */
function fieldsOf(error: Error): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(error)) {
    if (name !== 'cause' && name !== 'stack' && name !== 'message') fields[name] = isCloneable(value) ? value : String(value);
  }
  return fields;
}

function isCloneable(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'function' && typeof value !== 'symbol';
  try {
    serialize(value);
    return true;
  } catch {
    return false;
  }
}
