import type { Committed, StateMachine } from '../../lib/ports/state-machine.js';
import { stateMachineSuite } from '../../lib/testing/state-machine-suite.js';

/** Adds numbers; a result is the sum so far. Its faults are what the suite is to find. */
class Adder implements StateMachine<number, number, 'sum', number> {
  protected sum = 0;
  apply(batch: readonly Committed<number>[]): number[] {
    return batch.map(({ command }) => (this.sum += command));
  }
  query(): number {
    return this.sum;
  }
  snapshot(): AsyncIterable<Uint8Array> {
    const text = String(this.sum);
    return (async function* () {
      for (const character of text) yield await Promise.resolve(Buffer.from(character));
    })();
  }
  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    let text = '';
    for await (const chunk of chunks) text += Buffer.from(chunk).toString();
    this.sum = Number(text);
  }
  reset(): void {
    this.sum = 0;
  }
}

const commands = [5, -3, 100, 7, 11];
const suiteOf = (create: () => Adder) => stateMachineSuite({ create, commands, queries: ['sum' as const] });

describe('stateMachineSuite on a good machine', () => {
  for (const { name, run } of suiteOf(() => new Adder())) it(name, run);
  for (const { name, run } of stateMachineSuite({ create: () => new Adder(), commands })) it(`${name} (without queries)`, run);
  for (const { name, run } of stateMachineSuite({ create: () => new Adder(), commands, queries: ['sum' as const], snapshotsMayDiffer: true })) it(`${name} (by queries alone)`, run);
});

describe('stateMachineSuite finds', () => {
  let made = 0;
  const faulty: [string, () => Adder, RegExp][] = [
    ['results that depend on the machine', () => { made += 1; const own = made; return new (class extends Adder { override apply = (batch: readonly Committed<number>[]) => super.apply(batch).map((sum) => sum + own); })(); }, /same results/],
    ['a missing result', () => new (class extends Adder { override apply = (batch: readonly Committed<number>[]) => super.apply(batch).slice(1); })(), /one result for each/],
    ['a dependence on the batch', () => new (class extends Adder { override apply = (batch: readonly Committed<number>[]) => super.apply(batch).map((sum) => sum + batch.length); })(), /batched/],
    ['a query that changes the state', () => new (class extends Adder { override query = () => (this.sum += 1); })(), /looking at the state/],
    ['a snapshot that is taken when it is read', () => new (class extends Adder {
      override snapshot = () => this.lazily();
      async *lazily(): AsyncIterable<Uint8Array> { yield await Promise.resolve(Buffer.from(String(this.sum))); }
    })(), /moment of the call/],
    ['a restore that adds to what is there', () => new (class extends Adder {
      override async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> { const before = this.sum; await super.restore(chunks); this.sum += before; }
    })(), /replaces whatever was there/],
    ['a restore that reads one chunk', () => new (class extends Adder {
      override async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> { for await (const chunk of chunks) { this.sum = Number(Buffer.from(chunk).toString()); return; } }
    })(), /pieces of any size/],
    ['a reset that does nothing', () => new (class extends Adder { override reset = () => undefined; })(), /reset machine/],
  ];
  it.each(faulty)('%s', async (_name, create, found) => {
    const broken: string[] = [];
    for (const { name, run } of suiteOf(create)) await run().catch(() => broken.push(name));
    expect(broken.filter((name) => found.test(name))).toHaveLength(1);
  });

  it('a fixture that proves nothing', () => {
    expect(() => stateMachineSuite({ create: () => new Adder(), commands: [1] })).toThrow('at least 4 are needed');
    expect(() => stateMachineSuite({ create: () => new Adder(), commands, snapshotsMayDiffer: true })).toThrow('needs queries');
  });
});
