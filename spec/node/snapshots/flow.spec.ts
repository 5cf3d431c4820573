import type { NodeRun } from '../../support/memory-cluster.js';
import { CHUNK, SnapshotFixture, WORDS } from '../../support/snapshot-fixture.js';

const WINDOW = 1 << 20;
const DELAY_MS = 5;

/** The run's disk takes the bytes of a snapshot only as far as it is told. */
function slowDisk({ options: { storage } }: NodeRun): { letThrough: (pieces: number) => void } {
  const save = storage.saveSnapshot.bind(storage);
  let open = 0;
  let wake: () => void = () => undefined;
  storage.saveSnapshot = (meta, bytes, options) => {
    const slowly = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of bytes) {
        while (open <= 0) await new Promise<void>((resolve) => (wake = resolve));
        open -= 1;
        yield piece;
      }
    };
    return save(meta, slowly(), options);
  };
  return {
    letThrough: (pieces) => {
      open += pieces;
      wake();
    },
  };
}

describe('S49 sending a snapshot holds nothing else back, and is held back by its receiver', () => {
  let fixture: SnapshotFixture;
  beforeEach(async () => (fixture = await SnapshotFixture.opened()));
  afterEach(() => fixture.cluster.stop());
  const late = { delayMs: DELAY_MS };

  test('what is under way fills the window and never exceeds it; the first chunk goes alone', async () => {
    const underWay: number[] = [];
    let acknowledged = 0;
    fixture.watch({
      chunk: ({ offset, data }) => {
        underWay.push(offset + data.length - acknowledged);
        return late;
      },
      reply: ({ received }) => {
        acknowledged = Math.max(acknowledged, received); // an answer takes no time: the leader knows
        return 'deliver';
      },
    });
    await fixture.join();
    await fixture.arrival();
    expect([underWay[0], Math.max(...underWay)]).toEqual([CHUNK, WINDOW]);
  });

  test('heartbeats and appends to the same peer and to others go on while the window is full', async () => {
    const { cluster, leader } = fixture;
    const toD: string[] = [];
    fixture.watch({ reply: ({ received }) => (received > CHUNK ? 'drop' : 'deliver') });
    await fixture.join();
    await cluster.settle();
    expect(fixture.bytesSent).toBe(CHUNK + WINDOW);
    cluster.network.intercept((_from, to, message) => {
      if (to === 'd') toD.push(message.type);
      return message.type === 'installSnapshotReply' ? 'drop' : 'deliver';
    });
    for (let i = 0; i < 10; i += 1) {
      await expect(leader.node.propose(`meanwhile ${i}`)).resolves.toMatchObject({ value: 11 + i });
      await cluster.advance(100);
    }
    expect(toD.filter((type) => type === 'heartbeat').length).toBeGreaterThanOrEqual(10);
    expect(cluster.events('d').filter(({ type }) => type === 'PreVoteStarted')).toEqual([]);
    expect(leader.node.metrics.value.leadership).toMatchObject({ established: true, leaseValid: true });
    expect(leader.node.metrics.value.replication['d']).toMatchObject({ state: 'snapshot' });
    fixture.watch();
    await cluster.until(() => cluster.run('d').machine.words.length === 20);
  });

  test('a receiver whose disk is slow holds the sender, for as long as it takes: that is no failure, and nothing goes twice', async () => {
    const { cluster } = fixture;
    const d = await cluster.join('d');
    const disk = slowDisk(d);
    const adding = fixture.leader.node.changeMembership({ add: { d: { address: 'd:1', autoPromote: false } } });
    await cluster.advance(100);
    await adding;
    // One piece with the disk, what waits for it, and what was acknowledged before it waited too long.
    const held = fixture.bytesSent;
    expect(held).toBeLessThanOrEqual(CHUNK + 2 * WINDOW + CHUNK);
    expect(held).toBeLessThan(WORDS.join('\n').length);
    await cluster.advance(120_000);
    expect(fixture.bytesSent).toBe(held);
    expect(fixture.outcomes).toEqual([]);
    for (let i = 0; i < 11; i += 1) {
      disk.letThrough(1);
      await cluster.advance(50);
    }
    await fixture.arrival();
    expect(d.machine.words).toEqual(WORDS);
    expect(fixture.bytesSent).toBe(WORDS.join('\n').length);
    await cluster.until(() => fixture.outcomes.length > 0);
    expect(fixture.outcomes).toEqual(['acknowledged']);
  });

  test('what is lost while the disk is behind is told once the disk has caught up', async () => {
    const { cluster } = fixture;
    fixture.watch({ chunk: ({ offset }, seenBefore) => (offset === 6 * CHUNK && seenBefore === 0 ? 'drop' : 'deliver') });
    const d = await cluster.join('d');
    const disk = slowDisk(d);
    const adding = fixture.leader.node.changeMembership({ add: { d: { address: 'd:1', autoPromote: false } } });
    await cluster.advance(100);
    await adding;
    expect(fixture.replies.some(({ gap }) => gap)).toBe(false);
    disk.letThrough(Infinity);
    expect(await fixture.arrival()).toBeLessThan(500);
    expect(d.machine.words).toEqual(WORDS);
    expect(fixture.attempts).toBe(2);
  });
});
