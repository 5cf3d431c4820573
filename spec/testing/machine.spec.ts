import type { Committed, StateMachine } from '../../lib/ports/state-machine.js';
import { simulate, SimulationError, type SimulationOptions } from '../../lib/testing/simulate.js';
import type { Dice } from '../../lib/testing/simulation/dice.js';
import { addCounts, emptyCounts } from '../../lib/testing/simulation/report.js';
import type { SimulatedMachine } from '../../lib/testing/simulation/simulated-machine.js';

jest.setTimeout(120_000);

/** Adds up, and answers with the sum. */
class Adder implements StateMachine<number, number, 'sum', number> {
  protected sum = 0;

  apply(batch: readonly Committed<number>[]): number[] {
    return batch.map(({ command }) => (this.sum += command));
  }

  query(): number {
    return this.sum;
  }

  snapshot(): AsyncIterable<Uint8Array> {
    const bytes = new TextEncoder().encode(String(this.sum)); // now: a generator would look only when it is read
    return (async function* () {
      yield bytes;
    })();
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    let text = '';
    for await (const chunk of chunks) text += new TextDecoder().decode(chunk);
    this.sum = Number(text);
  }

  reset(): void {
    this.sum = 0;
  }
}

const adding: SimulatedMachine<number, number, 'sum', number> = {
  create: () => new Adder(),
  nextCommand: (dice: Dice) => dice.whole(1, 1000),
  nextQuery: () => 'sum',
};

describe('a simulation of a machine with sessions', () => {
  test('holds every answer against the log and the history of all keys against their model, under faults', async () => {
    const counts = emptyCounts();
    for (let seed = 1; seed <= 12; seed += 1) addCounts(counts, (await simulate({ seed, turns: 1000, plan: { workload: 'key-value', roamingClients: 2 } })).counts);
    for (const name of ['propose acknowledged', 'propose in session acknowledged', 'roaming command acknowledged', 'read served, linearizable', 'closeSession done']) {
      expect([name, (counts.calls[name] ?? 0) > 20]).toEqual([name, true]);
    }
    expect(Object.keys(counts.events)).toEqual(expect.arrayContaining(['SessionOpened', 'SessionExpired', 'SessionClosed']));
  });

  test('is the same in every detail when it is run again', async () => {
    const options: SimulationOptions = { seed: 3, turns: 400, plan: { workload: 'key-value' } };
    expect(await simulate(options)).toEqual(await simulate(options));
  });

  test('takes a machine of the user\'s, with or without queries', async () => {
    for (let seed = 1; seed <= 4; seed += 1) {
      await expect(simulate({ seed, turns: 500, machine: adding })).resolves.toMatchObject({ seed });
      await expect(simulate({ seed, turns: 300, machine: { create: () => new Adder(), nextCommand: (dice: Dice) => dice.whole(1, 9) } })).resolves.toMatchObject({ seed });
    }
  });
});

describe('a simulation of a machine fails', () => {
  test('when the machine is not deterministic', async () => {
    let applied = 0;
    class Counting extends Adder {
      override apply(batch: readonly Committed<number>[]): number[] {
        return super.apply(batch).map((sum) => sum + (applied++ % 2));
      }
    }
    expect(await failureOf({ machine: { ...adding, create: () => new Counting() } })).toContain('every server gives the same results: n');
  });

  test('when all servers are wrong in the same way after a restore', async () => {
    class Forgetful extends Adder {
      override restore(): Promise<void> {
        this.sum = 0;
        return Promise.resolve();
      }
    }
    expect(await failureOf({ machine: { ...adding, create: () => new Forgetful() }, turns: 1000 })).toMatch(/every server gives the same results|the machine is deterministic|reads see all earlier writes/);
  });

  test('when a snapshot shows what was applied after it was asked for', async () => {
    class Lazy extends Adder {
      override async *snapshot(): AsyncGenerator<Uint8Array> {
        yield new TextEncoder().encode(String(this.sum));
      }
    }
    expect(await failureOf({ machine: { ...adding, create: () => new Lazy() }, plan: { workload: 'key-value', applyLatencyMs: null, snapshot: { paddingBytes: [0, 0], chunkBytes: 100, chunkDelayMs: [5, 30] } } })).toMatch(/every server gives the same results|the machine is deterministic/);
  });

  test('when a read is answered from the past', async () => {
    class Late extends Adder {
      #before = 0;
      override apply(batch: readonly Committed<number>[]): number[] {
        this.#before = this.sum;
        return super.apply(batch);
      }
      override query(): number {
        return this.#before;
      }
    }
    expect(await failureOf({ machine: { ...adding, create: () => new Late() } })).toContain('reads see all earlier writes (thesis §6.4): n');
  });

  test('when the history contradicts the model', async () => {
    // A model that thinks that nothing is ever more than a thousand.
    const model = {
      initial: 0,
      step: (state: number, operation: number | 'sum', result: number) => (operation === 'sum' ? (result === state ? state : undefined) : state + operation === result && result < 1000 ? result : undefined),
      stepOpen: (state: number, operation: number | 'sum') => (operation === 'sum' ? undefined : state + operation),
      identify: String,
    };
    expect(await failureOf({ machine: { ...adding, model } })).toMatch(/histories are linearizable: not linearizable: \d+ of \d+ calls have no order/);
  });

  test('when the machine throws, which is fatal to the node', async () => {
    class Throwing extends Adder {
      override apply(batch: readonly Committed<number>[]): number[] {
        if (this.sum > 20_000) throw new Error('too much');
        return super.apply(batch);
      }
    }
    expect(await failureOf({ machine: { ...adding, create: () => new Throwing() } })).toMatch(/failed without an injected fault: \w+: .*too much/);
  });
});

/** What the first of a few seeds that fails says. */
async function failureOf<C, R, Q, A>(options: Omit<SimulationOptions<C, R, Q, A>, 'seed'>): Promise<string> {
  for (let seed = 1; seed <= 10; seed += 1) {
    try {
      await simulate({ seed, turns: 500, ...options });
    } catch (error) {
      if (error instanceof SimulationError) return error.message;
      throw error;
    }
  }
  throw new Error('every run held');
}
