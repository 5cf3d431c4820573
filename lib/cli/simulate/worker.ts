import { parentPort } from 'node:worker_threads';
import { simulate, type SimulationResult } from '../../testing/simulate.js';

/** What a worker is asked to run. */
export interface SimulationTask {
  readonly seed: number;
  readonly turns: number;
  readonly nodes: number;
}

/** What it answers. */
export type SimulationAnswer = { readonly ok: true; readonly result: SimulationResult } | { readonly ok: false; readonly seed: number; readonly message: string };

/** Runs one simulation after the other, each on request. */
parentPort?.on('message', (task: SimulationTask) => {
  void answer(task).then((message) => parentPort?.postMessage(message));
});

async function answer(task: SimulationTask): Promise<SimulationAnswer> {
  try {
    return { ok: true, result: await simulate(task) };
  } catch (error) {
    return { ok: false, seed: task.seed, message: error instanceof Error ? error.message : String(error) };
  }
}
