import { assertLinearizable, checkLinearizable, keyValueModel, LinearizabilityError } from '../../../lib/testing/linearizability/index.js';
import { drawn, hasAnOrder } from './histories.js';

const GOOD: readonly (readonly [name: string, picture: string])[] = [
  ['the empty history', ''],
  ['a register from which concurrent reads see either side of a write (Herlihy & Wing 1990)', `
    a: [w0]   [  w1  ]
    b:     [w2]  [r2]    [r1]
    c:            [ r1     ]`],
  ['overlapping writes that are read in the order that suits', `
    a: [  w1   ]
    b: [  w2   ]
    c:           [r1] [r1]`],
  ['a read that overlaps a write and does not see it yet', `
    a: [w1] [   w2   ]
    b:        [r1]      [r2]`],
  ['an open write that takes effect late', `
    a: [w1] [w2
    b:          [r1] [r1]      [r2]`],
  ['an open write that never takes effect', `
    a: [w1] [w2
    b:          [r1] [w3] [r3]`],
  ['an open write that takes effect and is overwritten before anybody sees it, but for a refusal', `
    a: [w1] [w2
    b:          [r1] [x13] [w4] [r4]`],
  ['an open compare-and-set on which another depends', `
    a: [w1] [c12
    b:           [c23
    c:                [r1]   [r3]`],
  ['one of two compare-and-sets that succeeds', `
    a: [w1] [ c12 ]
    b:      [ x13 ] [r2]`],
  ['a deletion between two reads', `
    a: [w1] [  d  ]
    b:     [r1] [r-]`],
  ['writes of one client that another reads in order while they go on', `
    a: [w1][w2][w3][w4]
    b:  [ r1 ][r3] [ r4 ]`],
  ['calls that touch at a moment and overlap so', `
    a: [w1]
    b:    [r-]`],
];

const BAD: readonly (readonly [name: string, picture: string, culprit: string])[] = [
  ['a register whose concurrent write is seen and then not (Herlihy & Wing 1990)', `
    a: [w0]  [    w1      ]
    b:         [r1]  [r0]`, 'b: r0'],
  ['a read that is stale', `
    a: [w1] [w2]
    b:           [r1]`, 'b: r1'],
  ['a read that misses an acknowledged write', `
    a: [w1]
    b:      [r-]`, 'b: r-'],
  ['a lost update', `
    a: [w1] [c12]
    b:           [r1]`, 'b: r1'],
  ['two compare-and-sets that both succeed', `
    a: [w1] [ c12 ]
    b:      [  c13 ]`, 'b: c13'],
  ['a retry that is done twice', `
    a: [  w1  ]
    b:    [w2]  [r2]  [r1]`, 'b: r1'],
  ['an open write that takes effect twice', `
    a: [w1
    b:     [r1] [w2] [r2] [r1]`, 'b: r1'],
  ['a read that goes backwards', `
    a: [w1] [     w2       ]
    b:         [r2]
    c:               [r1]`, 'c: r1'],
  ['a refused write that is read', `
    a: [w1] [x32]
    b:            [r2]`, 'b: r2'],
  ['a value that nobody wrote', `
    a: [w1]
    b:   [  r7  ]`, 'b: r7'],
  ['a compare-and-set that is refused although nothing changed', `
    a: [w1] [x12]`, 'a: x12'],
  ['a deletion that does not stay', `
    a: [w1] [d]
    b:          [r-] [r1]`, 'b: r1'],
  ['two readers that see two writes in different orders', `
    a: [      w1        ]
    b: [      w2        ]
    c:    [r1] [r2]
    d:    [r2]     [r1]`, 'd: r1'],
  ['an open write that is read before it begins', `
    a:      [w1
    b: [r1]`, 'b: r1'],
];

describe('the checker accepts', () => {
  it.each(GOOD)('%s', (_, picture) => {
    const calls = drawn(picture);
    expect(checkLinearizable(keyValueModel, calls)).toMatchObject({ type: 'linearizable' });
    expect(hasAnOrder(keyValueModel, calls)).toBe(true);
  });
});

describe('the checker finds', () => {
  it.each(BAD)('%s', (_, picture, culprit) => {
    const calls = drawn(picture);
    const verdict = checkLinearizable(keyValueModel, calls);
    expect(hasAnOrder(keyValueModel, calls)).toBe(false);
    if (verdict.type !== 'not linearizable') throw new Error(verdict.text);
    const [wanted] = drawn(culprit.replace(': ', ': [').concat(']'));
    expect(verdict.culprit).toMatchObject({ client: wanted?.client, operation: wanted?.operation });
    expect(hasAnOrder(keyValueModel, verdict.calls)).toBe(false);
  });
});

describe('assertLinearizable', () => {
  it('returns for a good history and throws the verdict for a bad one', () => {
    expect(() => assertLinearizable(keyValueModel, drawn('a: [w1] [r1]'))).not.toThrow();
    expect(() => assertLinearizable(keyValueModel, drawn('a: [w1] [r-]'))).toThrow(LinearizabilityError);
    expect(() => assertLinearizable(keyValueModel, drawn('a: [w1] [r-]'))).toThrow('not linearizable (x)');
  });
});
