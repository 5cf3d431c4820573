import { CHUNK, SnapshotFixture, WORDS } from '../../support/snapshot-fixture.js';
import type { NodeRun } from '../../support/memory-cluster.js';

describe('S12 a snapshot whose sender died', () => {
  let fixture: SnapshotFixture;
  let d: NodeRun;

  /** `d` is a voter that was away too long; half of what it needs is here when the rest stops coming. */
  beforeEach(async () => {
    fixture = await SnapshotFixture.opened();
    const { cluster, leader } = fixture;
    d = await fixture.join();
    await cluster.until(() => leader.node.metrics.value.replication['d']?.state === 'replicate');
    const promoted = leader.node.changeMembership({ promote: ['d'] });
    await cluster.until(() => leader.node.metrics.value.membership.committed.voters.includes('d'));
    await promoted;
    cluster.crash('d');
    for (const run of [leader, ...cluster.others(leader)]) {
      await run.node.propose(`from ${run.id}`).catch(() => undefined);
      run.node.compactLog((await run.node.takeSnapshot()).last.index);
    }
    await cluster.settle();
    fixture.chunks = [];
    fixture.watch({ chunk: ({ offset }) => (offset >= 5 * CHUNK ? 'drop' : 'deliver') });
    d = await cluster.start('d');
    await cluster.until(() => fixture.replies.at(-1)?.received === 5 * CHUNK, 'the first half');
  });
  afterEach(() => fixture.cluster.stop());

  const arrived = (): Promise<void> => fixture.cluster.until(() => d.machine.words.length > WORDS.length, 'the snapshot');
  const campaigns = (): number => fixture.cluster.eventsOf('d', 'PreVoteStarted').length;

  test('while a leader is heard there is no campaign, however long the rest takes', async () => {
    await fixture.cluster.advance(10_000);
    expect(campaigns()).toBe(0);
  });

  test('once nobody is heard the receiver campaigns, within two timeouts', async () => {
    fixture.cluster.network.isolate('d');
    await fixture.cluster.advance(2_000);
    expect(campaigns()).toBeGreaterThan(0);
    expect(d.node.metrics.value.runningState).toBe('running');
  });

  test('what is here still counts when the same sender goes on', async () => {
    const { cluster } = fixture;
    cluster.network.isolate('d');
    await cluster.advance(2_000);
    expect(campaigns()).toBeGreaterThan(0);
    fixture.chunks = [];
    fixture.watch();
    cluster.network.heal();
    await arrived();
    expect(d.machine.words.slice(0, 10)).toEqual(WORDS);
    const offsets = fixture.chunks.filter(({ data }) => data.length > 0).map(({ offset }) => offset / CHUNK);
    expect(offsets).toEqual([5, 6, 7, 8, 9, 10]);
  });

  test('another leader brings it on', async () => {
    const { cluster, leader } = fixture;
    cluster.crash(leader.id);
    fixture.watch();
    await arrived();
    expect(d.machine.words.slice(0, 10)).toEqual(WORDS);
  });
});
