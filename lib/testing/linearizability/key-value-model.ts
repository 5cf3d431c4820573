import type { Call, Model } from './model.js';

/**
 * What a write expects of its key: that it is absent, that it is present, that its revision is one of these, or that
 * its value is this one. The last two make a put a compare-and-set.
 */
export type KeyValueExpectation = 'absent' | 'present' | readonly number[] | { readonly value: string };

/** A call of a key-value store. Values are texts: a history of long values does with their digests. */
export type KeyValueOperation =
  | { readonly type: 'get'; readonly key: string }
  | { readonly type: 'put'; readonly key: string; readonly value: string; readonly expect?: KeyValueExpectation }
  | { readonly type: 'delete'; readonly key: string; readonly expect?: KeyValueExpectation };

/**
 * What a call was told. What is left out was not told and is not checked. Revisions are the positions of writes in one
 * log: those of a key grow from write to write, with gaps.
 */
export type KeyValueResult =
  | { readonly type: 'entry'; readonly entry: { readonly value: string; readonly revision?: number } | null }
  | { readonly type: 'stored'; readonly revision?: number; readonly created?: boolean }
  | { readonly type: 'deleted'; readonly existed?: boolean }
  /** The expectation did not hold; `revision` is the key's, null when it is absent. */
  | { readonly type: 'conflict'; readonly revision?: number | null };

/** What is known of a key. */
export interface KeyValueState {
  /** Null: absent. */
  readonly value: string | null;
  /** Null while it is unknown, and for an absent key. A revision that is unknown lies above `floor`. */
  readonly revision: number | null;
  /** The highest revision that the key is known to have had: every later write has a higher one. */
  readonly floor: number;
}

type Put = KeyValueOperation & { readonly type: 'put' };
type Write = KeyValueOperation & { readonly type: 'put' | 'delete' };

/** A store of texts by key, as `rxraft serve` keeps one: get, put, delete, and both under an expectation. */
export const keyValueModel: Model<KeyValueState, KeyValueOperation, KeyValueResult> = Object.freeze({
  initial: Object.freeze({ value: null, revision: null, floor: 0 }),
  partition: ({ key }) => key,
  step,
  stepOpen: (state, operation) => (operation.type === 'get' ? undefined : written(state, operation, undefined)),
  identify: ({ value, revision, floor }) => `${revision ?? ''},${floor},${nameOf(value)}`,
  isRead: (_, { type }) => type === 'entry' || type === 'conflict',
  isStillPossible,
  openKinds,
  values: { of: ({ value }) => nameOf(value), left, needed },
  words: { operation: operationText, result: resultText, state: stateText, needs },
} satisfies Model<KeyValueState, KeyValueOperation, KeyValueResult>);

function step(state: KeyValueState, operation: KeyValueOperation, result: KeyValueResult): KeyValueState | undefined {
  switch (result.type) {
    case 'entry': {
      if (operation.type !== 'get' || state.value !== (result.entry?.value ?? null)) return undefined;
      return result.entry?.revision === undefined ? state : learned(state, result.entry.revision);
    }
    case 'stored': {
      if (operation.type !== 'put' || (result.created ?? state.value === null) !== (state.value === null)) return undefined;
      return written(state, operation, result.revision);
    }
    case 'deleted': {
      if (operation.type !== 'delete' || (result.existed ?? state.value !== null) !== (state.value !== null)) return undefined;
      return written(state, operation, undefined);
    }
    case 'conflict':
      return operation.type === 'get' || operation.expect === undefined ? undefined : refused(state, operation.expect, result.revision);
  }
}

/** The state after a write; `revision` is undefined where it was not told. */
function written(state: KeyValueState, operation: Write, revision: number | undefined): KeyValueState | undefined {
  const floor = floorWhere(state, operation.expect);
  if (floor === undefined || (revision !== undefined && revision <= floor)) return undefined;
  const value = operation.type === 'put' ? operation.value : null;
  return { value, revision: revision ?? null, floor: revision ?? floor };
}

/** The state's floor if the expectation holds, undefined if it can't. Of several revisions that it may have the least: it leaves most open. */
function floorWhere(state: KeyValueState, expect: KeyValueExpectation | undefined): number | undefined {
  if (expect === undefined) return state.floor;
  if (expect === 'absent') return state.value === null ? state.floor : undefined;
  if (state.value === null) return undefined;
  if (expect === 'present') return state.floor;
  if ('value' in expect) return state.value === expect.value ? state.floor : undefined;
  const possible = expect.filter((revision) => mayHave(state, revision));
  return possible.length === 0 ? undefined : Math.min(...possible);
}

/** The state in which a write was refused. That an untold revision is none of the expected ones is not remembered. */
function refused(state: KeyValueState, expect: KeyValueExpectation, revision: number | null | undefined): KeyValueState | undefined {
  const known = typeof revision === 'number' ? learned(state, revision) : state;
  if (known === undefined || (revision === null && state.value !== null)) return undefined;
  if (known.value !== null && known.revision === null && Array.isArray(expect)) return known;
  return floorWhere(known, expect) === undefined ? known : undefined;
}

