import { checkLinearizable, keyValueModel, type KeyValueOperation, type KeyValueResult } from '../../../lib/testing/linearizability/index.js';
import type { KeyValueCall } from './histories.js';

const key = 'x';
const put = (value: string, more: Partial<KeyValueOperation & { type: 'put' }> = {}): KeyValueOperation => ({ type: 'put', key, value, ...more });
const get: KeyValueOperation = { type: 'get', key };
const remove: KeyValueOperation = { type: 'delete', key };
const stored = (revision?: number, created?: boolean): KeyValueResult => ({ type: 'stored', ...(revision === undefined ? {} : { revision }), ...(created === undefined ? {} : { created }) });
const entry = (value: string, revision: number): KeyValueResult => ({ type: 'entry', entry: { value, revision } });
const absent: KeyValueResult = { type: 'entry', entry: null };

type Step = readonly [operation: KeyValueOperation, result: KeyValueResult | 'open'];

/** One call after the other. */
function inTurn(...steps: readonly Step[]): KeyValueCall[] {
  return steps.map(([operation, result], i) => ({ client: 'a', operation, start: 2 * i, outcome: result === 'open' ? { type: 'open' } : { type: 'returned', at: 2 * i + 1, result } }));
}

describe('the key-value model', () => {
  const good: readonly (readonly [name: string, steps: readonly Step[]])[] = [
    ['a key that is created, replaced, deleted and created again', [[put('1'), stored(3, true)], [put('2'), stored(5, false)], [remove, { type: 'deleted', existed: true }], [remove, { type: 'deleted', existed: false }], [get, absent], [put('3'), stored(9, true)], [get, entry('3', 9)]]],
    ['a compare-and-set by revision', [[put('1'), stored(3)], [put('2', { expect: [2, 3] }), stored(4)], [put('3', { expect: [3] }), { type: 'conflict', revision: 4 }], [get, entry('2', 4)]]],
    ['expectations of absence and presence', [[put('1', { expect: 'present' }), { type: 'conflict', revision: null }], [put('1', { expect: 'absent' }), stored(2, true)], [put('2', { expect: 'absent' }), { type: 'conflict', revision: 2 }], [put('2', { expect: 'present' }), stored(4, false)]]],
    ['an open write whose revision a read reveals', [[put('1'), stored(3)], [put('2'), 'open'], [get, entry('2', 4)], [put('3', { expect: [4] }), stored(5)]]],
    ['an open write whose revision is known because a compare-and-set expects it', [[put('1'), stored(3)], [put('2'), 'open'], [put('3', { expect: [7] }), stored(8)], [get, entry('3', 8)]]],
    ['an open deletion that explains why a key is created', [[put('1'), stored(3)], [remove, 'open'], [put('2'), stored(6, true)]]],
  ];
  const bad: readonly (readonly [name: string, steps: readonly Step[]])[] = [
    ['a key that is created twice', [[put('1'), stored(3, true)], [put('2'), stored(5, true)]]],
    ['a deletion of what is absent that says it was there', [[remove, { type: 'deleted', existed: true }]]],
    ['a read at another revision than the write had', [[put('1'), stored(3)], [get, entry('1', 4)]]],
    ['a revision that goes backwards', [[put('1'), stored(5)], [put('2'), stored(3)]]],
    ['a revision that two writes had', [[put('1'), stored(5)], [put('2'), stored(5)]]],
    ['an open write between neighbouring revisions', [[put('1'), stored(3)], [put('2'), 'open'], [get, entry('2', 4)], [put('3'), stored(4)]]],
    ['an open write that had two revisions, as one does that was done twice', [[put('1'), stored(3)], [put('2'), 'open'], [get, entry('2', 4)], [get, entry('2', 6)]]],
    ['a compare-and-set that succeeds on a revision of the past', [[put('1'), stored(3)], [put('2'), stored(4)], [put('3', { expect: [3] }), stored(5)]]],
    ['a refusal although the expectation held', [[put('1'), stored(3)], [put('2', { expect: [3] }), { type: 'conflict', revision: 3 }]]],
    ['a refusal of what expects nothing', [[put('1'), { type: 'conflict', revision: null }]]],
    ['an answer of another kind', [[get, stored(3)]]],
  ];

  it.each(good)('allows %s', (_, steps) => {
    const verdict = checkLinearizable(keyValueModel, inTurn(...steps));
    if (verdict.type !== 'linearizable') throw new Error(verdict.text);
  });

  it.each(bad)('forbids %s', (_, steps) => {
    expect(checkLinearizable(keyValueModel, inTurn(...steps)).type).toBe('not linearizable');
  });

  it('takes each key for itself', () => {
    const [first, second] = inTurn([put('1'), stored(3, true)], [{ type: 'put', key: 'y', value: '2' }, stored(2, true)]);
    expect(checkLinearizable(keyValueModel, [first, second].filter((call) => call !== undefined)).type).toBe('linearizable');
  });
});
