import { configurationOf, NO_CONFIGURATION } from '../../lib/core/configuration.js';
import { MembershipHistory } from '../../lib/core/membership.js';

const A = configurationOf({ a: '' });
const B = configurationOf({ a: '', b: '' });
const C = configurationOf({ a: '', b: '', c: '' });

/** A committed at 1, B and C appended at 4 and 7. */
function history(): MembershipHistory {
  const memberships = new MembershipHistory();
  memberships.restore({ index: 1, configuration: A });
  memberships.append(4, B);
  memberships.append(7, C);
  return memberships;
}

const indexes = (memberships: MembershipHistory): number[] => [memberships.committed.index, memberships.effective.index];

describe('MembershipHistory', () => {
  it('begins with none', () => {
    expect(new MembershipHistory().effective).toEqual({ index: 0, configuration: NO_CONFIGURATION });
  });

  it('the last one appended is in force', () => {
    expect(history().effective).toEqual({ index: 7, configuration: C });
    expect(history().committed).toEqual({ index: 1, configuration: A });
  });

  it('the one before it is kept until the one in force is committed', () => {
    const memberships = history();
    expect(memberships.preceding).toEqual({ index: 4, configuration: B });
    memberships.commit(4);
    expect(memberships.preceding).toEqual({ index: 4, configuration: B });
    memberships.commit(7);
    expect(memberships.preceding).toBeNull();
  });

  it.each([
    [7, false, [1, 7]],
    [6, true, [1, 4]],
    [4, true, [1, 4]],
    [3, true, [1, 1]],
    [0, true, [1, 1]],
  ])('cut after %i', (after, isReverted, left) => {
    const memberships = history();
    expect(memberships.truncateAfter(after)).toBe(isReverted);
    expect(indexes(memberships)).toEqual(left);
  });

  it.each([
    [3, null, [1, 7]],
    [4, 4, [4, 7]],
    [6, 4, [4, 7]],
    [9, 7, [7, 7]],
  ])('committed through %i', (through, newest, left) => {
    const memberships = history();
    expect(memberships.commit(through)?.index ?? null).toBe(newest);
    expect(indexes(memberships)).toEqual(left);
    expect(memberships.commit(through)).toBeNull();
  });
});
