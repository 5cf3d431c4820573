import { appendReport } from './append-report.js';
import type { Bench } from './bench.js';
import { isolateReport } from './isolate-report.js';
import { memoryReport } from './memory-report.js';
import { proposalsReport } from './proposals-report.js';
import { replayReport } from './replay-report.js';
import { reporterReport } from './reporter-report.js';
import type { Report } from './report.js';
import { scalingReport } from './scaling-report.js';

/** A part of the suite, chosen by its name. */
export interface Part {
  readonly name: string;
  readonly title: string;
  /** How long it takes with five runs of the default size on a quiet machine of two cores. */
  readonly minutes: number;
  readonly run: (bench: Bench) => Promise<Report>;
}

/** In the order in which they run and are shown. */
export const PARTS: readonly Part[] = [
  { name: 'proposals', title: 'Proposals in one process', minutes: 3, run: proposalsReport },
  { name: 'reporter', title: 'The cost of observing', minutes: 3, run: reporterReport },
  { name: 'append', title: 'Durable appends', minutes: 1, run: appendReport },
  { name: 'replay', title: 'Starting on a long log', minutes: 1, run: replayReport },
  { name: 'memory', title: 'Memory over time', minutes: 2, run: memoryReport },
  { name: 'scaling', title: 'Scaling', minutes: 4, run: scalingReport },
  { name: 'isolate', title: 'Isolated nodes', minutes: 2, run: isolateReport },
  { name: 'cluster', title: 'A durable cluster of three processes', minutes: 15, run: clusterPart },
];

/** It looks for programs beside its own file, and is loaded when it is asked for. */
async function clusterPart({ runs, seconds, directory, progress }: Bench): Promise<Report> {
  const { clusterReport } = await import('./cluster/cluster-report.js');
  return clusterReport({ runs, seconds, out: directory, progress });
}
