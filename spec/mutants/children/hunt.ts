/**
 * Simulates seed after seed until one breaks an invariant; prints as JSON which one did and what it said, or that all held.
 * Arguments: how many seeds, how many turns each, and what their plan must be, as JSON.
 */
import { simulate, SimulationError } from '../../../lib/testing/simulate.js';
import type { SimulationPlan } from '../../../lib/testing/simulation/plan.js';

const [seeds, turns] = process.argv.slice(2, 4).map(Number) as [number, number];
const plan = JSON.parse(process.argv[4] ?? '{}') as Partial<SimulationPlan>;
const NODES = [3, 5, 4];

async function hunt(): Promise<{ readonly seed: number; readonly said: string } | null> {
  for (let seed = 1; seed <= seeds; seed += 1) {
    try {
      await simulate({ seed, turns, plan, nodes: NODES[seed % NODES.length] ?? 3 });
    } catch (error) {
      if (!(error instanceof SimulationError)) throw error;
      return { seed, said: error.message.split('\n', 1)[0] ?? '' };
    }
  }
  return null;
}

// A loop of promises that a mutant never ends must end with the verdict, not with the test's patience.
process.stdout.write(JSON.stringify(await hunt()));
process.exit(0);
