import { crossing } from './crossing.js';
import { depthCosts } from './operator-depth.js';
import { durableAppend } from './durable-append.js';
import { isolatedRate } from './isolated.js';
import { logGrowth } from './log-growth.js';
import { memoryOverTime } from './memory.js';
import { clusterRate, ratesWithCeilings } from './proposals.js';
import { buildLog, startOnLog } from './replay.js';

/** Everything that is measured, by name. Each measurement has a process of its own: none is warmed or littered by another. */
export const MEASUREMENTS = {
  append: durableAppend,
  buildLog,
  ceilings: ratesWithCeilings,
  cluster: clusterRate,
  crossing,
  depth: depthCosts,
  isolated: isolatedRate,
  logGrowth,
  memory: memoryOverTime,
  startOnLog,
};

export type Kind = keyof typeof MEASUREMENTS;
export type JobOf<K extends Kind> = Parameters<(typeof MEASUREMENTS)[K]>[0];
export type ResultOf<K extends Kind> = Awaited<ReturnType<(typeof MEASUREMENTS)[K]>>;

/** Carries a measurement out, wherever that is. */
export type Measure = <K extends Kind>(kind: K, job: JobOf<K>) => Promise<ResultOf<K>>;
