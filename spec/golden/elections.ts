import type { VoteRequest } from '../../lib/core/messages.js';
import { HEARTBEAT_MS, MAX_TIMEOUT_MS, MIN_TIMEOUT_MS } from '../support/core-cluster.js';
import { members } from '../support/core-membership.js';
import { LED_BY_A, script, type Script } from './script.js';
import type { Story } from './story.js';

const vote = (term: number, transfer = false): VoteRequest => ({ type: 'voteRequest', term, lastLog: { index: 9, term: term - 1 }, transfer });

/** `a` leads, and should it fall silent, this one is the first to notice. */
const impatient = (id: string) => (story: Story): void => {
  story.ledBy('a');
  story.impatient(id);
};

/** `c` was cut off when it was removed, went through terms alone, and is back. */
function withoutC(story: Story): void {
  story.ledBy('a');
  story.cut('c');
  story.change('a', 1, { remove: ['c'] });
  story.settle();
  story.inject('z', 'c', { type: 'voteReply', term: 9, granted: false });
  story.settle();
  story.heal();
}

/** Moves the clock to so many ms after the last round that a quorum answered. */
function sinceQuorum(story: Story, ms: number): void {
  const since = story.status('a').leadership?.lastQuorumAckAt ?? story.now;
  story.wait(since + ms - story.now);
}

