import type { Outcome, Task } from './child-processes.js';
import { MEASUREMENTS, type JobOf, type Kind, type ResultOf } from './measurements.js';

/** One measurement in a process of its own; sends its result to the parent and ends with it. */
async function main(): Promise<void> {
  process.on('disconnect', () => process.exit(1));
  const { kind, job } = JSON.parse(process.argv[2] ?? '') as Task;
  const outcome: Outcome = { value: await carryOut(kind, job) };
  process.send?.(outcome, () => process.exit(0));
}

function carryOut<K extends Kind>(kind: K, job: JobOf<K>): Promise<ResultOf<K>> {
  const measurement = MEASUREMENTS[kind] as (job: JobOf<K>) => Promise<ResultOf<K>>;
  return measurement(job);
}

await main();
