import { configurationOf, encodeConfiguration } from '../../lib/core/configuration.js';
import type { Entry } from '../../lib/core/entry.js';
import type { Input } from '../../lib/core/inputs.js';
import { InvariantError } from '../../lib/core/invariant.js';
import type { Append, RaftMessage } from '../../lib/core/messages.js';
import type { TurnOutput } from '../../lib/core/output.js';
import { RaftCore } from '../../lib/core/raft.js';
import type { Restored } from '../../lib/core/restore.js';
import { coreOptions, CoreCluster, entryOf, HEARTBEAT_MS } from '../support/core-cluster.js';

const THREE = configurationOf({ a: 'a:1', b: 'b:1', c: 'c:1' });
const FIRST: Entry = { index: 1, term: 1, kind: 'configuration', payload: encodeConfiguration(THREE) };

function restored(fields: Partial<Restored> = {}): Restored {
  return {
    hardState: { term: 1, votedFor: null },
    snapshot: null,
    compacted: { index: 0, term: 0 },
    lastLog: { index: 1, term: 1 },
    terms: [{ term: 1, first: 1 }],
    configurations: [FIRST],
    ...fields,
  };
}

const from = (peer: string, message: RaftMessage): Input => ({ type: 'message', from: peer, message });
const append = (fields: Partial<Append>): Append => ({ type: 'append', term: 2, round: 1, previous: { index: 1, term: 1 }, commit: 0, entries: [], ...fields });
const kinds = (output: TurnOutput): string[] => output.messages.map(({ to, message }) => `${message.type}→${to}`);

describe('RaftCore.turn', () => {
  it('the first turn says what was restored, before anything else', () => {
    const snapshot = { last: { index: 5, term: 1 }, configuration: THREE, configurationIndex: 1, bytes: 9 };
    const core = new RaftCore(coreOptions('a'), restored({ hardState: { term: 3, votedFor: 'b' }, snapshot, compacted: { index: 4, term: 1 }, lastLog: { index: 8, term: 2 }, terms: [{ term: 1, first: 5 }, { term: 2, first: 7 }], configurations: [] }), 0);
    expect(core.turn(0, []).events).toMatchObject([
      { type: 'NodeStarted', term: 3, votedFor: 'b', lastLog: { index: 8, term: 2 }, snapshot: snapshot.last, compacted: { index: 4 }, committed: snapshot.last, applied: snapshot.last, configurationIndex: 1, committedConfigurationIndex: 1 },
    ]);
  });

  it('all appends of a turn make one write and one acknowledgement', () => {
    const core = new RaftCore(coreOptions('b'), restored({ hardState: { term: 2, votedFor: 'a' } }), 0);
    const output = core.turn(1, [
      from('a', append({ entries: [entryOf(2, 2)] })),
      from('a', append({ previous: { index: 2, term: 2 }, entries: [entryOf(3, 2)] })),
      from('a', append({ previous: { index: 3, term: 2 }, entries: [entryOf(4, 2)], round: 2 })),
    ]);
    expect(output.write).toMatchObject({ id: 1, hardState: null, truncateAfter: null, entries: [{ index: 2 }, { index: 3 }, { index: 4 }] });
    expect(output.messages).toEqual([{ to: 'a', message: { type: 'appendReply', term: 2, round: 2, matched: 1, willing: true } }]); // what is durable so far
    const persisted = core.turn(2, [{ type: 'persisted', writeId: 1, ioMs: 1 }]);
    expect(persisted.messages).toEqual([{ to: 'a', message: { type: 'appendReply', term: 2, round: 2, matched: 4, willing: true } }]);
  });

  it('all commands of a turn leave in one append, the same array to every peer', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    const propose: Input = { type: 'propose', payloads: [new Uint8Array(1)] };
    const output = cluster.node('a').turn(cluster.now, [propose, propose, propose]);
    expect(kinds(output)).toEqual(['append→b', 'append→c']);
    const [toB, toC] = output.messages.map(({ message }) => (message as Append).entries);
    expect(toB).toHaveLength(3);
    expect(toC).toBe(toB);
    expect(output.write?.entries).toHaveLength(3);
    expect(output.proposals.map(({ firstIndex }) => firstIndex)).toEqual([3, 4, 5]);
  });

  it('a turn in which nothing happened gives nothing', () => {
    const core = new RaftCore(coreOptions('a'), restored(), 0);
    core.turn(0, []);
    const nothing = {
      write: null,
      messages: [],
      apply: null,
      proposals: [],
      reads: [],
      membershipOutcomes: [],
      transferOutcomes: [],
      logReads: [],
      snapshotSends: [],
      snapshotChunks: [],
      compactThrough: null,
      events: [],
    };
    expect(core.turn(1, [])).toEqual(nothing);
  });

  it('the same turns give the same outputs, byte for byte', () => {
    const run = (): unknown[] => {
      const core = new RaftCore(coreOptions('a', { seed: 77 }), restored(), 0);
      const outputs: unknown[] = [];
      for (let now = 0; now < 2000; now += 37) outputs.push(core.turn(now, now % 5 === 0 ? [from('b', append({ round: now }))] : []));
      return outputs;
    };
    expect(JSON.stringify(run())).toBe(JSON.stringify(run()));
  });

  it('time does not go back', () => {
    const core = new RaftCore(coreOptions('a'), restored(), 1000);
    const due = core.wakeAt;
    core.turn(5000, [from('b', append({}))]);
    core.turn(10, [from('b', append({}))]);
    expect(core.wakeAt).toBeGreaterThanOrEqual(5000 + 100);
    expect(due).toBeGreaterThanOrEqual(1100);
  });

  it('a leader wakes for its heartbeat, and every peer gets one', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    expect(cluster.node('a').core.wakeAt).toBe(cluster.now + HEARTBEAT_MS);
    cluster.timeout('a');
    expect(cluster.wire.map(({ to, message }) => [to, message.type])).toEqual([['b', 'heartbeat'], ['c', 'heartbeat']]);
  });

  it('one batch at a time goes to the state machine, within its bytes', () => {
    const cluster = new CoreCluster({ options: { maxApplyBytes: 70 } });
    cluster.elect('a');
    cluster.settle();
    const node = cluster.node('a');
    cluster.propose('a', 'x', 'y', 'z');
    cluster.deliver();
    for (const id of ['a', 'b']) cluster.persist(id);
    cluster.deliver();
    expect(node.applying).toMatchObject({ from: 3, to: 4 });
    cluster.tick('a');
    cluster.apply('a');
    expect(node.applying).toMatchObject({ from: 5, to: 5 });
    cluster.apply('a');
    expect(node.eventsOf('EntriesApplied').slice(-2)).toMatchObject([{ from: 3, to: { index: 4 } }, { from: 5, to: { index: 5 } }]);
  });

  it('two leaders of one term stop the core', () => {
    const core = new RaftCore(coreOptions('b'), restored(), 0);
    core.turn(1, [from('a', append({}))]);
    expect(() => core.turn(2, [from('c', append({}))])).toThrow(InvariantError);
  });
});