export const ELECTIONS: readonly Script[] = [
  script('S1-three-nodes', 'Three nodes elect exactly one leader (§5.2).', {}, (s) => {
    s.timeout('a');
    s.settle();
  }),

  script('S1-single-node', 'A single node elects itself and applies nothing before its entry is durable.', { ids: ['a'] }, (s) => {
    s.persist('a');
    s.propose('a', 'x');
    s.persist('a', 1);
    s.persist('a');
    s.apply('a');
    s.apply('a');
  }),

  script('S2-stale-log', 'A candidate with a stale log never wins (§5.4.1).', { logs: { a: [1], b: [1, 1], c: [1, 1] } }, (s) => {
    s.timeout('a');
    s.settle();
    s.say('a version without pre-vote would go on and ask for votes');
    s.inject('a', 'b', { ...vote(2), lastLog: s.status('a').lastLog });
    s.persist('b');
    s.deliver({ to: 'a' });
  }),

  script('S2-only-persisted', 'Only the persisted last index and term count in an election, for the own vote too.', { ...LED_BY_A, options: { seed: 4 } }, (s) => {
    s.propose('a', 'x');
    s.deliver({ type: 'append' });
    s.say('a is gone; 3² is on nobody’s disk: b asks with 2², and c grants although it has 3² in memory');
    s.cut('a');
    s.timeout('b');
    s.deliver();
    s.deliver({ to: 'b' });
    s.say('the candidate’s own vote counts once it is durable, and with it everything before it');
    s.persist('b');
    s.deliver();
    s.persist('c');
    s.deliver({ to: 'b' });
  }),

  script('S3-vote-durable-before-reply', 'Term and vote are durable, atomically, before any reply leaves; a crash between them never allows two votes in a term (§5.1, figure 2).', {}, (s) => {
    s.inject('a', 'b', vote(2));
    s.restart('b');
    s.say('the vote for a was lost, and never told: c may have it');
    s.inject('c', 'b', vote(2));
    s.persist('b');
    s.restart('b');
    s.say('this one was told: it binds');
    s.wait(MIN_TIMEOUT_MS);
    s.inject('a', 'b', vote(2));
  }),

  script('S4-partitioned-node-returns', 'Pre-vote: a partitioned node that returns does not raise the cluster’s term (thesis §9.6).', LED_BY_A, (s) => {
    s.cut('c');
    s.runFor(300);
    s.heal();
    s.step('c', { type: 'campaign' });
    s.settle();
    s.runFor(HEARTBEAT_MS);
  }),

  script('S4-own-stale-vote', 'Pre-vote: that everybody voted for the lost leader does not block the next round; a pre-candidate forgets its leader.', { given: impatient('b') }, (s) => {
    s.cut('a');
    s.timeout('b');
    s.deliver();
    s.deliver();
    s.persist('b');
    s.deliver();
    s.persist('c');
    s.deliver();
    s.rest('b’s no-op is committed');
  }),

  script('S5-lower-term-pre-vote', 'A lower-term pre-vote request is rejected explicitly (silence deadlocks).', { logs: { a: [1, 1], b: [1], c: [1] }, terms: { a: 1, b: 5, c: 1 } }, (s) => {
    s.cut('c');
    s.timeout('a');
    s.settle();
    s.say('it has learnt the term, and asks anew');
    s.step('a', { type: 'campaign' });
    s.deliver();
    s.deliver();
    s.persist('a');
    s.deliver();
    s.persist('b');
    s.deliver();
    s.rest('a’s log is brought to b and committed');
  }),

  script('S6-check-quorum', 'Check-quorum: a leader without a quorum steps down within one election timeout and refuses lease reads from then on (thesis §6.2).', { given: (s) => { s.ledBy('a'); s.runFor(HEARTBEAT_MS); } }, (s) => {
    s.cut('a');
    sinceQuorum(s, 0.9 * MIN_TIMEOUT_MS - 1);
    s.read('a', 1, true);
    s.wait(1);
    s.read('a', 2, true);
    sinceQuorum(s, MIN_TIMEOUT_MS);
    s.read('a', 3, true);
  }),

  script('S7-stickiness', 'A follower that hears a live leader refuses votes, except for a leadership transfer (thesis §4.2.3).', LED_BY_A, (s) => {
    s.inject('c', 'b', vote(3));
    s.inject('c', 'b', vote(3, true));
    s.persist('b');
  }),

  script('S8-quorum-lost-its-leader', 'A quorum of pre-candidates that lost their leader may elect, even if that leader still reaches a minority.', { ids: ['a', 'b', 'c', 'd', 'e'], given: impatient('c') }, (s) => {
    s.cut('a', 'b');
    s.timeout('c');
    s.deliver();
    s.deliver();
    s.persist('c');
    s.deliver();
    for (const id of ['d', 'e']) s.persist(id);
    s.deliver();
    s.rest('c’s no-op is committed; the old leader hears of it');
    s.heal();
    s.timeout('c');
    s.deliver({ to: 'a' });
  }),

  script('S9-removed-voter', 'A removed, partitioned voter that returns with a higher term does not disrupt the cluster (thesis §4.2.3).', { given: withoutC }, (s) => {
    s.runFor(200);
    s.say('a version without pre-vote would ask for votes');
    s.inject('c', 'b', { ...vote(10), lastLog: s.status('c').lastLog });
    s.deliver();
  }),

  script('S10-learner-with-higher-term', 'A returning server re-added as learner with a higher term: the cluster settles in one election, no storm.', { ids: ['a', 'b', 'c', 'd'], configuration: members('abc', 'd'), terms: { d: 50 }, given: (s) => { s.cut('d'); s.ledBy('a'); s.heal(); } }, (s) => {
    s.timeout('a');
    s.lose({ to: 'b' });
    s.lose({ to: 'c' });
    s.deliver();
    s.deliver();
    s.persist('a');
    s.silently(() => s.runFor(10 * MAX_TIMEOUT_MS), 'a leader is elected in a term above the learner’s, and stays');
  }),

  script('S11-learner-votes', 'A learner that has been promoted but doesn’t know it yet still votes; a voter whose configuration lacks the candidate still votes.', { configuration: members('ac', 'b') }, (s) => {
    s.inject('z', 'b', vote(2));
    s.persist('b');
    s.say('it does not campaign itself');
    s.timeout('b');
  }),

  script('S13-split-vote', 'Two candidates, same term: a split vote resolves by randomised timeouts within a few rounds (§5.2).', { ids: ['a', 'b', 'c', 'd'] }, (s) => {
    s.timeout('a');
    s.timeout('b');
    s.silently(() => {
      for (const to of ['c', 'd']) s.deliver({ to });
      s.deliver({ type: 'preVoteReply' });
      s.take();
    }, 'c and d grant both their pre-votes');
    for (const id of ['a', 'b']) s.persist(id);
    s.deliver({ from: 'a', to: 'c' });
    s.deliver({ from: 'b', to: 'd' });
    for (const id of ['c', 'd']) s.persist(id);
    s.deliver();
    s.deliver();
    s.silently(() => s.runFor(4 * MAX_TIMEOUT_MS), 'two and two: whose timer runs out first tries again, and some round is won');
  }),

  script('S14-long-pause', 'A long pause of the process leads to a fresh election timeout, not an instant campaign storm; as leader it re-checks its lease before serving.', LED_BY_A, (s) => {
    s.wait(10_000);
    s.tick('b');
    s.read('a', 1, true);
    s.deliver({ to: 'c' });
    s.deliver({ from: 'c' });
    s.say('a follower that hears nothing for a whole timeout more does campaign');
    s.cut('b');
    s.timeout('b');
  }),
];
