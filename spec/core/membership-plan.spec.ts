import fc from 'fast-check';
import { configurationOf, decodeConfiguration, encodeConfiguration, isJoint, isVoter, membersOf, type Configuration, type NodeInfo } from '../../lib/core/configuration.js';
import { afterJoint, jointOf, planChange, type MembershipChange } from '../../lib/core/membership-plan.js';
import { quorumReached } from '../../lib/core/quorum.js';
import { members } from '../support/core-membership.js';

const THREE = members('abc', 'd', { d: { autoPromote: true } });

function target(current: Configuration, change: MembershipChange): Configuration {
  const plan = planChange(current, change);
  if ('refusal' in plan) throw new Error(plan.refusal);
  return decodeConfiguration(encodeConfiguration(plan.target));
}

function refusal(current: Configuration, change: unknown): string | null {
  const plan = planChange(current, change as MembershipChange); // what JSON may bring, too
  return 'refusal' in plan ? plan.refusal : null;
}

describe('planChange', () => {
  it.each<[string, MembershipChange, Partial<Configuration>]>([
    ['who is added becomes a learner that comes up by itself', { add: { e: 'e:1' } }, { voters: ['a', 'b', 'c'], learners: ['d', 'e'] }],
    ['who is added and promoted is a voter', { add: { e: 'e:1' }, promote: ['e'] }, { voters: ['a', 'b', 'c', 'e'], learners: ['d'] }],
    ['promote, demote and remove', { promote: ['d'], demote: ['b'], remove: ['c'] }, { voters: ['a', 'd'], learners: ['b'] }],
    ['a learner that is demoted stays one', { demote: ['d'] }, { voters: ['a', 'b', 'c'], learners: ['d'] }],
    ['a voter that is promoted stays one', { promote: ['a'] }, { voters: ['a', 'b', 'c'], learners: ['d'] }],
    ['a learner removed', { remove: ['d'] }, { voters: ['a', 'b', 'c'], learners: [] }],
    ['nothing', {}, { voters: ['a', 'b', 'c'], learners: ['d'] }],
    ['the whole', { voters: ['e', 'a'], nodes: { e: 'e:1' } }, { voters: ['a', 'e'], learners: [] }],
    ['the whole, with learners', { voters: ['b'], learners: ['d', 'a'] }, { voters: ['b'], learners: ['a', 'd'] }],
  ])('%s', (_what, change, expected) => {
    const result = target(THREE, change);
    expect(result).toMatchObject(expected);
    expect(Object.keys(result.nodes).sort()).toEqual(membersOf(result));
    expect(isJoint(result)).toBe(false);
  });

  it('keeps what is known of a node, and changes what is told', () => {
    const known: NodeInfo = { address: 'b:1', metadata: { zone: 'x' }, priority: 3 };
    const current = { ...THREE, nodes: { ...THREE.nodes, b: known } };
    expect(target(current, { setAddress: { b: 'b:2' } }).nodes['b']).toEqual({ ...known, address: 'b:2' });
    expect(target(current, { demote: ['b'] }).nodes['b']).toEqual(known);
    expect(target(current, { voters: ['a', 'b'] }).nodes['b']).toEqual(known);
    expect(target(current, { voters: ['a', 'b'], nodes: { b: 'b:3' } }).nodes['b']).toEqual({ address: 'b:3' });
    expect(target(current, { add: { e: { address: 'e:1', autoPromote: false, metadata: { rack: '7' } } } }).nodes['e']).toEqual({ address: 'e:1', metadata: { rack: '7' } });
  });

  it('a voter that is demoted, in either form, does not come back by itself', () => {
    const current = { ...THREE, nodes: { ...THREE.nodes, c: { address: 'c:1', autoPromote: true } } };
    expect(target(current, { demote: ['c'] }).nodes['c']).toEqual({ address: 'c:1' });
    expect(target(current, { voters: ['a', 'b'], learners: ['c'] }).nodes['c']).toEqual({ address: 'c:1' });
    expect(target(current, { voters: ['a', 'b'], learners: ['c'], nodes: { c: { address: 'c:1', autoPromote: true } } }).nodes['c']).toEqual({ address: 'c:1', autoPromote: true });
    expect(target(current, { voters: ['a', 'b', 'c'], learners: ['d'] }).nodes['d']).toEqual({ address: 'd:1', autoPromote: true });
  });

  it('a joint configuration can’t be changed', () => {
    expect(refusal(jointOf(members('abc'), members('ab')), { remove: ['b'] })).toBe('the present change has not ended');
  });

  it.each<[string, unknown, string]>([
    ['an address that is no text', { add: { e: { address: 7 } } }, 'e has an address that is no text'],
    ['no address', { add: { e: {} } }, 'e has an address that is no text'],
    ['no info', { voters: ['e'], nodes: { e: null } }, 'e has an address that is no text'],
    ['a priority of NaN', { add: { e: { address: '', priority: NaN } } }, 'e has a priority that is no number'],
    ['an endless priority', { add: { e: { address: '', priority: Infinity } } }, 'e has a priority that is no number'],
    ['a number as metadata', { add: { e: { address: '', metadata: { zone: 1 } } } }, 'e has metadata that is not all text'],
    ['a prototype as metadata', { add: { e: { address: '', metadata: JSON.parse('{"__proto__":"x"}') as unknown } } }, 'e has metadata that is not all text'],
    ['text as metadata', { add: { e: { address: '', metadata: 'zone' } } }, 'e has metadata that is no object'],
    ['autoPromote of text', { add: { e: { address: '', autoPromote: 'yes' } } }, 'e has an autoPromote that is neither true nor false'],
    ['a prototype’s name', { add: JSON.parse('{"__proto__":"x"}') as unknown, promote: ['__proto__'] }, '"__proto__" is no node id'],
    ['no object', 'abc', 'the change\'s value can\'t be understood'],
    ['nothing', null, 'the change\'s value can\'t be understood'],
    ['voters as text', { voters: 'abc' }, 'the change\'s voters can\'t be understood'],
    ['a number to be removed', { remove: [7] }, 'the change\'s remove can\'t be understood'],
    ['a list of nodes to add', { add: ['e'] }, 'the change\'s add can\'t be understood'],
    ['addresses that are null', { setAddress: null }, 'the change\'s setAddress can\'t be understood'],
    ['an address that is no text, set', { setAddress: { b: 7 } }, 'b has an address that is no text'],
    ['an inherited name', { promote: ['toString'] }, 'toString is not a member'],
    ['an inherited name among voters', { voters: ['a', 'toString'] }, 'toString is unknown: say where it is'],
  ])('what no server could read back is refused: %s', (_what, change, reason) => {
    expect(refusal(THREE, change)).toBe(reason);
  });
});

