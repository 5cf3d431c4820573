import { existsSync } from 'node:fs';
import { cpuMicrosOf } from '../../../lib/cli/bench/cluster/cpu-time.js';

describe('the CPU time of processes', () => {
  const onLinux = existsSync('/proc/self/stat') ? it : it.skip;

  onLinux('is that of all of them', () => {
    const before = cpuMicrosOf([process.pid]) ?? NaN;
    const own = process.cpuUsage();
    while (process.cpuUsage(own).user < 50_000); // busy, however long that takes
    expect((cpuMicrosOf([process.pid]) ?? NaN) - before).toBeGreaterThanOrEqual(30_000);
    expect(cpuMicrosOf([process.pid, process.pid])).toBeGreaterThanOrEqual(2 * before);
    expect(cpuMicrosOf([])).toBe(0);
  });

  it('is not known of a process that is gone', () => {
    expect(cpuMicrosOf([process.pid, 2 ** 30])).toBeNull();
  });
});
