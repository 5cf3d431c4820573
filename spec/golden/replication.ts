import type { Append } from '../../lib/core/messages.js';
import { entryOf, HEARTBEAT_MS, MIN_TIMEOUT_MS } from '../support/core-cluster.js';
import { LED_BY_A, script, type Script } from './script.js';
import type { Story } from './story.js';

const append = (term: number, fields: Partial<Append>): Append => ({ type: 'append', term, round: 1, previous: { index: 1, term: 1 }, commit: 0, entries: [], ...fields });

/** The leader's log is brought to one follower, step by step; the others are cut off. */
function bringTo(story: Story, leader: string, follower: string): void {
  for (let steps = 0; steps < 20; steps += 1) {
    const sent = story.deliver({ from: leader, to: follower });
    story.persist(follower);
    const answered = story.deliver({ from: follower, to: leader });
    const reads = story.node(leader).answerLogReads();
    if (reads.length > 0) story.step(leader, ...reads);
    if (sent + answered + reads.length === 0) return;
  }
}

export const REPLICATION: readonly Script[] = [
  script('S16-figure-7', 'Figure 7: every divergent follower log converges to the leader’s (§5.3). Here d, which has a term too many, and f, which has two.', {
    ids: ['l', 'a', 'b', 'c', 'd', 'e', 'f'],
    logs: {
      l: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6],
      a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
      b: [1, 1, 1, 4],
      c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
      d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
      e: [1, 1, 1, 4, 4, 4, 4],
      f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
    },
    terms: { l: 7, a: 7, b: 7, c: 7, d: 7, e: 7, f: 7 },
    given: (s) => { s.isCut = (_from, _to, type) => type === 'append'; s.ledBy('l'); s.isCut = () => false; s.timeout('l'); },
  }, (s) => {
    for (const id of ['d', 'f']) bringTo(s, 'l', id);
    s.rest('the others, too');
    s.silently(() => s.runFor(2 * HEARTBEAT_MS));
  }),

  script('S17-figure-8', 'Figure 8: an entry of an old term is committed only through an entry of the current term (§5.4.2).', {
    ids: ['s1', 's2', 's3', 's4', 's5'],
    logs: { s1: [1, 2], s2: [1, 2], s3: [1], s4: [1], s5: [1, 3] },
    terms: { s1: 3, s2: 3, s3: 3, s4: 3, s5: 3 },
    options: { maxAppendBytes: 1 },
    given: (s) => { s.isCut = (_from, _to, type) => type === 'append'; s.ledBy('s1'); s.isCut = (from, to) => from === 's5' || to === 's5'; s.timeout('s1'); },
  }, (s) => {
    for (const id of ['s2', 's3']) s.slowDisks.add(id);
    s.say('s3 takes 2² to its disk, so that a majority holds it; 3⁴ stays in memory');
    for (let steps = 0; s.status('s3').persisted.index < 2 && steps < 10; steps += 1) {
      s.deliver({ to: 's3' });
      if (s.status('s3').lastLog.index === 2) s.persist('s3');
      s.deliver({ from: 's3' });
      const reads = s.node('s1').answerLogReads();
      if (reads.length > 0) s.step('s1', ...reads);
    }
    s.deliver({ from: 's1', to: 's2' });
    s.deliver({ from: 's2' });
    s.deliver({ from: 's1', to: 's3' });
    s.say('(c) 2² is on s1, s2 and s3, a majority, and not committed: s5 could still replace it, as in (d)');
    s.picture();
    s.say('(e) an entry of term 4 on a majority commits both');
    for (const id of ['s2', 's3']) s.persist(id);
    s.deliver({ to: 's1' });
  }),

  script('S18-backtracking', 'Conflict backtracking skips whole terms (§5.3).', {
    logs: { a: [1, 3, 3, 3, 5, 5, 5], b: [1, 3, 3, 3, 5, 5, 5], c: [1, 2, 2, 2, 4, 4, 4] },
    terms: { a: 5, b: 5, c: 5 },
    given: (s) => { s.isCut = (_from, _to, type) => type === 'append'; s.ledBy('a'); s.isCut = () => false; s.timeout('a'); },
  }, (s) => bringTo(s, 'a', 'c')),

  script('S19-late-replies', 'Duplicated, reordered or delayed append responses and rejections never move matched backwards nor next to or below matched.', { ...LED_BY_A, showProgress: true }, (s) => {
    s.propose('a', 'x');
    s.propose('a', 'y');
    s.deliver({ to: 'b' });
    s.persist('b', 1);
    s.persist('b');
    const [first, second] = s.take({ from: 'b' });
    s.say('the two acknowledgements arrive in the wrong order, then doubled, then a rejection that is late');
    for (const reply of [second, first, second]) if (reply !== undefined) s.inject('b', 'a', reply.message);
    s.inject('b', 'a', { type: 'appendRejected', term: 2, round: 1, rejected: 2, hint: { index: 1, term: 1 } });
    s.say('and an acknowledgement of what was never sent');
    s.inject('b', 'a', { type: 'appendReply', term: 2, round: 1, matched: 99, willing: true });
  }),

  script('S20-a-b-a', 'An append acknowledgement that completes after the term changed acknowledges nothing; an A-B-A of terms doesn’t mark the wrong entries stable.', {}, (s) => {
    s.inject('a', 'b', append(2, { entries: [entryOf(2, 2), entryOf(3, 2)] }));
    s.inject('c', 'b', append(3, { entries: [entryOf(2, 3)] }));
    s.inject('a', 'b', append(4, { entries: [entryOf(2, 4), entryOf(3, 4), entryOf(4, 4)] }));
    for (let writes = 0; writes < 3; writes += 1) {
      s.persist('b', 1);
      s.picture();
    }
  }),

  script('S21-rejected-append', 'A rejected append from the current leader still refreshes the election timer.', {}, (s) => {
    s.wait(MIN_TIMEOUT_MS - 1);
    s.inject('a', 'b', append(1, { previous: { index: 5, term: 1 } }));
    s.say('the timer that would have run out by now does not');
    s.wait(MIN_TIMEOUT_MS - 1);
    s.tick('b');
  }),

  script('S22-heartbeat-commit', 'A heartbeat’s commit index is at most min(matched, committed).', { ...LED_BY_A, showRounds: true }, (s) => {
    s.cut('c');
    s.propose('a', 'x');
    s.settle();
    s.timeout('a');
    s.say('a heartbeat that says more is refused');
    s.inject('a', 'c', { type: 'heartbeat', term: 2, round: 99, commit: 50 });
  }),

  script('S23-window', 'In-flight window full: sending pauses, and resumes after loss.', { ...LED_BY_A, options: { maxInflightMessages: 2 }, showRounds: true, showProgress: true }, (s) => {
    for (const command of ['x', 'y', 'z']) s.propose('a', command);
    s.persist('a');
    s.lose({ to: 'c' });
    s.deliver({ to: 'b' });
    s.persist('b');
    s.deliver();
    s.lose({ to: 'c' });
    s.silently(() => { s.deliver(); s.persist('b'); s.deliver(); s.lose({ to: 'c' }); }, 'b has everything, c nothing');
    s.cut('b');
    for (let rounds = 0; rounds < 2; rounds += 1) {
      s.timeout('a');
      s.deliver({ to: 'c' });
      s.deliver({ from: 'c' });
    }
    s.deliver({ to: 'c' });
    s.deliver({ from: 'c' });
    bringTo(s, 'a', 'c');
  }),

  script('S23-idle-probe', 'An idle probing peer that is caught up returns to pipelining on a heartbeat reply.', { ...LED_BY_A, showRounds: true }, (s) => {
    s.step('a', { type: 'connection', peer: 'b', up: false, error: 'reset' });
    s.timeout('a');
    s.lose({ to: 'c' });
    s.settle();
  }),

  script('S25-slow-leader-disk', 'Leader disk slow, followers fast: entries commit without the leader’s own disk (thesis §10.2.1).', LED_BY_A, (s) => {
    s.slowDisks.add('a');
    s.propose('a', 'x');
    s.settle();
    s.picture();
    s.persist('a');
  }),

  script('S26-uncommitted-bytes', 'Uncommitted bytes at the bound: proposals are refused with an overload error and accepted again after commit; one too large a proposal on an empty log is still accepted.', { ...LED_BY_A, options: { maxUncommittedBytes: 100 } }, (s) => {
    s.propose('a', 'x', 'y', 'z', 'w');
    s.propose('a', 'v');
    s.rest('what was accepted is committed');
    s.propose('a', 'v');
    s.rest('that, too');
    s.propose('a', 'v'.repeat(1000), 'w');
    s.say('a follower takes none');
    s.propose('b', 'x');
  }),

  script('S27-late-commit', 'A commit index learned late costs at most one heartbeat.', LED_BY_A, (s) => {
    s.propose('a', 'x');
    s.deliver();
    for (const id of ['a', 'b', 'c']) s.persist(id);
    s.deliver({ from: 'b' });
    s.lose();
    s.say('the notice is lost; the next heartbeat tells');
    s.timeout('a');
    s.deliver();
  }),
];
