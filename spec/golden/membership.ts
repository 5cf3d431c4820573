import { MIN_TIMEOUT_MS } from '../support/core-cluster.js';
import { members } from '../support/core-membership.js';
import { LED_BY_A, script, type Script } from './script.js';
import type { Story } from './story.js';

const FIVE = { configuration: members('abc', 'de'), ids: ['a', 'b', 'c', 'd', 'e'] };

/** `a` has begun to replace b and c by d and e; the joint configuration is on its own disk alone. */
function replacing(story: Story): void {
  story.ledBy('a');
  story.change('a', 1, { promote: ['d', 'e'], remove: ['b', 'c'] });
  story.persist('a');
}

/** All have the joint configuration, and `a` doesn't know. */
function joint(story: Story): void {
  replacing(story);
  story.deliver({ type: 'append' });
  for (const id of ['b', 'c', 'd', 'e']) story.persist(id);
}

/** The leader gives up, and this one wins as soon as nobody hears a leader any more. */
function takeOver(story: Story, id: string): void {
  story.step('a', { type: 'stepDown' });
  story.wait(MIN_TIMEOUT_MS);
  story.step(id, { type: 'campaign' });
  story.settle();
}

export const MEMBERSHIP: readonly Script[] = [
  script('S29-own-term-first', 'A leader proposes no configuration before it has committed an entry of its own term (the single-server bug).', { given: (s) => { s.isCut = (_from, _to, type) => type === 'append'; s.ledBy('a'); s.isCut = () => false; } }, (s) => {
    s.change('a', 1, { remove: ['c'] });
    s.timeout('a');
    s.rest('its no-op is committed');
    s.change('a', 2, { remove: ['c'] });
  }),

  script('S30-both-majorities', 'Joint consensus: both majorities needed for commit; one call adds and removes any set (§6).', { ...FIVE, given: replacing }, (s) => {
    for (const id of ['d', 'e', 'b']) {
      s.deliver({ to: id });
      s.persist(id);
      s.deliver({ from: id });
      if (id === 'e') s.say('all of the new half, and a alone of the old: not committed');
    }
    s.picture();
    s.say('the new half alone decides that the change is over');
    s.persist('a');
    s.deliver({ to: 'd' });
    s.persist('d');
    s.deliver({ from: 'd' });
  }),

  script('S30-election-while-joint', 'Joint consensus: both majorities needed for election.', { ...FIVE, given: (s) => { joint(s); s.take(); s.wait(MIN_TIMEOUT_MS); } }, (s) => {
    s.step('d', { type: 'campaign' });
    s.deliver({ to: 'e' });
    s.deliver({ from: 'e' });
    s.say('d and e: two of a, d, e, and none of a, b, c');
    s.deliver({ to: 'b' });
    s.deliver({ from: 'b' });
    s.say('with b it is one of a, b, c');
    s.deliver({ to: 'c' });
    s.deliver({ from: 'c' });
  }),

  script('S31-leader-changes-while-joint', 'A leader that changes while joint: the new one leaves the joint configuration.', { ...FIVE, given: (s) => { joint(s); s.take(); s.cut('a'); takeOver(s, 'd'); s.heal(); } }, (s) => {
    s.say('d has left it already, once its no-op was committed; a hears of it');
    s.timeout('d');
    s.lose({ to: 'b' });
    s.lose({ to: 'c' });
    s.lose({ to: 'e' });
    s.settle();
  }),

  script('S32-one-leave', 'Proposals during the automatic leave: exactly one leave entry.', { ...FIVE, given: joint }, (s) => {
    s.propose('a', 'x');
    s.deliver({ from: 'b' });
    s.deliver({ from: 'd' });
    s.propose('a', 'y');
    s.deliver({ from: 'c' });
    s.deliver({ from: 'e' });
    s.rest('all of it is committed');
  }),

  script('S33-leader-removes-itself', 'A leader that removes itself isn’t counted, replicates until the final configuration commits, then steps down, and a successor campaigns soon (thesis §4.2.2).', { given: (s) => { s.ledBy('a'); s.change('a', 1, { remove: ['a'] }); s.deliver(); for (const id of ['a', 'b', 'c']) s.persist(id); } }, (s) => {
    s.deliver({ to: 'a' });
    s.persist('a');
    s.deliver({ type: 'append' });
    s.persist('b');
    s.deliver({ from: 'b' });
    s.say('a and b are two, but a does not count any more');
    s.persist('c');
    s.deliver({ from: 'c' });
    s.deliver({ type: 'timeoutNow' });
  }),

  script('S34-leader-lost-before-the-end', 'The old leader loses leadership just before the final joint entry commits: the cluster still elects.', { ...FIVE, given: joint }, (s) => {
    s.deliver({ to: 'a' });
    s.persist('a');
    s.deliver({ to: 'd', type: 'append' });
    s.persist('d');
    s.lose();
    s.step('a', { type: 'stepDown' });
    s.picture();
    s.say('a and d believe in the final configuration, the others in the joint one');
    s.silently(() => { s.cut('a'); takeOver(s, 'd'); }, 'd is elected by e and itself, without a');
    s.heal();
    s.rest('its no-op commits the final configuration');
  }),

  script('S35-rollback', 'A configuration entry that is truncated is rolled back to the previous.', { ...FIVE, given: (s) => { replacing(s); s.deliver({ to: 'd' }); s.take(); s.persist('d'); s.take(); s.cut('a', 'd'); takeOver(s, 'b'); s.heal(); } }, (s) => {
    s.timeout('b');
    s.lose({ to: 'c' });
    s.lose({ to: 'e' });
    s.settle();
  }),

  script('S37-stale-precondition', 'A change with a stale precondition fails and says what the configuration is now; a second concurrent change is refused.', LED_BY_A, (s) => {
    s.change('a', 1, { demote: ['c'] }, 7);
    s.change('a', 2, { demote: ['c'] }, 1);
    s.change('a', 3, { remove: ['b'] });
    s.rest('the second one comes to its end');
    s.change('a', 4, { remove: ['b'] }, 1);
  }),

  script('S38-promotion', 'A learner catches up before it is promoted by itself.', { ids: ['a', 'b', 'c', 'd'], configuration: members('abc'), logs: { d: [] }, given: (s) => s.ledBy('a') }, (s) => {
    s.change('a', 1, { add: { d: 'd:1' } });
    s.persist('a');
    s.deliver({ to: 'b' });
    s.persist('b');
    s.deliver({ from: 'b' });
    s.lose({ to: 'b' });
    s.lose({ to: 'c' });
    s.cut('c', 'b');
    s.settle();
    s.timeout('a');
    s.settle();
  }),

  script('S39-refused-changes', 'An empty voter set, duplicate ids, and an unknown node are refused.', LED_BY_A, (s) => {
    s.change('a', 1, { voters: [] });
    s.change('a', 2, { voters: ['a', 'b', 'a'] });
    s.change('a', 3, { voters: ['a', 'b'], learners: ['b'] });
    s.change('a', 4, { voters: ['a', 'x'] });
    s.change('a', 5, { remove: ['x'] });
    s.change('b', 6, { remove: ['c'] });
  }),
];