describe('RaftCore, the log in memory', () => {
  it('holds no more than its bound of what is durable and committed, however long the state machine works on a batch', () => {
    const cluster = new CoreCluster({ ids: ['a'], options: { logCacheBytes: 0 } });
    const node = cluster.node('a');
    cluster.elect('a');
    cluster.settle();
    cluster.propose('a', '1');
    cluster.persist('a');
    const working = node.applying;
    for (let i = 2; i <= 5; i += 1) {
      const index = cluster.propose('a', String(i));
      expect(node.core.entries(index, index, 1)).toHaveLength(1); // it is not durable yet
      cluster.persist('a');
      expect(node.core.entries(index, index, 1)).toBeNull();
    }
    expect(node.applying).toBe(working);
    cluster.apply('a');
    expect(node.applying).toMatchObject({ entries: null });
    cluster.settle();
    expect(node.applied).toEqual(node.disk.read(1, node.status.lastLog.index));
  });

  const LONG = 'x'.repeat(100 << 10);
  const isHeld = (cluster: CoreCluster, id: string, index: number): boolean => cluster.node(id).core.entries(index, index, 1) !== null;

  it('is a short tail of what everybody has', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    const first = cluster.propose('a', LONG);
    for (let i = 0; i < 4; i += 1) {
      cluster.runFor(HEARTBEAT_MS);
      cluster.propose('a', LONG);
    }
    cluster.runFor(2 * HEARTBEAT_MS);
    const held = Array.from({ length: 5 }, (_, i) => ['a', 'b', 'c'].map((id) => isHeld(cluster, id, first + i)));
    expect(held).toEqual([false, false, false, false, true].map((one) => [one, one, one]));
  });

  it('keeps what is not durable here, or not applied, although everybody has it', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    cluster.settle();
    cluster.slowDisks.add('a');
    const first = cluster.propose('a', LONG, LONG, LONG, LONG, LONG);
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(cluster.status('a')).toMatchObject({ applied: { index: first + 4 } });
    expect(isHeld(cluster, 'a', first)).toBe(true);
    cluster.slowDisks.delete('a');
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(isHeld(cluster, 'a', first)).toBe(false);
    const node = cluster.node('a');
    const apply = jest.spyOn(node, 'apply').mockReturnValue([]);
    const second = cluster.propose('a', LONG, LONG, LONG, LONG, LONG);
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(cluster.status('a')).toMatchObject({ committed: { index: second + 4 }, applied: { index: second - 1 } });
    expect(isHeld(cluster, 'a', second)).toBe(true);
    apply.mockRestore();
    cluster.runFor(2 * HEARTBEAT_MS);
    expect(isHeld(cluster, 'a', second)).toBe(false);
  });

  it('lets go of no part of a batch until half of it can go, so that a long one is not copied at every step', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    cluster.settle();
    const node = cluster.node('a');
    const apply = node.apply.bind(node);
    let allowed = 0;
    jest.spyOn(node, 'apply').mockImplementation(() => (allowed-- > 0 ? apply() : []));
    const first = cluster.propose('a', ...new Array<string>(8).fill(LONG)); // two of them at a time are applied
    const held = [0, 1, 1].map((more) => {
      allowed = more;
      cluster.runFor(2 * HEARTBEAT_MS);
      return isHeld(cluster, 'a', first);
    });
    expect(cluster.status('a')).toMatchObject({ applied: { index: first + 3 } });
    expect(held).toEqual([true, true, false]);
  });

  it('keeps on the leader what a peer lacks, which then has it without a look at the disk', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    cluster.settle();
    cluster.isCut = (_, to) => to === 'c';
    const first = cluster.propose('a', LONG, LONG, LONG, LONG, LONG);
    cluster.runFor(HEARTBEAT_MS);
    expect([isHeld(cluster, 'a', first), isHeld(cluster, 'b', first)]).toEqual([true, false]);
    const reads = jest.spyOn(cluster.node('a'), 'answerLogReads');
    cluster.isCut = () => false;
    cluster.runFor(20 * HEARTBEAT_MS);
    expect(cluster.status('c')).toMatchObject({ lastLog: { index: first + 4 } });
    expect(reads.mock.results.flatMap(({ value }) => value as unknown[])).toEqual([]);
    expect(isHeld(cluster, 'a', first)).toBe(false);
  });
});

