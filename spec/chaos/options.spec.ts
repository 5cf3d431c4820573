import { FAULT_KINDS } from '../../lib/cli/chaos/fault-kinds.js';
import { commandFor, parseFlags } from '../../lib/cli/chaos/options.js';
import { defined } from '../support/defined.js';

describe('the options of npm run chaos', () => {
  it('have defaults: three nodes, five minutes, every fault', () => {
    expect(parseFlags([])).toMatchObject({ nodes: 3, minutes: 5, rounds: null, faults: FAULT_KINDS, json: false, keep: false });
  });

  it('take a time or a number of rounds', () => {
    expect(parseFlags(['--minutes', '0.5'])).toMatchObject({ minutes: 0.5, rounds: null });
    expect(parseFlags(['--rounds', '2', '--nodes', '5', '--faults', 'kill,pause', '--seed', '9'])).toMatchObject({ minutes: null, rounds: 2, nodes: 5, faults: ['kill', 'pause'], seed: 9 });
    expect(parseFlags(['--help'])).toBeNull();
  });

  it('are told again by the command that plans the same faults', () => {
    for (const args of [['--minutes', '0.5', '--seed', '1'], ['--rounds', '2', '--nodes', '5', '--faults', 'kill,pause', '--seed', '9', '--clients', '3', '--rate', '50']]) {
      const flags = defined(parseFlags(args) ?? undefined);
      expect(parseFlags(commandFor(flags).replace('npm run chaos -- ', '').split(' '))).toEqual(flags);
    }
  });

  it.each([
    [['--minutes', '1', '--rounds', '1'], 'give --minutes or --rounds, not both'],
    [['--minutes', '0'], '--minutes: "0" is no number of minutes'],
    [['--nodes', '4'], '--nodes: 4 is even'],
    [['--nodes', '1'], '--nodes: "1" is not an integer from 3 to 9'],
    [['--faults', 'kill,flood'], '--faults: "flood" is no kind of fault'],
  ])('that are wrong are refused with a sentence: %j', (args, sentence) => {
    expect(() => parseFlags(args)).toThrow(sentence);
  });
});
