import { Deadlines } from '../../lib/node/deadlines.js';
import { ManualClock } from '../support/manual-clock.js';

describe('Deadlines', () => {
  let clock: ManualClock;
  let expired: number[];
  let next: number;
  let deadlines: Deadlines;
  beforeEach(() => {
    clock = new ManualClock();
    expired = [];
    next = Infinity;
    deadlines = new Deadlines(clock, (now) => {
      expired.push(now);
      return next;
    });
  });

  test('any number of waits share one timer, set for the earliest', async () => {
    deadlines.watch(clock.now() + 300);
    deadlines.watch(clock.now() + 100);
    deadlines.watch(clock.now() + 200);
    expect(clock.pendingTimers).toBe(1);
    await clock.advance(99);
    expect(expired).toEqual([]);
    await clock.advance(1);
    expect(expired).toEqual([clock.now()]);
  });

  test('after the earliest comes the next that the owner names, and then rest', async () => {
    const start = clock.now();
    deadlines.watch(start + 100);
    next = start + 150;
    await clock.advance(120);
    next = Infinity;
    await clock.advance(1_000);
    expect(expired).toEqual([start + 100, start + 150]);
    expect(clock.pendingTimers).toBe(0);
  });

  test('a wait without end sets no timer', () => {
    deadlines.watch(Infinity);
    expect(clock.pendingTimers).toBe(0);
  });

  test('closing cancels the timer for good', async () => {
    deadlines.watch(clock.now() + 100);
    deadlines.close();
    deadlines.watch(clock.now() + 50);
    expect(clock.pendingTimers).toBe(0);
    await clock.advance(1_000);
    expect(expired).toEqual([]);
  });

  test('an owner that closes while it expires is asked no more', async () => {
    const closing = new Deadlines(clock, () => {
      closing.close();
      return clock.now() + 10;
    });
    closing.watch(clock.now() + 10);
    await clock.advance(100);
    expect(clock.pendingTimers).toBe(0);
  });
});
