import { settled, VirtualClock } from '../../lib/testing/virtual-clock.js';

describe('VirtualClock', () => {
  test('callbacks run in the order of their times, and of the calls where these are equal', async () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    for (const [name, delayMs] of [['c', 5], ['a', 1], ['d', 5], ['b', 2.5]] as const) clock.schedule(delayMs, () => ran.push(`${name} at ${clock.now()}`));
    await clock.advance(10);
    expect(ran).toEqual(['a at 1', 'b at 2.5', 'c at 5', 'd at 5']);
    expect(clock.now()).toBe(10);
  });

  test('time stands still until it is moved, and wall time goes with it', async () => {
    const clock = new VirtualClock({ wallTimeAtStart: 1_000_000 });
    await settled();
    expect([clock.now(), clock.wallTime()]).toEqual([0, 1_000_000]);
    await clock.advance(1.5);
    expect([clock.now(), clock.wallTime()]).toEqual([1.5, 1_000_001.5]);
  });

  test('a cancelled callback does not run, though its time has come', async () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    const cancel = clock.schedule(1, () => ran.push('cancelled'));
    clock.schedule(1, () => ran.push('kept'));
    cancel();
    await clock.advance(2);
    expect(ran).toEqual(['kept']);
    expect(clock.nextAt).toBe(Infinity);
  });

  test('yield comes back at the same instant, after what is due at it already', async () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    clock.schedule(3, () => {
      clock.yield(() => ran.push(`yielded at ${clock.now()}`));
      ran.push('first');
    });
    clock.schedule(3, () => ran.push('second'));
    await clock.advance(3);
    expect(ran).toEqual(['first', 'second', 'yielded at 3']);
  });

  test('promises are settled before the next callback runs', async () => {
    const clock = new VirtualClock();
    const ran: string[] = [];
    clock.schedule(1, () => void Promise.resolve().then(() => Promise.resolve()).then(() => ran.push('promised')));
    clock.schedule(1, () => ran.push('next'));
    await clock.advance(1);
    expect(ran).toEqual(['promised', 'next']);
  });

  test('with a granularity everything falls due on its multiples', async () => {
    const clock = new VirtualClock({ granularityMs: 5 });
    const ran: number[] = [];
    for (const delayMs of [0, 1, 5, 5.1]) clock.schedule(delayMs, () => ran.push(clock.now()));
    await clock.advance(20);
    expect(ran).toEqual([0, 5, 5, 10]);
  });

  test('a thousand callbacks come in order, whatever the order in which they were scheduled', async () => {
    const clock = new VirtualClock();
    const ran: number[] = [];
    for (let i = 0; i < 1000; i += 1) clock.schedule((i * 7919) % 1000, () => ran.push(clock.now()));
    while (clock.runNext());
    expect(ran).toEqual(Array.from({ length: 1000 }, (_, i) => i));
  });
});
