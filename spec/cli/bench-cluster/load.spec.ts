import { Latencies } from '../../../lib/cli/bench/cluster/latencies.js';
import { closedLoop, openLoop, perSecond, type Load, type LoadClock, type Put } from '../../../lib/cli/bench/cluster/load.js';

/** Time that goes on only when everything that is due has been done. */
class FakeClock implements LoadClock {
  #now = 1000;
  readonly #timers: { readonly at: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, callback: () => void): void {
    this.#timers.push({ at: this.#now + ms, callback });
  }

  async run<T>(promise: Promise<T>): Promise<T> {
    let isDone = false;
    const done = promise.finally(() => (isDone = true));
    for (;;) {
      for (let i = 0; i < 20; i += 1) await Promise.resolve();
      if (isDone) return done;
      this.#timers.sort((a, b) => a.at - b.at);
      const next = this.#timers.shift();
      if (next === undefined) throw new Error('nothing is left that could happen');
      this.#now = next.at;
      next.callback();
    }
  }
}

describe('loads', () => {
  let clock: FakeClock;
  beforeEach(() => (clock = new FakeClock()));

  /** A store that answers after so long, and does so many at a time as it has callers. */
  const taking = (ms: number, isCommitted: () => boolean = () => true): Put => () => new Promise((resolve) => clock.after(ms, () => resolve(isCommitted())));
  const percentiles = ({ latency }: Load): number[] => [latency.p50Ms, latency.p99Ms, latency.p999Ms, latency.maxMs];

  it('a closed loop sends again when the answer is there, and counts all that was answered', async () => {
    let answers = 0;
    const put = taking(10, () => (answers += 1) % 4 !== 0);
    const load = await clock.run(closedLoop([put, put, put], 1, clock));
    expect(load).toMatchObject({ committed: 225, refused: 75, seconds: 1, latency: { count: 225 } });
    expect(answers).toBe(300);
    expect(perSecond(load)).toBe(225);
    expect(load.latency.maxMs).toBeCloseTo(10, 1);
  });

  it('an open loop sends at its rate while answers are out', async () => {
    const callers = Array.from({ length: 200 }, () => taking(50));
    const load = await clock.run(openLoop(callers, { perSecond: 2000, seconds: 1 }, clock));
    expect(load).toMatchObject({ committed: 2000, refused: 0 });
    expect(load.seconds).toBeCloseTo(1.049, 2);
    for (const ms of percentiles(load)) expect(ms).toBeCloseTo(50, 0);
  });

  it('latency counts from when a put was due, not from when a caller was free for it', async () => {
    // One caller, 10 ms for an answer, a put every 5 ms: the n-th is answered at 10 n, due at 5 (n − 1).
    const load = await clock.run(openLoop([taking(10)], { perSecond: 200, seconds: 0.5 }, clock));
    expect(load.committed).toBe(100);
    expect(load.latency.maxMs).toBeCloseTo(10 * 100 - 5 * 99, 0);
    expect(load.latency.p50Ms).toBeGreaterThan(200);
  });

  it('a stall is charged to every put that was due in it', async () => {
    let isFirst = true;
    const put: Put = () => {
      const ms = isFirst ? 500 : 1;
      isFirst = false;
      return taking(ms)();
    };
    const load = await clock.run(openLoop([put], { perSecond: 1000, seconds: 1 }, clock));
    expect(load.committed).toBe(1000);
    expect(load.latency.p50Ms).toBeGreaterThan(400); // a closed loop would report one put of 500 ms, and 1 ms for all others
  });

  it('a load fails when a put has no answer', async () => {
    const broken: Put = () => Promise.reject(new Error('the connection was closed'));
    await expect(closedLoop([taking(1), broken], 1, clock)).rejects.toThrow('the connection was closed');
    await expect(openLoop([broken], { perSecond: 10, seconds: 1 }, clock)).rejects.toThrow('the connection was closed');
    await expect(openLoop([], { perSecond: 10, seconds: 1 }, clock)).rejects.toThrow('nothing to send');
  });

  it('latencies are in order, in milliseconds, and bounded by a minute', () => {
    const latencies = new Latencies();
    for (let i = 1; i <= 1000; i += 1) latencies.add(i / 10);
    const { count, p50Ms, p99Ms, p999Ms, maxMs } = latencies.summary;
    expect(count).toBe(1000);
    for (const [is, should] of [[p50Ms, 50], [p99Ms, 99], [p999Ms, 99.9], [maxMs, 100]] as const) expect(is / should).toBeCloseTo(1, 2);
    latencies.add(1e9);
    latencies.add(0);
    expect(latencies.summary.count).toBe(1002);
    expect(latencies.summary.maxMs / 60_000).toBeCloseTo(1, 2);
  });
});
