import { LED_BY_A, script, type Script } from './script.js';
import type { Story } from './story.js';

/** `a` leads, c has a higher priority and an older log. */
function preferC(story: Story): void {
  story.ledBy('a');
  story.cut('c');
  story.change('a', 1, { voters: ['a', 'b', 'c'], nodes: { c: { address: 'c:1', priority: 5 } } });
  story.settle();
}

export const TRANSFER: readonly Script[] = [
  script('S15-priority', 'Priority: a higher-priority voter takes leadership when its log allows; never at the price of a shorter log.', { given: preferC }, (s) => {
    s.say('c is wanted as leader, and lacks 3²');
    s.timeout('a');
    s.settle();
    s.heal();
    for (let ticks = 0; ticks < 12; ticks += 1) {
      s.timeout('a');
      s.lose({ to: 'b' });
      if (s.sent('timeoutNow').length > 0) break;
      s.deliver({ to: 'c' });
      s.persist('c');
      s.deliver({ from: 'c' });
    }
    s.deliver({ type: 'timeoutNow' });
  }),

  script('S40-transferee-removed', 'A transferee that is removed or demoted aborts the transfer.', LED_BY_A, (s) => {
    s.cut('c');
    s.propose('a', 'x');
    s.lose();
    s.transfer('a', 'c');
    s.propose('a', 'y');
    s.change('a', 1, { remove: ['c'] });
    s.propose('a', 'y');
  }),

  script('S56-transfer-at-once', 'Transfer to an up-to-date follower is immediate (thesis §3.10).', LED_BY_A, (s) => {
    s.transfer('a', 'b');
    s.deliver();
    s.persist('b');
    s.deliver();
    for (const id of ['a', 'c']) s.persist(id);
    s.deliver();
    s.deliver({ to: 'a', type: 'heartbeat' });
  }),

  script('S56-transfer-waits', 'Transfer to a lagging follower waits; on timeout writes resume.', LED_BY_A, (s) => {
    s.slowDisks.add('b');
    s.propose('a', 'x');
    s.transfer('a', 'b', 10);
    s.settle();
    s.say('b has 3² in memory and not on its disk: it is not told');
    s.propose('a', 'y');
    s.wait(10);
    s.tick('a');
    s.propose('a', 'y');
  }),

  script('S57-timeout-now-deferred', 'TimeoutNow while appends are in flight is deferred.', LED_BY_A, (s) => {
    s.propose('a', 'x');
    s.transfer('a', 'b');
    s.deliver();
    for (const id of ['a', 'c']) s.persist(id);
    s.deliver();
    s.persist('b');
    s.deliver({ from: 'b' });
  }),

  script('S57-timeout-now-ignored', 'TimeoutNow of another term, from somebody else, or while elections are paused is ignored.', LED_BY_A, (s) => {
    s.inject('a', 'b', { type: 'timeoutNow', term: 1 });
    s.inject('a', 'b', { type: 'timeoutNow', term: 3 });
    s.inject('c', 'b', { type: 'timeoutNow', term: 2 });
    s.step('b', { type: 'pauseElections', paused: true });
    s.inject('a', 'b', { type: 'timeoutNow', term: 2 });
  }),
];
