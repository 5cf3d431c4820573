import { Random } from '../../../lib/core/random.js';
import type { Call, KeyValueExpectation, KeyValueOperation, KeyValueResult, Model, Outcome } from '../../../lib/testing/linearizability/index.js';

export type KeyValueCall = Call<KeyValueOperation, KeyValueResult>;

export interface HistoryShape {
  readonly seed: number;
  readonly calls: number;
  readonly keys: number;
  readonly clients: number;
  /** How long before and after its effect a call begins and ends, at most; one effect takes place per unit of time. */
  readonly padding: number;
  /** Calls whose answer is lost, half of which have no effect. */
  readonly openShare: number;
  /** Values to write; Infinity: each once. */
  readonly values: number;
  readonly tellsRevisions: boolean;
}

/** A history of a store that does one thing at a time, with calls that take longer than their effects. */
export function historyOfARealStore(shape: HistoryShape): KeyValueCall[] {
  const random = new Random(shape.seed);
  const whole = (bound: number): number => Math.floor(random.next() * bound);
  const store = new Map<string, { value: string; revision: number }>();
  const freeFrom = Array.from({ length: shape.clients }, () => 0);
  const calls: KeyValueCall[] = [];
  for (let moment = 1; calls.length < shape.calls; moment += 1) {
    const client = whole(shape.clients);
    const free = freeFrom[client] ?? 0;
    if (free >= moment) continue; // still busy
    const operation = operationAt(moment, `k${whole(shape.keys)}`);
    const start = Math.max(free, moment - random.next() * shape.padding);
    const end = moment + random.next() * shape.padding;
    const isLost = random.next() < shape.openShare;
    const result = isLost && random.next() < 0.5 ? null : execute(operation, moment);
    const outcome: Outcome<KeyValueResult> = isLost || result === null ? { type: 'open' } : { type: 'returned', at: end, result };
    calls.push({ client: `client ${client}`, operation, start, outcome });
    freeFrom[client] = end;
  }
  return calls;

  function operationAt(moment: number, key: string): KeyValueOperation {
    const value = String(shape.values === Infinity ? moment : whole(shape.values));
    const dice = random.next();
    if (dice < 0.45) return { type: 'get', key };
    const expect = random.next() < 0.35 ? { expect: expectationOn(key) } : {};
    return dice < 0.9 ? { type: 'put', key, value, ...expect } : { type: 'delete', key, ...expect };
  }

  function expectationOn(key: string): KeyValueExpectation {
    const current = store.get(key);
    const kinds: KeyValueExpectation[] = ['absent', 'present', { value: current?.value ?? '0' }, [current?.revision ?? 1, 1 + whole(shape.calls)]];
    return kinds[whole(shape.tellsRevisions ? 4 : 3)] ?? 'absent';
  }

  function execute(operation: KeyValueOperation, revision: number): KeyValueResult {
    const current = store.get(operation.key);
    const told = (actual: number): { revision?: number } => (shape.tellsRevisions ? { revision: actual } : {});
    if (operation.type === 'get') return { type: 'entry', entry: current === undefined ? null : { value: current.value, ...told(current.revision) } };
    if (!holds(operation.expect, current)) return { type: 'conflict', ...(shape.tellsRevisions ? { revision: current?.revision ?? null } : {}) };
    if (operation.type === 'delete') return { type: 'deleted', existed: store.delete(operation.key) };
    store.set(operation.key, { value: operation.value, revision });
    return { type: 'stored', created: current === undefined, ...told(revision) };
  }
}

function holds(expect: KeyValueExpectation | undefined, current: { value: string; revision: number } | undefined): boolean {
  if (expect === undefined) return true;
  if (expect === 'absent' || current === undefined) return expect === 'absent' && current === undefined;
  if (expect === 'present') return true;
  return 'value' in expect ? current.value === expect.value : expect.includes(current.revision);
}

/** Tries every order of every choice of open calls. Nothing clever: what the checker is held against. */
export function hasAnOrder<State, Operation, Result>(model: Model<State, Operation, Result>, calls: readonly Call<Operation, Result>[], state: State = model.initial): boolean {
  if (calls.every(({ outcome }) => outcome.type === 'open')) return true;
  return calls.some((call) => {
    const { operation, start, outcome } = call;
    if (calls.some((other) => other.outcome.type === 'returned' && other.outcome.at < start)) return false;
    const next = outcome.type === 'returned' ? model.step(state, operation, outcome.result) : model.stepOpen(state, operation);
    const isTooLate = (other: Call<Operation, Result>): boolean => other.outcome.type === 'open' && (other.outcome.until ?? Infinity) < start;
    return next !== undefined && hasAnOrder(model, calls.filter((other) => other !== call && !isTooLate(other)), next);
  });
}

/**
 * A history from a picture: one line per client, one character per moment; a call is `[text…]`, and `[text…` without an
 * end is open. Texts: `w1` put, `r1` get, `r-` get of nothing, `d` delete, `c12` put 2 if 1, `x12` the same refused.
 */
export function drawn(picture: string): KeyValueCall[] {
  return picture
    .split('\n')
    .filter((line) => line.trim() !== '')
    .flatMap((line) => {
      const [client = '', time = ''] = line.trim().split(/:(.*)/s);
      return [...time.matchAll(/\[([^\][]*)(\]?)/g)].map((match) => {
        const [all, text = '', end = ''] = match;
        const [operation, result] = spelt(text.trim());
        const outcome: Outcome<KeyValueResult> = end === '' ? { type: 'open' } : { type: 'returned', at: match.index + all.length - 1, result };
        return { client, operation, start: match.index, outcome };
      });
    });
}

function spelt(text: string): [KeyValueOperation, KeyValueResult] {
  const key = 'x';
  const [kind, first = '', second = ''] = text;
  switch (kind) {
    case 'w':
      return [{ type: 'put', key, value: first }, { type: 'stored' }];
    case 'r':
      return [{ type: 'get', key }, { type: 'entry', entry: first === '-' ? null : { value: first } }];
    case 'd':
      return [{ type: 'delete', key }, { type: 'deleted' }];
    case 'c':
    case 'x':
      return [{ type: 'put', key, value: second, expect: { value: first } }, kind === 'c' ? { type: 'stored' } : { type: 'conflict' }];
    default:
      throw new Error(`nothing is spelt ${JSON.stringify(text)}`);
  }
}