function learned(state: KeyValueState, revision: number): KeyValueState | undefined {
  if (!mayHave(state, revision)) return undefined;
  return state.revision === revision ? state : { value: state.value, revision, floor: revision };
}

function mayHave({ value, revision: known, floor }: KeyValueState, revision: number): boolean {
  if (value === null) return false;
  return known === null ? revision > floor : revision === known;
}

/** A revision that the key has passed does not come back. */
function isStillPossible(state: KeyValueState, _: KeyValueOperation, result: KeyValueResult): boolean {
  const revision = result.type === 'entry' ? result.entry?.revision : result.type === 'deleted' ? undefined : result.revision;
  if (typeof revision !== 'number' || revision > state.floor) return true;
  return result.type !== 'stored' && revision === state.revision;
}

function left(operation: KeyValueOperation, result: KeyValueResult | undefined): string | null {
  if (operation.type === 'get' || result?.type === 'conflict') return null;
  return nameOf(operation.type === 'put' ? operation.value : null);
}

function needed(operation: KeyValueOperation, result: KeyValueResult): string | null {
  if (result.type === 'entry') return nameOf(result.entry?.value ?? null);
  if (result.type === 'conflict') return result.revision === null ? nameOf(null) : null;
  const expect = operation.type === 'get' ? undefined : operation.expect;
  if (typeof expect === 'object' && 'value' in expect) return nameOf(expect.value);
  const wasAbsent = expect === 'absent' || (result.type === 'stored' ? result.created === true : result.existed === false);
  return wasAbsent ? nameOf(null) : null;
}

function nameOf(value: string | null): string {
  return value === null ? '' : `=${value}`;
}

/** Two open writes are alike when they expect the same and leave the same, or leave values that nobody saw or expected. */
function openKinds(calls: readonly Call<KeyValueOperation, KeyValueResult>[]): (operation: KeyValueOperation) => string | null {
  const mentioned = new Set<string>();
  for (const { operation, outcome } of calls) {
    if (outcome.type === 'returned' && outcome.result.type === 'entry' && outcome.result.entry !== null) mentioned.add(outcome.result.entry.value);
    if (operation.type !== 'get' && typeof operation.expect === 'object' && 'value' in operation.expect) mentioned.add(operation.expect.value);
  }
  const told = ({ value }: Put): string => (mentioned.has(value) ? nameOf(value) : '');
  return (operation) => (operation.type === 'get' ? null : JSON.stringify([operation.type, operation.expect ?? null, operation.type === 'put' ? told(operation) : null]));
}

function operationText(operation: KeyValueOperation): string {
  if (operation.type === 'get') return 'get';
  const what = operation.type === 'put' ? `put ${JSON.stringify(operation.value)}` : 'delete';
  return operation.expect === undefined ? what : `${what} if ${expectationText(operation.expect)}`;
}

function expectationText(expect: KeyValueExpectation): string {
  if (typeof expect === 'string') return expect;
  return 'value' in expect ? JSON.stringify(expect.value) : `at ${expect.join(' or ')}`;
}

function resultText(result: KeyValueResult): string {
  switch (result.type) {
    case 'entry':
      return result.entry === null ? 'absent' : `${JSON.stringify(result.entry.value)}${at(result.entry.revision)}`;
    case 'stored':
      return `${result.created === undefined ? 'stored' : result.created ? 'created' : 'replaced'}${at(result.revision)}`;
    case 'deleted':
      return result.existed === false ? 'was absent' : 'deleted';
    case 'conflict':
      return result.revision === null ? 'conflict, absent' : `conflict${at(result.revision)}`;
  }
}

function stateText({ value, revision, floor }: KeyValueState): string {
  if (value === null) return floor === 0 ? 'absent' : `absent, above revision ${floor}`;
  return `${JSON.stringify(value)}${revision === null ? (floor === 0 ? '' : ` above revision ${floor}`) : at(revision)}`;
}

function needs(operation: KeyValueOperation, result: KeyValueResult): string {
  if (result.type === 'entry') return result.entry === null ? 'the key absent' : `the value ${resultText(result)}`;
  if (result.type === 'conflict') return result.revision === undefined ? 'a state that the write does not expect' : result.revision === null ? 'the key absent' : `the key${at(result.revision)}, and that unexpected`;
  const needed: string[] = [];
  if (operation.type !== 'get' && operation.expect !== undefined) needed.push(`the key ${typeof operation.expect === 'object' && 'value' in operation.expect ? 'with the value ' : ''}${expectationText(operation.expect)}`);
  const existed = result.type === 'stored' ? (result.created === undefined ? undefined : !result.created) : result.existed;
  if (existed !== undefined) needed.push(existed ? 'the key present' : 'the key absent');
  if (result.type === 'stored' && result.revision !== undefined) needed.push(`no revision from ${result.revision} on`);
  return needed.join(', ') || 'nothing';
}

function at(revision: number | undefined): string {
  return revision === undefined ? '' : ` at revision ${revision}`;
}
