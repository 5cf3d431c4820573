import { HEARTBEAT_MS, MIN_TIMEOUT_MS } from '../support/core-cluster.js';
import { members } from '../support/core-membership.js';
import { LED_BY_A, script, type Script } from './script.js';

export const READS: readonly Script[] = [
  script('S50-no-read-before-own-commit', 'A new leader answers no ReadIndex before it has committed in its term (§8, thesis §6.4).', { given: (s) => { s.isCut = (_from, _to, type) => type === 'append'; s.ledBy('a'); s.isCut = () => false; }, showRounds: true }, (s) => {
    s.read('a', 1);
    s.read('a', 2, true);
    s.timeout('a');
    s.lose({ to: 'c' });
    s.settle();
  }),

  script('S51-rounds', 'ReadIndex acknowledgements count current voters only, with unique monotonic contexts: delayed or duplicated heartbeat replies confirm nothing newer (thesis §6.4).', { configuration: members('abc', 'd'), ids: ['a', 'b', 'c', 'd'], given: (s) => s.ledBy('a'), showRounds: true }, (s) => {
    s.read('a', 1);
    s.deliver({ to: 'd' });
    s.deliver({ from: 'd' });
    s.say('a learner confirms nothing, nor does a late answer to an older round, nor one to a round that was never begun');
    s.inject('b', 'a', { type: 'heartbeatReply', term: 2, round: 1, willing: true });
    s.inject('b', 'a', { type: 'heartbeatReply', term: 2, round: 99, willing: true });
    s.say('a read that comes meanwhile waits for the next round');
    s.read('a', 2);
    s.deliver({ to: 'b' });
    s.deliver({ from: 'b' });
    s.lose({ to: 'c' });
    s.lose({ to: 'd' });
    s.deliver({ to: 'b' });
    s.deliver({ from: 'b' });
  }),

  script('S52-deposed-leader', 'A deposed leader that doesn’t know it yet serves no linearizable read (§8).', { given: (s) => { s.ledBy('a'); s.impatient('b'); } }, (s) => {
    s.cut('a');
    s.wait(MIN_TIMEOUT_MS - 1);
    s.read('a', 1);
    s.lose({ from: 'a' });
    s.silently(() => {
      s.step('b', { type: 'campaign' });
      s.wait(1);
      s.step('b', { type: 'campaign' });
      s.settle();
    }, 'b and c elect b');
    s.heal();
    s.silently(() => s.take());
    s.timeout('b');
    s.deliver({ to: 'a' });
  }),

  script('S53-lease', 'Lease reads stop when the lease may have expired, by the monotonic clock with a drift margin (thesis §6.4.1).', { options: { leaseDriftMargin: 0.2 }, given: (s) => { s.ledBy('a'); s.runFor(HEARTBEAT_MS); s.wait((s.status('a').leadership?.lastQuorumAckAt ?? NaN) - s.now); }, showRounds: true }, (s) => {
    s.cut('a');
    s.wait(0.8 * MIN_TIMEOUT_MS - 1);
    s.read('a', 1, true);
    s.wait(1);
    s.read('a', 2, true);
    s.heal();
    s.say('read 2 waits for its round, which opens the lease again');
    s.deliver({ to: 'b' });
    s.deliver({ from: 'b' });
    s.read('a', 3, true);
  }),

  script('S53-lease-and-transfer', 'Lease reads stop during and after a transfer with a delayed TimeoutNow too.', { ...LED_BY_A, showRounds: true }, (s) => {
    s.transfer('a', 'b', 10);
    const delayed = s.take({ type: 'timeoutNow' });
    s.read('a', 1, true);
    s.lose({ to: 'c' });
    s.settle();
    s.wait(10);
    s.tick('a');
    s.read('a', 2, true);
    s.say('the order that was held up arrives after all');
    s.lose();
    for (const { message } of delayed) s.inject('a', 'b', message);
  }),

  script('S54-bridge', 'Five nodes, the leader reaches one follower: no heartbeat, replication or read renews the lease.', { ids: ['a', 'b', 'c', 'd', 'e'], given: (s) => { s.ledBy('a'); s.runFor(HEARTBEAT_MS); }, showRounds: true }, (s) => {
    s.cut('a', 'b');
    s.propose('a', 'x');
    s.deliver({ to: 'b' });
    s.persist('b');
    s.wait(0.9 * MIN_TIMEOUT_MS);
    s.read('a', 1, true);
    s.deliver();
    s.deliver({ to: 'a' });
    s.wait(0.1 * MIN_TIMEOUT_MS);
    s.tick('a');
  }),
];
