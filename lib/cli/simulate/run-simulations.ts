import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { addCounts, emptyCounts, type SimulationCounts } from '../../testing/simulation/report.js';
import type { SimulateFlags } from './options.js';
import type { SimulationAnswer, SimulationFailure, SimulationTask } from './worker.js';

export interface Tally {
  runs: number;
  turns: number;
  committed: number;
  virtualMs: number;
  readonly counts: SimulationCounts;
  readonly failures: SimulationFailure[];
}

/** More would only repeat the same fault. */
const MAX_FAILURES = 10;
/** So many are made small. */
const MAX_SHRUNK = 3;

/** Runs every seed, several at a time in worker threads; stops early when too many fail. */
export async function runSimulations(flags: SimulateFlags, worker: URL, onProgress: (tally: Tally) => void): Promise<Tally> {
  const tally: Tally = { runs: 0, turns: 0, committed: 0, virtualMs: 0, counts: emptyCounts(), failures: [] };
  let next = 0;
  const takeTask = (): SimulationTask | null => {
    if (next >= flags.seeds || tally.failures.length >= MAX_FAILURES) return null;
    const { turns, nodes, faults, skip } = flags;
    // Each takes many runs, and one is looked at first.
    const shrinkRuns = tally.failures.length < MAX_SHRUNK ? flags.shrinkRuns : 0;
    return { seed: flags.seed + next++, turns, nodes, faults, skip, shrinkRuns };
  };
  const onAnswer = (answer: SimulationAnswer): void => {
    add(tally, answer);
    onProgress(tally);
  };
  const jobs = Math.min(flags.jobs, flags.seeds);
  await Promise.all(Array.from({ length: jobs }, () => work(new Worker(worker), takeTask, onAnswer)));
  return tally;
}

async function work(worker: Worker, takeTask: () => SimulationTask | null, onAnswer: (answer: SimulationAnswer) => void): Promise<void> {
  try {
    for (let task = takeTask(); task !== null; task = takeTask()) onAnswer(await ask(worker, task));
  } finally {
    await worker.terminate();
  }
}

async function ask(worker: Worker, task: SimulationTask): Promise<SimulationAnswer> {
  worker.postMessage(task);
  // Rejects when the worker emits an error first.
  const [answer] = (await once(worker, 'message')) as [SimulationAnswer];
  return answer;
}

function add(tally: Tally, answer: SimulationAnswer): void {
  tally.runs += 1;
  if (!answer.ok) {
    tally.failures.push(answer);
    return;
  }
  const { turns, committed, virtualMs, counts } = answer.result;
  tally.turns += turns;
  tally.committed += committed;
  tally.virtualMs += virtualMs;
  addCounts(tally.counts, counts);
}
