import { readFileSync } from 'node:fs';

/** Linux counts the time of processes in hundredths of a second, whatever its own clock does. */
const TICK_MICROS = 10_000;

/** The CPU time that these processes have taken, all their threads, in microseconds; null where the system does not tell. */
export function cpuMicrosOf(pids: readonly number[]): number | null {
  let ticks = 0;
  for (const pid of pids) {
    const stat = statOf(pid);
    if (stat === null) return null;
    // The name, in brackets, may have spaces in it; after it the fields are counted from the third one.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    ticks += Number(fields[11]) + Number(fields[12]); // utime and stime
  }
  return ticks * TICK_MICROS;
}

function statOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null; // no Linux, or the process is gone
  }
}
