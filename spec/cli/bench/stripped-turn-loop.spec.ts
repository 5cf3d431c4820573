import { promiseLoop } from '../../../lib/cli/bench/closed-loop.js';
import { strippedTurnLoop, type Stripped } from '../../../lib/cli/bench/stripped-turn-loop.js';

describe('the stripped turn loop', () => {
  /** Calls in groups of `width`, more than the loop keeps of its log; payloads are their numbers. */
  async function proposals(count: number, width: number): Promise<{ readonly results: readonly Stripped[]; readonly settled: readonly number[]; readonly applied: readonly number[] }> {
    const applied: number[] = [];
    const propose = strippedTurnLoop((payloads) => {
      for (const payload of payloads) applied.push(new DataView(payload.buffer).getUint32(0));
      return new Array<undefined>(payloads.length).fill(undefined);
    });
    const results: Stripped[] = [];
    const settled: number[] = [];
    let next = 0;
    const caller = async (): Promise<void> => {
      while (next < count) {
        const number = next++;
        const payload = new Uint8Array(4);
        new DataView(payload.buffer).setUint32(0, number);
        results[number] = await propose(payload);
        settled.push(number);
      }
    };
    await Promise.all(Array.from({ length: width }, caller));
    await new Promise(setImmediate); // the followers apply what the last answer left to them
    return { results, settled, applied };
  }

  test.each([
    [100, 1],
    [1000, 7],
    [50_000, 64],
    [50_000, 4096],
  ])('resolves each of %d proposals once, in the order of the log, with its own place: %d at once', async (count, width) => {
    const { results, settled } = await proposals(count, width);
    const numbers = Array.from({ length: count }, (_, i) => i);
    expect(results.map(({ index }) => index)).toEqual(numbers.map((number) => number + 1));
    expect(settled).toEqual(numbers);
  });

  it('applies every command once on each of three nodes, in order', async () => {
    const { applied } = await proposals(30_000, 100);
    const seen = new Uint32Array(30_000);
    const nodes = [0, 0, 0];
    for (const number of applied) {
      seen[number] = (seen[number] ?? 0) + 1;
      const node = nodes.indexOf(number);
      expect(node).not.toBe(-1);
      nodes[node] = number + 1;
    }
    expect([...new Set(seen)]).toEqual([3]);
    expect(nodes).toEqual([30_000, 30_000, 30_000]);
  });
});

test('the loop of promises alone resolves each once, in order', async () => {
  const call = promiseLoop();
  const results = await Promise.all(Array.from({ length: 1000 }, call));
  expect(results.map((result) => (result as Stripped).index)).toEqual(Array.from({ length: 1000 }, (_, i) => i + 1));
});
