import { configurationOf, type Configuration } from '../../lib/core/configuration.js';
import type { InstallSnapshot } from '../../lib/core/messages.js';
import { entryOf, HEARTBEAT_MS } from '../support/core-cluster.js';
import { members } from '../support/core-membership.js';
import { snapshotFrom } from '../support/core-snapshots.js';
import { script, type Script } from './script.js';
import type { Story } from './story.js';

const THREE = configurationOf({ a: 'a:1', b: 'b:1', c: 'c:1' });

/** A whole snapshot in one chunk, as a leader of term 2 sends it. */
function snapshotAt(index: number, configuration: Configuration = THREE, fields: Partial<InstallSnapshot> = {}): InstallSnapshot {
  const snapshot = { last: { index, term: 1 }, configuration, configurationIndex: 1, bytes: 4 };
  return { type: 'installSnapshot', term: 2, round: 1, snapshot, attempt: 1, offset: 0, data: new Uint8Array(4), checksum: 0, done: true, ...fields };
}

/** `a` leads; `c` missed what `a` has compacted since. */
function behindCompaction(story: Story): void {
  story.ledBy('a');
  story.cut('c');
  story.propose('a', 'x', 'y', 'z');
  story.runFor(HEARTBEAT_MS);
  story.step('a', ...story.node('a').compact(4));
  story.heal();
}

/** What the shell does when the last chunk is stored. */
function install(story: Story, id: string, chunk: InstallSnapshot): void {
  story.step(id, ...story.node(id).stage(chunk));
  story.persist(id);
  story.step(id, ...story.node(id).install(chunk));
}

export const SNAPSHOTS: readonly Script[] = [
  script('S12-no-campaign-while-installing', 'No campaign while a snapshot is pending or installing.', {}, (s) => {
    s.inject('a', 'c', snapshotAt(50));
    s.timeout('c');
    s.say('once its last chunk is stored, no silence of the leader matters until it is restored');
    s.step('c', ...s.node('c').stage(snapshotAt(50)));
    s.timeout('c');
    s.step('c', { type: 'campaign' });
    s.persist('c');
    s.step('c', ...s.node('c').install(snapshotAt(50)));
    s.timeout('c');
  }),

  script('S24-behind-compaction', 'A slow follower whose needed entries were compacted receives a snapshot, never a bogus previous term (§7).', { given: behindCompaction }, (s) => {
    s.timeout('a');
    s.lose({ to: 'b' });
    s.settle();
    s.timeout('a');
    s.lose({ to: 'b' });
    s.settle();
    const chunk = snapshotFrom(s, 'a');
    s.inject('a', 'c', chunk);
    install(s, 'c', chunk);
    s.settle();
  }),

  script('S36-joint-snapshot', 'A snapshot carries a joint configuration; a receiver that is only in the outgoing voters accepts it (§6, §7).', {}, (s) => {
    const joint = { ...THREE, voters: ['a', 'c'], votersOutgoing: ['a', 'b', 'c'] };
    s.inject('a', 'b', snapshotAt(50, joint));
    install(s, 'b', snapshotAt(50, joint));
    s.lose();
    s.say('it may campaign, and needs both majorities: of a and c, and of a, b and c');
    s.timeout('b');
    s.inject('a', 'b', { type: 'preVoteReply', term: 3, granted: true });
    s.inject('c', 'b', { type: 'preVoteReply', term: 3, granted: true });
  }),

  script('S42-snapshot-of-what-is-here', 'A snapshot whose last entry the follower already has fast-forwards its commit and keeps the suffix.', { logs: { b: [1, 1, 1, 1, 1] } }, (s) => {
    s.inject('a', 'b', snapshotAt(3));
    s.persist('b');
  }),

  script('S43-stale-snapshot', 'A stale snapshot (index ≤ committed) is ignored and acknowledged with the commit index.', { logs: { b: [1, 1, 1, 1, 1] } }, (s) => {
    s.inject('a', 'b', { type: 'append', term: 2, round: 1, previous: { index: 5, term: 1 }, commit: 5, entries: [] });
    s.persist('b');
    s.inject('a', 'b', snapshotAt(2, members('abc', 'd')));
  }),

  script('S44-new-term-during-installation', 'A new term arrives during installation: no stale reply, the right term.', {}, (s) => {
    s.inject('a', 'b', snapshotAt(50));
    s.inject('c', 'b', { type: 'heartbeat', term: 3, round: 4, commit: 0 });
    install(s, 'b', snapshotAt(50));
  }),

  script('S45-crash-mid-snapshot', 'The target crashes mid-snapshot: the leader probes again and the transfer starts over.', { given: (s) => { behindCompaction(s); s.runFor(2 * HEARTBEAT_MS); s.node('a').snapshotSends.splice(0); } }, (s) => {
    const chunk = snapshotFrom(s, 'a');
    s.inject('a', 'c', { ...chunk, data: new Uint8Array(40), done: false });
    s.restart('c');
    s.step('a', { type: 'snapshotSendEnded', peer: 'c', outcome: 'failed', ms: 5 });
    s.say('nothing more goes to it before it has shown that it lives');
    s.timeout('a');
    s.lose({ to: 'b' });
    s.settle();
  }),

  script('S46-newer-snapshot', 'A snapshot while one is being sent: what the old one brings is where the peer goes on.', { given: (s) => { behindCompaction(s); s.runFor(2 * HEARTBEAT_MS); s.node('a').snapshotSends.splice(0); } }, (s) => {
    const old = snapshotFrom(s, 'a');
    s.silently(() => { s.propose('a', 'w'); s.settle(); }, 'one more entry is committed');
    s.step('a', ...s.node('a').compact(old.snapshot.last.index - 1));
    s.inject('a', 'c', old);
    install(s, 'c', old);
    s.settle();
  }),

  script('S46-appends-beside-a-snapshot', 'What was appended and acknowledged while the snapshot came is not lost to it.', {}, (s) => {
    s.inject('a', 'b', snapshotAt(3));
    s.inject('a', 'b', { type: 'append', term: 2, round: 1, previous: { index: 1, term: 1 }, commit: 1, entries: [entryOf(2, 1), entryOf(3, 1), entryOf(4, 2)] });
    s.persist('b');
    s.step('b', ...s.node('b').stage(snapshotAt(3)));
  }),
];
