import { parentPort } from 'node:worker_threads';
import { shrink } from '../../testing/shrink.js';
import { simulate, SimulationError, type SimulationResult } from '../../testing/simulate.js';
import type { FaultName } from '../../testing/simulation/fault-names.js';

/** What a worker is asked to run. */
export interface SimulationTask {
  readonly seed: number;
  readonly turns: number;
  readonly nodes: number;
  /** Faults that may occur, in place of those that the seed draws; null for these. */
  readonly faults: readonly FaultName[] | null;
  /** What is left out. */
  readonly skip: readonly string[];
  /** How many runs may go into making a failure small. */
  readonly shrinkRuns: number;
}

/** A failure, as small as it got. */
export interface SimulationFailure {
  readonly ok: false;
  readonly task: SimulationTask;
  /** What was broken in which turn, how to replay it and what led there, message by message. */
  readonly message: string;
  /** The same without the messages, from the beginning. */
  readonly story: readonly string[];
  /** The smallest task that fails in the same way. */
  readonly smallest: SimulationTask;
}

/** What it answers. */
export type SimulationAnswer = { readonly ok: true; readonly result: SimulationResult } | SimulationFailure;

/** Runs one simulation after the other, each on request. */
parentPort?.on('message', (task: SimulationTask) => {
  void answer(task).then((message) => parentPort?.postMessage(message));
});

async function answer(task: SimulationTask): Promise<SimulationAnswer> {
  const { seed, turns, nodes, faults, skip, shrinkRuns } = task;
  const options = { seed, turns, nodes, skip, ...(faults === null ? {} : { plan: { faults } }) };
  try {
    return { ok: true, result: await simulate(options) };
  } catch (error) {
    if (!(error instanceof SimulationError)) return { ok: false, task, message: error instanceof Error ? String(error.stack) : String(error), story: [], smallest: task };
    const small = shrinkRuns === 0 ? null : await shrink(options, { maxRuns: shrinkRuns });
    const { message, story } = small?.error ?? error;
    const { nodes: fewest = nodes, turns: fewestTurns = turns, skip: all = skip } = small?.options ?? {};
    return { ok: false, task, message, story, smallest: { ...task, nodes: fewest, turns: fewestTurns, skip: all } };
  }
}
