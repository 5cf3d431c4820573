import { ListMachine } from '../../support/list-machine.js';
import { outcomeOf, type NodeRun } from '../../support/memory-cluster.js';
import { SnapshotFixture, WORDS } from '../../support/snapshot-fixture.js';

/** Taking a snapshot of it and restoring it wait until they are told to go on. */
class GatedMachine extends ListMachine {
  readonly taking = new Gate();
  readonly restoring = new Gate();

  override async *snapshot(): AsyncGenerator<Uint8Array> {
    const bytes = super.snapshot();
    await this.taking.passed();
    yield* bytes;
  }

  override async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await this.restoring.passed();
    await super.restore(chunks);
  }
}

/** Open until it is shut. */
class Gate {
  isReached = false;
  private isShut = false;
  private wake: () => void = () => undefined;

  shut(): void {
    this.isShut = true;
    this.isReached = false;
  }

  open(): void {
    this.isShut = false;
    this.wake();
  }

  async passed(): Promise<void> {
    this.isReached = true;
    while (this.isShut) await new Promise<void>((resolve) => (this.wake = resolve));
  }
}

describe('S46 snapshots that overlap', () => {
  let fixture: SnapshotFixture;
  let machine: GatedMachine;
  let d: NodeRun;
  beforeEach(async () => {
    fixture = await SnapshotFixture.opened();
    machine = new GatedMachine();
  });
  afterEach(async () => {
    machine.taking.open();
    machine.restoring.open();
    await fixture.cluster.stop();
  });

  test('one that is being taken when a newer one comes from the leader does not take its place', async () => {
    const { cluster, leader } = fixture;
    d = await fixture.join({ stateMachine: machine });
    await cluster.until(() => machine.words.length === 10);
    await leader.node.propose('more');
    await cluster.until(() => machine.words.length === 11);
    machine.taking.shut();
    const taking = outcomeOf(d.node.takeSnapshot());
    await cluster.until(() => machine.taking.isReached);

    cluster.network.isolate('d');
    await leader.node.propose('while it was away');
    await fixture.compact();
    cluster.network.heal();
    await cluster.until(() => machine.words.length === 12);
    const newest = leader.node.metrics.value.snapshot;
    expect(d.node.metrics.value.snapshot).toEqual(newest);

    machine.taking.open();
    await cluster.until(() => taking.state !== 'pending');
    expect(taking).toMatchObject({ state: 'resolved', value: { last: newest } });
    expect(cluster.disk('d').image.snapshot?.meta.last).toEqual(newest);
    expect(d.node.metrics.value.snapshot).toEqual(newest);
    expect(cluster.eventsOf('d', 'SnapshotSaved')).toEqual([]);
  });

  test('while one is put in force nothing else is taken; then the next leader’s follows', async () => {
    const { cluster, leader } = fixture;
    machine.restoring.shut();
    d = await fixture.join({ stateMachine: machine });
    await cluster.until(() => machine.restoring.isReached);
    await leader.node.propose('later');
    for (const run of cluster.others(leader)) {
      await cluster.until(() => run.machine.words.length === 11);
      run.node.compactLog((await run.node.takeSnapshot()).last.index);
    }
    await cluster.settle();
    cluster.crash(leader.id);
    const second = await cluster.leader(cluster.others(leader).map(({ id }) => id));
    await cluster.advance(60_000);
    expect(cluster.eventsOf(second.id, 'SnapshotSent')).toEqual([]);
    machine.restoring.open();
    await cluster.until(() => machine.words.length === 11, 'the second snapshot', 2_000);
    expect(machine.words).toEqual([...WORDS, 'later']);
    await cluster.until(() => cluster.eventsOf(second.id, 'SnapshotSent').length > 0);
    expect(cluster.eventsOf(second.id, 'SnapshotSent').map(({ outcome }) => outcome)).toEqual(['acknowledged']);
  });
});
