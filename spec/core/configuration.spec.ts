import fc from 'fast-check';
import { configurationOf, decodeConfiguration, encodeConfiguration, isVoter, membersOf, type Configuration } from '../../lib/core/configuration.js';
import { isValidId } from '../../lib/core/ids.js';

const JOINT: Configuration = {
  voters: ['c', 'a'],
  votersOutgoing: ['b', 'a'],
  learners: ['d'],
  nodes: { a: { address: 'a:1' }, b: { address: 'b:1' }, c: { address: 'c:1' }, d: { address: 'd:1' } },
};
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const VALID = { v: 1, voters: ['a'], votersOutgoing: [], learners: [], nodes: [['a', 'a:1', [], false, 0]] };

describe('configurations', () => {
  it('travel as the same bytes whatever order their members are named in', () => {
    const other = { ...JOINT, voters: ['a', 'c'], votersOutgoing: ['a', 'b'], nodes: Object.fromEntries(Object.entries(JOINT.nodes).reverse()) };
    expect(encodeConfiguration(other)).toEqual(encodeConfiguration(JOINT));
    expect(decodeConfiguration(encodeConfiguration(JOINT))).toEqual(other);
  });

  it('any set of valid ids survives the way there and back', () => {
    const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,12}$/);
    fc.assert(
      fc.property(fc.dictionary(id, fc.string(), { minKeys: 1, maxKeys: 9, noNullPrototype: true }), (addresses) => {
        const configuration = configurationOf(addresses);
        expect(decodeConfiguration(encodeConfiguration(configuration))).toEqual(configuration);
      }),
    );
  });

  it('labels, promotion and priority survive too; what is not said, or is the default, is left out', () => {
    const node = fc.record(
      {
        address: fc.string(),
        metadata: fc.dictionary(fc.string().filter((key) => key !== '__proto__'), fc.string(), { minKeys: 1, noNullPrototype: true }),
        autoPromote: fc.constant(true),
        priority: fc.oneof(fc.integer({ min: 1 }), fc.double({ noNaN: true, noDefaultInfinity: true, min: 0.5 })),
      },
      { requiredKeys: ['address'], noNullPrototype: true },
    );
    fc.assert(
      fc.property(node, (info) => {
        const configuration = { voters: ['a'], votersOutgoing: [], learners: [], nodes: { a: info } };
        expect(decodeConfiguration(encodeConfiguration(configuration))).toEqual(configuration);
        const explicit = { ...configuration, nodes: { a: { metadata: {}, autoPromote: false, priority: 0, ...info } } };
        expect(encodeConfiguration(explicit)).toEqual(encodeConfiguration(configuration));
      }),
    );
  });

  it('labels travel as the same bytes whatever order they are named in', () => {
    const named = (metadata: Record<string, string>): Configuration => ({ ...configurationOf({ a: '' }), nodes: { a: { address: '', metadata } } });
    expect(encodeConfiguration(named({ x: '1', y: '2' }))).toEqual(encodeConfiguration(named({ y: '2', x: '1' })));
  });

  it('the valid payload that the bad ones below are made of is accepted', () => {
    expect(decodeConfiguration(bytes(VALID))).toEqual(configurationOf({ a: 'a:1' }));
  });

  it('members are named once and in order; both halves of a joint one vote', () => {
    expect(membersOf(JOINT)).toEqual(['a', 'b', 'c', 'd']);
    expect(['a', 'b', 'c', 'd', 'e'].map((id) => isVoter(JOINT, id))).toEqual([true, true, true, false, false]);
  });

  it.each([
    ['no JSON', '{'],
    ['nothing', ''],
    ['null', 'null'],
    ['an array', []],
    ['another version', { ...VALID, v: 2 }],
    ['no version', { ...VALID, v: undefined }],
    ['no nodes', { ...VALID, nodes: undefined }],
    ['nodes by name', { ...VALID, nodes: { a: 'a:1' } }],
    ['a node that is no row', { ...VALID, nodes: ['a'] }],
    ['a node with an address alone', { ...VALID, nodes: [['a', 'a:1']] }],
    ['an address that is no text', { ...VALID, nodes: [['a', 7, [], false, 0]] }],
    ['labels by name', { ...VALID, nodes: [['a', '', { zone: 'x' }, false, 0]] }],
    ['a label that is no pair', { ...VALID, nodes: [['a', '', ['zone'], false, 0]] }],
    ['a label that is no text', { ...VALID, nodes: [['a', '', [['zone', 1]], false, 0]] }],
    ['a label that would be a prototype', { ...VALID, nodes: [['a', '', [['__proto__', 'x']], false, 0]] }],
    ['promotion that is neither true nor false', { ...VALID, nodes: [['a', '', [], 1, 0]] }],
    ['a priority that is no number', { ...VALID, nodes: [['a', '', [], false, null]] }],
    ['a name that would be a prototype', { ...VALID, nodes: [['__proto__', 'x', [], false, 0]], voters: ['__proto__'] }],
    ['a name with a slash', { ...VALID, nodes: [['a/b', 'x', [], false, 0]], voters: ['a/b'] }],
    ['a voter without a node', { ...VALID, voters: ['z'] }],
    ['a voter that every object inherits', { ...VALID, voters: ['toString'] }],
    ['a voter that is no text', { ...VALID, voters: [1] }],
    ['voters that are no list', { ...VALID, voters: 'a' }],
    ['no learners', { ...VALID, learners: undefined }],
    ['a voter named twice', { ...VALID, voters: ['a', 'a'] }],
  ])('a payload with %s is refused', (_what, payload) => {
    expect(() => decodeConfiguration(bytes(payload))).toThrow(Error);
  });

  it('random bytes are refused, not believed', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (payload) => expect(() => decodeConfiguration(payload)).toThrow(Error)));
  });

  it.each([['a', true], ['A-1.b_2', true], ['', false], ['-a', false], ['a b', false], ['ä', false], ['a'.repeat(64), true], ['a'.repeat(65), false]])('id %j: %s', (id, isValid) => {
    expect(isValidId(id)).toBe(isValid);
  });
});
