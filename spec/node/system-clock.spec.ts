import { systemClock } from '../../lib/node/system-clock.js';

describe('systemClock', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  test('time is monotonic and wall time is the machine\'s', () => {
    const before = systemClock.now();
    jest.advanceTimersByTime(10);
    expect(systemClock.now() - before).toBe(10);
    expect(systemClock.wallTime()).toBe(Date.now());
  });

  test('a timer fires once, never before its time, fractions rounded up', () => {
    const fired = jest.fn();
    systemClock.schedule(10.2, fired);
    jest.advanceTimersByTime(10);
    expect(fired).not.toHaveBeenCalled();
    jest.advanceTimersByTime(1);
    expect(fired).toHaveBeenCalledTimes(1);
    jest.advanceTimersByTime(100);
    expect(fired).toHaveBeenCalledTimes(1);
  });

  test.each([-5, 0])('a delay of %d fires as soon as it can', (delayMs) => {
    const fired = jest.fn();
    systemClock.schedule(delayMs, fired);
    jest.advanceTimersByTime(1);
    expect(fired).toHaveBeenCalledTimes(1);
  });

  test.each([Infinity, 2 ** 40])('a delay of %d does not wrap round to now', (delayMs) => {
    const fired = jest.fn();
    const cancel = systemClock.schedule(delayMs, fired);
    jest.advanceTimersByTime(60_000);
    expect(fired).not.toHaveBeenCalled();
    cancel();
    expect(jest.getTimerCount()).toBe(0);
  });

  test('a cancelled timer does not fire', () => {
    const fired = jest.fn();
    systemClock.schedule(10, fired)();
    jest.advanceTimersByTime(100);
    expect(fired).not.toHaveBeenCalled();
  });

  test('yield comes back after the promises and what I/O is waiting', async () => {
    jest.useRealTimers();
    const order: string[] = [];
    const yielded = new Promise<void>((resolve) =>
      systemClock.yield(() => {
        order.push('yield');
        resolve();
      }),
    );
    await Promise.resolve().then(() => order.push('promise'));
    await yielded;
    expect(order).toEqual(['promise', 'yield']);
  });
});
