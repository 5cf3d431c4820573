import { Latencies, type LatencySummary } from './latencies.js';

/** Writes a value and waits for the answer; whether it was committed. Rejects when there is no answer. */
export type Put = () => Promise<boolean>;

/** What came of a load. */
export interface Load {
  /** Puts that were answered: committed ones, whose latency is known, and refused ones. */
  readonly committed: number;
  readonly refused: number;
  readonly seconds: number;
  readonly latency: LatencySummary;
  /** CPU time of the processes of the store for each put; absent where it is not known. */
  readonly cpuMicros?: number;
}

/** Time in milliseconds: the machine's, or a test's. */
export interface LoadClock {
  now(): number;
  after(ms: number, callback: () => void): void;
}

export const machineClock: LoadClock = {
  now: () => performance.now(),
  after: (ms, callback) => void setTimeout(callback, ms),
};

/** Counts what is answered. */
class Count {
  readonly #latencies = new Latencies();
  #refused = 0;

  note(isCommitted: boolean, ms: number): void {
    if (isCommitted) this.#latencies.add(ms);
    else this.#refused += 1;
  }

  over(ms: number): Load {
    const { summary } = this.#latencies;
    return { committed: summary.count, refused: this.#refused, seconds: ms / 1000, latency: summary };
  }
}

export function perSecond(load: Load): number {
  return load.committed / load.seconds;
}

/** Every caller puts, waits for the answer and puts again, for so long. Rejects when one of them does. */
export async function closedLoop(callers: readonly Put[], seconds: number, clock: LoadClock = machineClock): Promise<Load> {
  const count = new Count();
  const startedAt = clock.now();
  const endsAt = startedAt + seconds * 1000;
  const call = async (put: Put): Promise<void> => {
    for (let sentAt = clock.now(); sentAt < endsAt; ) {
      const isCommitted = await put();
      const answeredAt = clock.now();
      count.note(isCommitted, answeredAt - sentAt);
      sentAt = answeredAt;
    }
  };
  await Promise.all(callers.map(call));
  return count.over(clock.now() - startedAt);
}

/**
 * Puts come at a fixed rate, whether or not earlier ones are answered; one for which no caller is free waits. Its latency counts
 * from the moment at which it should have been sent: a store that stalls is charged for every put that the stall held up, not
 * only for those that it had in hand ("coordinated omission"). Timers are no finer than a millisecond, so those of one
 * millisecond are due together, at its beginning. Resolves once all are answered.
 */
export function openLoop(callers: readonly Put[], rate: { readonly perSecond: number; readonly seconds: number }, clock: LoadClock = machineClock): Promise<Load> {
  const total = Math.round(rate.perSecond * rate.seconds);
  const count = new Count();
  const free = [...callers];
  const startedAt = clock.now();
  const dueAt = (put: number): number => startedAt + Math.floor((put * 1000) / rate.perSecond);
  let next = 0;
  let answered = 0;
  return new Promise((resolve, reject) => {
    if (total === 0 || callers.length === 0) return reject(new Error(`nothing to send: ${total} puts, ${callers.length} callers`));
    const send = (put: Put, due: number): void => {
      put().then((isCommitted) => {
        const now = clock.now();
        count.note(isCommitted, now - due);
        answered += 1;
        if (answered === total) return resolve(count.over(now - startedAt));
        if (next < total && dueAt(next) <= now) send(put, dueAt(next++));
        else free.push(put);
      }, reject);
    };
    const tick = (): void => {
      const now = clock.now();
      while (next < total && dueAt(next) <= now) {
        const put = free.pop();
        if (put === undefined) break;
        send(put, dueAt(next++));
      }
      if (next < total) clock.after(Math.max(1, dueAt(next) - now), tick);
    };
    tick();
  });
}