describe('RaftCore after halt', () => {
  it('leadership ends with its events, what was waiting is refused, and nothing leaves any more', () => {
    const cluster = new CoreCluster();
    cluster.elect('a');
    const node = cluster.node('a');
    const output = node.turn(cluster.now, [
      { type: 'read', id: 1, lease: false },
      { type: 'propose', payloads: [new Uint8Array(1)] },
      { type: 'halt', reason: 'stopped' },
      { type: 'propose', payloads: [new Uint8Array(1)] },
      { type: 'read', id: 2, lease: true },
    ]);
    expect(output).toMatchObject({
      messages: [],
      write: null,
      reads: [{ id: 1, refusal: 'leadershipLost' }, { id: 2, refusal: 'notLeader' }],
      proposals: [{ accepted: 1, refusal: null }, { accepted: 0, refusal: 'stopping' }],
    });
    expect(output.events.map(({ type }) => type).slice(-5)).toEqual(['ReplicationStopped', 'LeadershipLost', 'LeaderLost', 'RoleChanged', 'ProposalRejected']);
    expect(node.core.wakeAt).toBe(Infinity);
    cluster.now += 10_000;
    cluster.step('a', from('b', { type: 'voteRequest', term: 9, lastLog: { index: 99, term: 8 }, transfer: false }));
    expect(cluster.wire).toEqual([]);
    expect(node.status).toMatchObject({ role: 'follower', term: 2, leaderId: null });
  });

  it('a held vote is not told once the disk is done', () => {
    const core = new RaftCore(coreOptions('b'), restored(), 0);
    core.turn(0, [from('a', { type: 'voteRequest', term: 2, lastLog: { index: 9, term: 1 }, transfer: false })]);
    core.turn(1, [{ type: 'halt', reason: 'fatalError' }]);
    expect(core.turn(2, [{ type: 'persisted', writeId: 1, ioMs: 1 }])).toMatchObject({ messages: [], events: [] });
  });

  it.each(['preCandidate', 'candidate'] as const)('a %s tells how its candidacy ended', (role) => {
    const cluster = new CoreCluster();
    cluster.timeout('a');
    if (role === 'candidate') cluster.inject('b', 'a', { type: 'preVoteReply', term: 2, granted: true });
    expect(cluster.status('a').role).toBe(role);
    cluster.step('a', { type: 'halt', reason: 'stopped' });
    const ended = role === 'candidate' ? cluster.node('a').eventsOf('ElectionLost') : cluster.node('a').eventsOf('PreVoteConcluded');
    expect(ended).toHaveLength(1);
  });
});
