import { coverageOf } from '../../../lib/cli/simulate/coverage.js';
import { commandFor, parseFlags } from '../../../lib/cli/simulate/options.js';
import { FAULT_NAMES } from '../../../lib/testing/simulation/fault-names.js';
import { OPERATION_NAMES } from '../../../lib/testing/simulation/operation-names.js';
import { emptyCounts } from '../../../lib/testing/simulation/report.js';

describe('the command that replays a failure', () => {
  test.each([
    [{ faults: null, skip: [] }, 'npm run simulate -- --seeds 1 --seed 7 --turns 30 --nodes 3 --shrink 0'],
    [{ faults: ['crash', 'power cut'] as const, skip: ['add', 'f3-9', 'c1'] }, 'npm run simulate -- --seeds 1 --seed 7 --turns 30 --nodes 3 --faults "crash,power cut" --skip "add,f3-9,c1" --shrink 0'],
    [{ faults: [], skip: ['calls'] }, 'npm run simulate -- --seeds 1 --seed 7 --turns 30 --nodes 3 --faults "none" --skip "calls" --shrink 0'],
  ])('names all that matters, and is read back as what it was: %j', (circumstances, command) => {
    const flags = { seed: 7, turns: 30, nodes: 3, ...circumstances };
    expect(commandFor(flags)).toBe(command);
    const args = [...command.replace('npm run simulate -- ', '').matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
    expect(parseFlags(args)).toMatchObject({ seeds: 1, shrinkRuns: 0, ...flags });
  });

  test('is refused with a sentence when a fault or an operation is none', () => {
    expect(() => parseFlags(['--faults', 'crahs'])).toThrow('--faults: "crahs" is none of partition, ');
    expect(() => parseFlags(['--skip', 'f1,crahs'])).toThrow('--skip: skip is "crahs"; it must be a fault');
  });
});

test('what was never met is named, but for what a simulation can\'t reach', () => {
  const counts = emptyCounts();
  for (const name of FAULT_NAMES) if (name !== 'crash') counts.faults[name] = 1;
  for (const name of OPERATION_NAMES) counts.operations[name] = 1;
  const { unmet } = coverageOf(counts);
  expect(unmet.filter(({ withinSeeds }) => withinSeeds > 300).map(({ name }) => name)).toEqual(['LearnerHeldBack']);
  const missing = unmet.map(({ words }) => words);
  expect(missing).toEqual(expect.arrayContaining(['the fault "crash"', 'RoleChanged', 'SessionExpired']));
  expect(missing).not.toContain('MessageRejected');
});
