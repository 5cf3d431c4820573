import { CHUNK, SnapshotFixture } from '../../support/snapshot-fixture.js';

/** So long a peer may leave every question unanswered (`electionTimeoutMaxMs` · (1 + 2 + 4 + 8 + 16)). */
const PATIENCE_MS = 31_000;

describe('every transfer that begins ends with one SnapshotSent', () => {
  let fixture: SnapshotFixture;
  beforeEach(async () => (fixture = await SnapshotFixture.opened()));
  afterEach(() => fixture.cluster.stop());

  /** A transfer that stands still in the middle. */
  const halfWay = async (): Promise<void> => {
    fixture.watch({ chunk: ({ offset }) => (offset >= 5 * CHUNK ? 'drop' : 'deliver') });
    await fixture.join();
    await fixture.cluster.until(() => fixture.replies.at(-1)?.received === 5 * CHUNK);
    expect(fixture.outcomes).toEqual([]);
  };
  const sent = (): unknown => fixture.cluster.eventsOf(fixture.leader.id, 'SnapshotSent').map(({ peer, outcome }) => [peer, outcome]);

  test('acknowledged: the peer has it', async () => {
    await fixture.join();
    await fixture.arrival();
    await fixture.cluster.settle();
    expect(sent()).toEqual([['d', 'acknowledged']]);
    expect(fixture.leader.node.metrics.value.counters.snapshotsSent).toBe(1);
  });

  test('failed: the peer leaves every question unanswered; it is tried again, from where the peer stands, since it answers heartbeats', async () => {
    await halfWay();
    await fixture.cluster.advance(PATIENCE_MS + 100);
    expect(sent()).toEqual([['d', 'failed']]);
    fixture.watch();
    fixture.chunks = [];
    await fixture.arrival();
    expect(fixture.chunks.filter(({ data }) => data.length > 0).map(({ offset }) => offset / CHUNK)).toEqual([5, 6, 7, 8, 9, 10]);
    await fixture.cluster.settle();
    expect(sent()).toEqual([['d', 'failed'], ['d', 'acknowledged']]);
  });

  test('failed: the own snapshot can’t be read, and the node stops', async () => {
    const { cluster, leader } = fixture;
    cluster.disk(leader.id).corruptSnapshot();
    await fixture.join();
    await cluster.until(() => leader.ended !== null);
    expect(sent()).toEqual([['d', 'failed']]);
  });

  test('superseded: a newer snapshot took its place, and is sent at once', async () => {
    await halfWay();
    await fixture.leader.node.propose('newer');
    await fixture.compact();
    fixture.watch();
    await fixture.cluster.until(() => fixture.cluster.run('d').machine.words.length === 11, 'the newer one', 2_000);
    await fixture.cluster.settle();
    expect(sent()).toEqual([['d', 'superseded'], ['d', 'acknowledged']]);
  });

  test('removed: the peer is no member any more', async () => {
    await halfWay();
    await fixture.leader.node.changeMembership({ remove: ['d'] });
    await fixture.cluster.settle();
    expect(sent()).toEqual([['d', 'removed']]);
  });

  test('leadershipLost: another node leads', async () => {
    await halfWay();
    const { cluster, leader } = fixture;
    void leader.node.transferLeadership().catch(() => undefined);
    await cluster.until(() => leader.node.metrics.value.role !== 'leader');
    expect(sent()).toEqual([['d', 'leadershipLost']]);
  });

  test('leadershipLost: the leader is cut off and steps down', async () => {
    await halfWay();
    const { cluster, leader } = fixture;
    cluster.network.isolate(leader.id);
    await cluster.until(() => leader.node.metrics.value.role !== 'leader');
    expect(sent()).toEqual([['d', 'leadershipLost']]);
  });

  test('leadershipLost: the node stops', async () => {
    await halfWay();
    const { cluster, leader } = fixture;
    const stopped = leader.node.stop();
    await cluster.advance(5_000);
    await stopped;
    expect(sent()).toEqual([['d', 'leadershipLost']]);
    expect(leader.ended).toBe('complete');
  });
});
