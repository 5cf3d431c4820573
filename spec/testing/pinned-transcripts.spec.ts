import { simulate, type SimulationOptions } from '../../lib/testing/simulate.js';
import { FAULT_NAMES } from '../../lib/testing/simulation/fault-names.js';

jest.setTimeout(60_000);

/**
 * The hash of everything that happens in a run: every message, write and event of every turn, every answer to a client.
 *
 * A change to the protocol, to what events and messages hold (the order of their fields counts), to how a node cuts its work into
 * turns (`MAX_BUSY_MS`, `LINGER_MICROTASKS`), or to what a simulation does changes it, and is the one reason to write down another. A change that is to make something faster, or clearer, must
 * not: then ask what became different. Neither may the machine, its load or its Node.js, of which 20, 22 and 24 were compared.
 */
const PINNED: readonly (SimulationOptions & { readonly digest: string; readonly committed: number })[] = [
  { seed: 11, turns: 500, plan: { workload: 'journal' }, digest: '089dedff8916cf90', committed: 994 },
  { seed: 12, turns: 500, plan: { workload: 'key-value', faults: FAULT_NAMES, faultGapMs: [0, 60] }, digest: 'e23905890c13d0fb', committed: 22 },
  { seed: 16, turns: 500, plan: { workload: 'key-value', roamingClients: 3 }, digest: '8162bde9a17b1a0d', committed: 322 },
];

test.each(PINNED)('seed $seed is, byte for byte, what it was when this was written, on any machine', async ({ digest, committed, ...options }) => {
  const result = await simulate(options);
  expect({ digest: result.digest, committed: result.committed }).toEqual({ digest, committed });
});