describe('jointOf and afterJoint', () => {
  it('equal voters need no joint configuration', () => {
    expect(jointOf(members('abc'), members('cba', 'd'))).toEqual(members('abc', 'd'));
  });

  it('both halves vote, everybody’s address is known, and the new half is left', () => {
    const joint = jointOf(members('abc', 'e'), members('cd', 'f'));
    expect(joint).toEqual({ voters: ['c', 'd'], votersOutgoing: ['a', 'b', 'c'], learners: ['f'], nodes: expect.objectContaining({ a: { address: 'a:1' }, d: { address: 'd:1' } }) });
    expect(afterJoint(joint)).toEqual(members('cd', 'f'));
  });
});

/** Any change, sensible or not, of nodes `n0` to `n6`. */
const id = fc.nat(6).map((n) => `n${n}`);
const ids = fc.uniqueArray(id, { maxLength: 4 });
const addresses = (names: readonly string[]): Record<string, string> => Object.fromEntries(names.map((name) => [name, `${name}:1`]));
const anyChange: fc.Arbitrary<MembershipChange> = fc.oneof(
  fc.record({ add: ids.map(addresses), promote: ids, demote: ids, remove: ids }, { requiredKeys: [], noNullPrototype: true }),
  fc.record({ voters: ids, learners: ids, nodes: ids.map(addresses) }),
);

const ALL = Array.from({ length: 7 }, (_, i) => `n${i}`);

/** Every set of nodes, as a function that says who is in it. */
const SUBSETS = Array.from({ length: 1 << ALL.length }, (_, bits) => (node: string) => (bits >> Number(node.slice(1))) & 1);

describe('any sequence of changes', () => {
  it('keeps a voter, nobody is voter and learner, and whoever decides in a joint configuration is a majority of the old and of the new', () => {
    fc.assert(
      fc.property(fc.array(anyChange, { maxLength: 20 }), (changes) => {
        let current = configurationOf(addresses(['n0', 'n1', 'n2']));
        for (const change of changes) {
          const plan = planChange(current, change);
          if ('refusal' in plan) continue;
          const joint = decodeConfiguration(encodeConfiguration(jointOf(current, plan.target)));
          const next = decodeConfiguration(encodeConfiguration(isJoint(joint) ? afterJoint(joint) : joint));
          expect(next.voters.length).toBeGreaterThan(0);
          expect(next.voters.filter((voter) => next.learners.includes(voter))).toEqual([]);
          expect(joint.voters.filter((voter) => joint.learners.includes(voter))).toEqual([]);
          expect(Object.keys(next.nodes).sort()).toEqual(membersOf(next));
          expect(current.voters.every((voter) => isVoter(joint, voter)) && next.voters.every((voter) => isVoter(joint, voter))).toBe(true);
          const deciding = SUBSETS.filter((subset) => quorumReached(joint, subset) === 1);
          expect(deciding.every((subset) => quorumReached(current, subset) === 1 && quorumReached(next, subset) === 1)).toBe(true);
          current = next;
        }
      }),
      { numRuns: 100 },
    );
  });
});
