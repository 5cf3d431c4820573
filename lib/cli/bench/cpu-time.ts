import { readFileSync } from 'node:fs';

/** Of the thread that asks: nanoseconds on a processor, nanoseconds of waiting for one, and how often. */
const THREAD_TIMES = '/proc/thread-self/schedstat';

/**
 * How long this thread has run on a processor so far, in microseconds. What else a machine is busy with passes on the clock
 * of the wall and not here. Where the system does not tell of threads it is that of the whole process.
 */
export function cpuMicros(): number {
  if (process.platform === 'linux') {
    const [onProcessor] = readFileSync(THREAD_TIMES, 'latin1').split(' ');
    return Number(onProcessor) / 1000;
  }
  const { user, system } = process.cpuUsage();
  return user + system;
}
