import fc from 'fast-check';
import { Random } from '../../../lib/core/random.js';
import { checkLinearizable, keyValueModel, type KeyValueResult } from '../../../lib/testing/linearizability/index.js';
import { hasAnOrder, historyOfARealStore, type HistoryShape, type KeyValueCall } from './histories.js';

const shapes = fc.record<HistoryShape>({
  seed: fc.nat(),
  calls: fc.integer({ min: 1, max: 120 }),
  keys: fc.integer({ min: 1, max: 4 }),
  clients: fc.integer({ min: 1, max: 8 }),
  padding: fc.constantFrom(0.5, 3, 12),
  openShare: fc.constantFrom(0, 0.05, 0.25),
  values: fc.constantFrom(2, 5, Infinity),
  tellsRevisions: fc.boolean(),
});

describe('random histories', () => {
  it('of a store that does one thing at a time are accepted', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const verdict = checkLinearizable(keyValueModel, historyOfARealStore(shape));
        if (verdict.type !== 'linearizable') throw new Error(verdict.text);
      }),
      { numRuns: 400 },
    );
  });

  it('are rejected once a read gives a value that was never written', () => {
    fc.assert(
      fc.property(shapes, fc.nat(), (shape, choice) => {
        const calls = historyOfARealStore(shape);
        const reads = calls.filter(({ operation, outcome }) => operation.type === 'get' && outcome.type === 'returned');
        const victim = reads[choice % Math.max(1, reads.length)];
        fc.pre(victim !== undefined);
        const verdict = checkLinearizable(keyValueModel, calls.map((call) => (call === victim ? withResult(call, { type: 'entry', entry: { value: 'never' } }) : call)));
        expect(verdict).toMatchObject({ type: 'not linearizable', culprit: { client: victim?.client, start: victim?.start } });
      }),
      { numRuns: 200 },
    );
  });

  it('are judged as by trying every order', () => {
    let good = 0;
    let bad = 0;
    for (let seed = 1; seed <= 5000; seed += 1) {
      const calls = disturbed(seed);
      const expected = hasAnOrder(keyValueModel, calls);
      const verdict = checkLinearizable(keyValueModel, calls, { maxShrinkSteps: seed % 10 === 0 ? 1000 : 0 });
      if (expected) good += 1;
      else bad += 1;
      if ((verdict.type === 'linearizable') !== expected) throw new Error(`seed ${seed}: ${verdict.text}\n${JSON.stringify(calls, null, 1)}`);
      if (verdict.type === 'not linearizable' && hasAnOrder(keyValueModel, verdict.calls)) throw new Error(`seed ${seed}: made small, the history has an order`);
    }
    
    expect(good).toBeGreaterThan(1000);
    expect(bad).toBeGreaterThan(1000);
  });
});

/** A short history of one key with things wrong: answers of two calls change places, are lost or never heard, calls move in time. */
function disturbed(seed: number): KeyValueCall[] {
  const random = new Random(seed);
  const whole = (bound: number): number => Math.floor(random.next() * bound);
  let calls = historyOfARealStore({ seed, calls: 3 + whole(5), keys: 1, clients: 4, padding: 1 + whole(4), openShare: 0.3, values: 3, tellsRevisions: random.next() < 0.5 });
  for (let i = 0; i < 4; i += 1) calls = disturb(calls);
  return calls;

  function disturb(before: readonly KeyValueCall[]): KeyValueCall[] {
    const call = before[whole(before.length)];
    if (call === undefined || call.outcome.type === 'open') return [...before];
    const { start, operation, outcome } = call;
    const twin = before.find((other) => other !== call && other.operation.type === operation.type && other.outcome.type === 'returned')?.outcome;
    const moved = 10 * random.next() - 5;
    const begins = Math.max(0, start + moved);
    const changes: KeyValueCall[] = [
      { ...call, outcome: { ...(twin?.type === 'returned' ? twin : outcome), at: outcome.at } },
      { ...call, outcome: { type: 'open' } },
      { ...call, outcome: { type: 'open', until: outcome.at } },
      { ...call, outcome: { ...outcome, at: Infinity } },
      { ...call, start: begins, outcome: { ...outcome, at: Math.max(begins, outcome.at + moved) } },
    ];
    const changed = changes[[0, 0, 0, 1, 2, 3, 4, 4, 4][whole(9)] ?? 0] ?? call;
    return before.map((other) => (other === call ? changed : other));
  }
}

function withResult(call: KeyValueCall, result: KeyValueResult): KeyValueCall {
  return call.outcome.type === 'returned' ? { ...call, outcome: { ...call.outcome, result } } : call;
}
