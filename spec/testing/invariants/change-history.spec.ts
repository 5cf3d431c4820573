import { configurationOf, type Configuration, type Membership } from '../../../lib/core/configuration.js';
import { ChangeHistory, type MembershipCall } from '../../../lib/testing/invariants/change-history.js';

const OLD = configurationOf({ a: 'a', b: 'b', c: 'c' });
const NEW: Configuration = configurationOf({ a: 'a#1', b: 'b' });
const JOINT: Configuration = { ...NEW, votersOutgoing: OLD.voters, nodes: { ...OLD.nodes, ...NEW.nodes } };
const COMMITTED: readonly Membership[] = [
  { index: 1, configuration: OLD },
  { index: 5, configuration: JOINT },
  { index: 6, configuration: NEW },
];
const CALL: MembershipCall = { node: 'a', change: { remove: ['c'], setAddress: { a: 'a#1' } }, mark: 'a#1', expected: null };
const DONE = { index: 6, configuration: NEW };

describe('a change that was answered as done', () => {
  const history = new ChangeHistory(COMMITTED);

  test('is in the committed configurations, from the one that it began in', () => {
    expect(() => history.doneChangesAreCommitted(CALL, DONE)).not.toThrow();
    expect(() => history.doneChangesAreCommitted({ ...CALL, expected: 1 }, DONE)).not.toThrow();
  });

  test.each<[string, MembershipCall, Membership, string]>([
    ['is not committed', CALL, { index: 7, configuration: NEW }, 'there is none'],
    ['is committed as something else', CALL, { index: 1, configuration: NEW }, 'there is {a b c}'],
    ['is half-done', CALL, { index: 5, configuration: JOINT }, 'not the end of a change'],
    ['never happened', { ...CALL, mark: 'a#2' }, DONE, 'no committed configuration shows it'],
    ['is unlawful', { ...CALL, mark: null, change: { voters: [] } }, DONE, 'no committed configuration shows it'],
    ['led elsewhere', { ...CALL, change: { remove: ['b'], setAddress: { a: 'a#1' } } }, DONE, 'a answers {a b} at 6'],
    ['was made from another configuration than it named', { ...CALL, expected: 5 }, DONE, 'asked to change the one at 5'],
  ])('and %s is found out', (_name, call, answer, words) => {
    expect(() => history.doneChangesAreCommitted(call, answer)).toThrow(words);
  });
});

test('a change that was refused and is in the log, be it half-done, is found out', () => {
  const committed: Membership[] = COMMITTED.slice(0, 1);
  const history = new ChangeHistory(committed);
  history.noteRefused(CALL, 'another change is under way');
  expect(() => history.refusedChangesNeverHappened()).not.toThrow();
  committed.push({ index: 5, configuration: JOINT });
  expect(() => history.refusedChangesNeverHappened()).toThrow('refused changes never take effect: a#1 is in the configuration at 5; the caller was told: another change is under way');
});
