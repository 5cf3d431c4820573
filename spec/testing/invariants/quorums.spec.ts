import { configurationOf, encodeConfiguration, type Configuration } from '../../../lib/core/configuration.js';
import type { Entry } from '../../../lib/core/entry.js';
import { EntryList } from '../../../lib/core/entry-list.js';
import type { RaftEventBody } from '../../../lib/core/events.js';
import { ORIGIN, type NodeId } from '../../../lib/core/ids.js';
import { decisionsOverlap, isQuorum } from '../../../lib/testing/invariants/agreed-configurations.js';
import { AgreedLog } from '../../../lib/testing/invariants/agreed-log.js';
import { Quorums } from '../../../lib/testing/invariants/quorums.js';
import { ServerRecord } from '../../../lib/testing/invariants/server-record.js';
import { ShadowLog } from '../../../lib/testing/invariants/shadow-log.js';

const OLD = configurationOf({ a: '', b: '', c: '' });
const NEW = configurationOf({ c: '', d: '', e: '' });
const JOINT: Configuration = { ...NEW, votersOutgoing: OLD.voters, nodes: { ...OLD.nodes, ...NEW.nodes } };
const TERM = 2;

const entryOf = (index: number, configuration: Configuration | null = null): Entry => ({
  index,
  term: TERM,
  kind: configuration === null ? 'command' : 'configuration',
  payload: configuration === null ? Uint8Array.of(index) : encodeConfiguration(configuration),
});

/** A leader `a` whose log holds these entries, and servers whose disks hold so many of them. */
function world(entries: readonly Entry[], onDisk: Readonly<Record<NodeId, number>>) {
  const log = new AgreedLog();
  const servers = new Map<NodeId, ServerRecord>();
  for (const id of ['a', 'b', 'c', 'd', 'e']) {
    const held = new EntryList(1);
    held.append(entries.slice(0, onDisk[id] ?? 0));
    servers.set(id, new ServerRecord(id, { hardState: { term: TERM, votedFor: 'a' }, compacted: ORIGIN, entries: held, lastLog: held.at(held.next - 1) ?? ORIGIN, snapshot: null }));
  }
  const quorums = new Quorums(log, servers);
  const run = { inForce: OLD, log: new ShadowLog(ORIGIN, entries) };
  const turn = (...events: RaftEventBody[]): void => quorums.observeTurn(servers.get('a') as ServerRecord, run, { role: 'leader' }, { output: { events } });
  const commit = (to: number): void => turn({ type: 'CommitAdvanced', term: TERM, from: log.commitIndex, to: { index: to, term: TERM } });
  const append = (index: number, configuration: Configuration): void => turn({ type: 'MembershipAppended', term: TERM, configuration, index, joint: configuration.votersOutgoing.length > 0 });
  return { quorums, servers, run, turn, commit, append, log };
}

describe('a quorum', () => {
  test.each([
    ['a majority of three', OLD, 'ab', true],
    ['less than a majority', OLD, 'ad', false],
    ['half of two', configurationOf({ a: '', b: '' }), 'a', false],
    ['while joint, the old majority alone', JOINT, 'ab', false],
    ['while joint, the new majority alone', JOINT, 'de', false],
    ['while joint, both majorities', JOINT, 'bcd', true],
    ['nobody of nobody', configurationOf({}), '', false],
  ])('%s', (_name, configuration, holders, expected) => {
    expect(isQuorum(configuration, (id) => holders.includes(id))).toBe(expected);
  });
});

describe('from one configuration to the next', () => {
  test.each([
    ['other learners', OLD, { ...OLD, learners: ['d'] }, true],
    ['into a joint one', OLD, JOINT, true],
    ['out of a joint one, to its new half', JOINT, NEW, true],
    ['out of a joint one, back to its old half', JOINT, OLD, false],
    ['to other voters without a joint one', OLD, NEW, false],
    ['into a joint one of other old voters', NEW, JOINT, false],
    ['from joint to joint', JOINT, { ...OLD, votersOutgoing: NEW.voters }, false],
  ])('%s', (_name, before, after, isLawful) => {
    const check = (): void => decisionsOverlap('a', before, { index: 2, configuration: after });
    if (isLawful) expect(check).not.toThrow();
    else expect(check).toThrow('old and new configuration never decide alone (§6)');
  });
});

describe('the configuration in force on the leader decides', () => {
  const entries = [entryOf(1, OLD), entryOf(2, JOINT), entryOf(3)];

  test('a leader that commits with the old majority alone while joint is found out', () => {
    const { commit, append } = world(entries, { a: 3, b: 3 });
    commit(1);
    append(2, JOINT);
    expect(() => commit(2)).toThrow('commits are of the own term and durable on a majority (§5.3, §5.4.2): entry 2 of term 2 is on the disks of a, b alone, in {c d e from a b c}');
  });

  test('an older entry that is committed while joint needs both majorities too', () => {
    const { commit, append } = world(entries, { a: 3, b: 3 });
    append(2, JOINT);
    expect(() => commit(1)).toThrow('durable on a majority');
  });

  test('what is committed in the turn before the configuration is appended needs only the old majority', () => {
    const { turn } = world(entries, { a: 1, b: 1 });
    const committed: RaftEventBody = { type: 'CommitAdvanced', term: TERM, from: 0, to: { index: 1, term: TERM } };
    expect(() => turn(committed, { type: 'MembershipAppended', term: TERM, configuration: JOINT, index: 2, joint: true })).not.toThrow();
  });

  test('a leader without the votes of both majorities while joint is found out', () => {
    const { turn, append, servers } = world(entries, {});
    append(2, JOINT);
    for (const id of ['b', 'c']) servers.get(id)?.votes.set(TERM, 'a');
    const elected: RaftEventBody = { type: 'LeadershipAcquired', term: TERM, noopIndex: 4 };
    expect(() => turn(elected)).toThrow('leaders are elected by a majority (§5.2, §6): a becomes leader of term 2 in {c d e from a b c}');
    servers.get('d')?.votes.set(TERM, 'a');
    expect(() => turn(elected)).not.toThrow();
  });
});

describe('committed entries survive', () => {
  const entries = [entryOf(1, OLD), entryOf(2, JOINT), entryOf(3), entryOf(4, NEW)];

  test('on the new majority alone, once the leader counts in the new configuration', () => {
    const { commit, append, quorums, log } = world(entries, { a: 4, b: 2, c: 3, d: 3 });
    append(2, JOINT);
    commit(2);
    append(4, NEW);
    commit(3);
    expect(log.configurations.newest.index).toBe(2);
    expect(() => quorums.committedEntriesSurvive()).not.toThrow();
  });

  test('and not when one of that majority has lost it, whoever of the old ones holds it', () => {
    const { commit, append, quorums, servers } = world(entries, { a: 4, b: 4, c: 3, d: 3 });
    append(2, JOINT);
    commit(2);
    append(4, NEW);
    commit(3);
    servers.get('d')?.image.entries.truncateAfter(2);
    expect(() => quorums.committedEntriesSurvive()).toThrow('committed entries survive (§5.4): entry 3 of term 2 is on the disks of a, b, c alone, in {c d e}');
  });
});
