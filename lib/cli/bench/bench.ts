import type { Measure } from './measurements.js';

/** How much is measured. */
export interface BenchSize {
  /** Runs of each measurement; the median is reported. */
  readonly runs: number;
  /** Proposals a run; half of it with one proposer. */
  readonly total: number;
  /** Proposals of the memory measurement. */
  readonly proposals: number;
  /** Entries of the long logs. */
  readonly entries: number;
  /** How long each load lasts on the cluster of processes. */
  readonly seconds: number;
}

/** What a part of the suite works with. */
export interface Bench extends BenchSize {
  /** For files that need not outlive the run. */
  readonly directory: string;
  readonly measure: Measure;
  /** Tells whoever waits. */
  readonly progress: (line: string) => void;
  /** Does something `runs` times over, and tells when it is done. */
  readonly repeat: <T>(what: string, once: (run: number) => Promise<T>) => Promise<T[]>;
}

export function createBench(size: BenchSize, directory: string, measure: Measure, progress: (line: string) => void): Bench {
  const repeat = async <T>(what: string, once: (run: number) => Promise<T>): Promise<T[]> => {
    const startedAt = performance.now();
    const results: T[] = [];
    for (let run = 0; run < size.runs; run += 1) results.push(await once(run));
    progress(`${what}: ${size.runs} ${size.runs === 1 ? 'run' : 'runs'} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
    return results;
  };
  return { ...size, directory, measure, progress, repeat };
}
