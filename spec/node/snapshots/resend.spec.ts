import { CHUNK, SnapshotFixture, WORDS } from '../../support/snapshot-fixture.js';

/** One way; an answer takes as long. */
const DELAY_MS = 5;
const ROUND_TRIP_MS = 2 * DELAY_MS;
/** Without an answer for so long the sender asks (`electionTimeoutMaxMs`). */
const STALL_MS = 1_000;
const SNAPSHOT_BYTES = WORDS.join('\n').length;

describe('a snapshot on a network that loses, damages, doubles and reorders', () => {
  let fixture: SnapshotFixture;
  beforeEach(async () => (fixture = await SnapshotFixture.opened()));
  afterEach(() => fixture.cluster.stop());
  const late = { delayMs: DELAY_MS };

  /** It is all there, once. */
  const expectArrived = (): void => {
    expect(fixture.cluster.run('d').machine.words).toEqual(WORDS);
    const progress = fixture.cluster.eventsOf('d', 'SnapshotReceived').map(({ receivedBytes }) => receivedBytes);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect([new Set(progress).size, progress.at(-1)]).toEqual([progress.length, SNAPSHOT_BYTES]);
  };

  test('S45 a lost chunk is sent again after a round trip, not after a silence', async () => {
    fixture.watch({ chunk: ({ offset }, seenBefore) => (offset === 4 * CHUNK && seenBefore === 0 ? 'drop' : late), reply: () => late });
    await fixture.join();
    expect(await fixture.arrival()).toBeLessThan(STALL_MS / 2);
    expectArrived();
    expect(fixture.attempts).toBe(2);
    expect(fixture.bytesSent).toBeLessThanOrEqual(SNAPSHOT_BYTES + 4 * CHUNK); // no more than what was under way goes twice
  });

  test('S48 a damaged chunk too', async () => {
    fixture.watch({
      chunk: (chunk, seenBefore) => {
        if (chunk.offset === 4 * CHUNK && seenBefore === 0) (chunk as { data: Uint8Array }).data = chunk.data.map((byte, i) => (i === 7 ? byte ^ 1 : byte)); // a bit flips on the way
        return late;
      },
      reply: () => late,
    });
    await fixture.join();
    expect(await fixture.arrival()).toBeLessThan(STALL_MS / 2);
    expectArrived();
    expect(fixture.cluster.eventsOf('d', 'CorruptionDetected')).toHaveLength(1);
    expect(fixture.attempts).toBe(2);
  });

  test('one that is lost again is missed again', async () => {
    fixture.watch({ chunk: ({ offset }, seenBefore) => (offset === 4 * CHUNK && seenBefore < 5 ? 'drop' : late), reply: () => late });
    await fixture.join();
    expect(await fixture.arrival()).toBeLessThan(STALL_MS / 2);
    expectArrived();
    expect(fixture.attempts).toBe(6);
  });

  test('complaints about one flight, however many and however late, send the leader back once', async () => {
    fixture.watch({ chunk: ({ offset }, seenBefore) => (offset === 4 * CHUNK && seenBefore === 0 ? 'drop' : late), reply: () => late });
    fixture.cluster.network.setFaults({ duplicateRate: 1 }, { from: 'd', to: fixture.leader.id });
    fixture.cluster.network.setFaults({ duplicateRate: 1 }, { from: fixture.leader.id, to: 'd' });
    await fixture.join();
    expect(await fixture.arrival()).toBeLessThan(STALL_MS / 2);
    expectArrived();
    expect(fixture.replies.filter(({ gap }) => gap).length).toBeGreaterThan(2);
    expect(fixture.attempts).toBe(2);
  });

  test('when the last chunk is lost nothing after it can be missed: the leader asks, and sends that one alone', async () => {
    const last = 10 * CHUNK;
    fixture.watch({ chunk: ({ offset, data }, seenBefore) => (offset === last && data.length > 0 && seenBefore === 0 ? 'drop' : late), reply: () => late });
    await fixture.join();
    expect(await fixture.arrival()).toBeLessThan(1.5 * STALL_MS);
    expectArrived();
    expect(fixture.bytesSent).toBe(SNAPSHOT_BYTES + (SNAPSHOT_BYTES - last));
  });

  test('when all answers are lost it asks, and sends nothing twice', async () => {
    let isDeaf = true;
    fixture.watch({ reply: ({ received }) => (isDeaf && received > CHUNK ? 'drop' : 'deliver') });
    await fixture.join();
    await fixture.cluster.advance(2.5 * STALL_MS);
    isDeaf = false;
    await fixture.arrival();
    expectArrived();
    expect(fixture.bytesSent).toBe(SNAPSHOT_BYTES);
  });

  test.each([1, 2, 3, 4, 5, 6])('whatever chance does, it arrives, and the leader goes back once in a round trip at most (seed %i)', async (seed) => {
    const { cluster, leader } = fixture;
    let state = seed * 7919;
    const chance = (): number => (state = (state * 48_271) % 0x7fffffff) / 0x7fffffff;
    const least = 2;
    const anyhow = (): 'drop' | { delayMs: number } => (chance() < 0.15 ? 'drop' : { delayMs: least + Math.floor(chance() * 20) });
    const startsOfAttempts: number[] = [];
    fixture.watch({
      chunk: ({ attempt }) => {
        if (attempt > startsOfAttempts.length) startsOfAttempts.push(cluster.clock.now());
        return anyhow();
      },
      reply: anyhow,
    });
    for (const [from, to] of [[leader.id, 'd'], ['d', leader.id]] as const) cluster.network.setFaults({ duplicateRate: 0.2 }, { from, to });
    await fixture.join();
    await fixture.arrival(120_000);
    expectArrived();
    startsOfAttempts.forEach((at, i) => expect(at - (startsOfAttempts[i - 1] ?? -Infinity)).toBeGreaterThanOrEqual(2 * least));
    await cluster.until(() => fixture.outcomes.length > 0);
    expect(fixture.outcomes).toEqual(['acknowledged']);
  });

  test('a peer that lost what it had is sent it from the start as soon as it is back', async () => {
    fixture.watch({ chunk: ({ offset }) => (offset >= 5 * CHUNK ? 'drop' : late), reply: () => late });
    await fixture.join();
    await fixture.cluster.advance(10 * ROUND_TRIP_MS);
    expect(fixture.replies.at(-1)?.received).toBe(5 * CHUNK);
    fixture.watch({ chunk: () => late, reply: () => late });
    await fixture.cluster.restart('d');
    expect(await fixture.arrival()).toBeLessThan(STALL_MS / 2);
    expectArrived();
    await fixture.cluster.until(() => fixture.outcomes.length > 0);
    expect(fixture.outcomes).toEqual(['acknowledged']);
  });
});
