import { assertLinearizable, checkLinearizable, keyValueModel, type Call, type Model } from '../../../lib/testing/linearizability/index.js';
import { drawn, historyOfARealStore, type KeyValueCall } from './histories.js';

describe('checkLinearizable', () => {
  it('is used as its example says', () => {
    const calls = [
      { client: 'a', operation: { type: 'put', key: 'x', value: '1' }, start: 1, outcome: { type: 'returned', at: 2, result: { type: 'stored' } } },
      { client: 'b', operation: { type: 'get', key: 'x' }, start: 3, outcome: { type: 'returned', at: 4, result: { type: 'entry', entry: null } } },
    ] as const;
    expect(checkLinearizable(keyValueModel, calls).type).toBe('not linearizable');
  });

  it('shows the smallest history that fails, and what every order lacks', () => {
    const { text } = checkLinearizable(keyValueModel, drawn(`
      a: [w1] [w2]      [w5] [r5] [w3]
      b:      [  c12  ]       [w6    ]     [r3]
      c: [r-]       [r2]   [r1]     [r3]`));
    expect(text.split('\n')).toEqual([
      'not linearizable (x): 3 of 12 calls have no order',
      '  a  put "1"  ├──┤              stored',
      '  a  put "2"        ├──┤        stored',
      '  c  get                  ├──┤  "1"     ◄ fits nowhere',
      'After a: put "1", a: put "2" the state is',
      '    "2"',
      'and of what would have to be next',
      '    c: get needs the value "1"',
    ]);
  });

  it('shows open calls that matter, and calls that lasted no time', () => {
    const calls: KeyValueCall[] = [
      { client: 'a', operation: { type: 'put', key: 'x', value: '1' }, start: 1, outcome: { type: 'open' } },
      { client: 'b', operation: { type: 'get', key: 'x' }, start: 2, outcome: { type: 'returned', at: 2, result: { type: 'entry', entry: { value: '1' } } } },
      { client: 'b', operation: { type: 'get', key: 'x' }, start: 3, outcome: { type: 'returned', at: 4, result: { type: 'entry', entry: null } } },
    ];
    const { text } = checkLinearizable(keyValueModel, calls);
    expect(text.split('\n').slice(1, 4)).toEqual(['  a  put "1"  ├╌╌╌╌╌╌╌╌╌╌╌╌  unknown', '  b  get         │           "1"', '  b  get            ├──┤     absent   ◄ fits nowhere']);
  });

  it('names every part that fails', () => {
    const bad = drawn('a: [w1] [r-]');
    const other = bad.map((call) => ({ ...call, operation: { ...call.operation, key: 'y' } }));
    expect(checkLinearizable(keyValueModel, [...bad, ...other])).toMatchObject({ part: 'x', otherParts: ['y'], text: expect.stringContaining('Not linearizable either: y') });
  });

  it('says "undecided" and names the limit rather than pass what it could not search', () => {
    const calls = drawn('a: [w1] [w2] [w3] [r3]');
    const bySteps = checkLinearizable(keyValueModel, calls, { maxSteps: 2 });
    expect(bySteps).toMatchObject({ type: 'undecided', text: 'undecided (x): the search came to maxSteps (2)' });
    expect(checkLinearizable(keyValueModel, calls, { maxMemoryBytes: 100 })).toMatchObject({ type: 'undecided', text: 'undecided (x): the search came to maxMemoryBytes (100)' });
    expect(() => assertLinearizable(keyValueModel, calls, { maxSteps: 2 })).toThrow('undecided (x)');
  });

  it('fails, and says what is undecided too, when one part fails and another is beyond the limit', () => {
    const bad = drawn('a: [r1]');
    const long = drawn('a: [w1] [w2] [w3] [r3]').map((call) => ({ ...call, operation: { ...call.operation, key: 'y' } }));
    const { type, text } = checkLinearizable(keyValueModel, [...bad, ...long], { maxSteps: 2 });
    expect([type, text.split('\n').at(-1)]).toEqual(['not linearizable', 'undecided (y): the search came to maxSteps (2)']);
  });

  it('leaves a failure long, and names no culprit, when it may not shrink', () => {
    const calls = drawn('a: [w1] [w2] [r1] [r2]');
    expect(checkLinearizable(keyValueModel, calls, { maxShrinkSteps: 0 })).toMatchObject({ type: 'not linearizable', culprit: null, calls: { length: 4 } });
  });

  it('refuses calls that end before they begin, and options out of range', () => {
    const [call] = drawn('a: [w1]');
    expect(() => checkLinearizable(keyValueModel, call === undefined ? [] : [{ ...call, start: 10 }])).toThrow("a call of a begins at 10 and ends at 4; it can't end before it begins");
    expect(() => checkLinearizable(keyValueModel, [], { maxSteps: -1 })).toThrow(`maxSteps is -1; it must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`);
  });

  it('takes models that say no more than they must', () => {
    const counter: Model<number, 'add', number> = { initial: 0, step: (state, _, result) => (state + 1 === result ? result : undefined), stepOpen: (state) => state + 1, identify: String };
    const added = (start: number, result: number): Call<'add', number> => ({ client: 'a', operation: 'add', start, outcome: { type: 'returned', at: start + 1, result } });
    const open: Call<'add', number> = { client: 'b', operation: 'add', start: 0, outcome: { type: 'open' } };
    expect(checkLinearizable(counter, [added(0, 1), open, added(2, 3)]).type).toBe('linearizable');
    expect(checkLinearizable(counter, [added(0, 1), open, added(2, 4)])).toMatchObject({ type: 'not linearizable', text: expect.stringContaining('needs a state that gives 4') });
  });
});

describe('the work of a check', () => {
  const usual = { seed: 1, calls: 10_000, keys: 50, clients: 20, padding: 20, openShare: 0.01, values: Infinity, tellsRevisions: false };

  it.each([
    ['without revisions', usual],
    ['with revisions', { ...usual, tellsRevisions: true }],
    ['of few values', { ...usual, values: 4 }],
  ])('grows with the history: 10,000 calls of 20 clients on 50 keys, 100 of them open, %s', (_, shape) => {
    const { type, steps } = checkLinearizable(keyValueModel, historyOfARealStore(shape));
    expect(type).toBe('linearizable');
    expect(steps).toBeLessThan(2 * shape.calls);
  });

  it('stays small when a quarter of all calls is open', () => {
    const { type, steps } = checkLinearizable(keyValueModel, historyOfARealStore({ ...usual, keys: 20, openShare: 0.25 }));
    expect(type).toBe('linearizable');
    expect(steps).toBeLessThan(10 * usual.calls);
  });

  it('stays small for a read that no open write explains, however many there are', () => {
    const open = Array.from({ length: 300 }, (_, i): KeyValueCall => ({ client: `c${i}`, operation: { type: 'put', key: 'x', value: String(i) }, start: i, outcome: { type: 'open' } }));
    const reads = ['1', '2', '1'].map((value, i): KeyValueCall => ({ client: 'r', operation: { type: 'get', key: 'x' }, start: 1000 + 2 * i, outcome: { type: 'returned', at: 1001 + 2 * i, result: { type: 'entry', entry: { value } } } }));
    const { type, steps } = checkLinearizable(keyValueModel, [...open, ...reads]);
    expect(type).toBe('not linearizable');
    expect(steps).toBeLessThan(5000);
  });
});
