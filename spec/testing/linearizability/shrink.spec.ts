import { checkLinearizable, keyValueModel } from '../../../lib/testing/linearizability/index.js';
import { historyOfARealStore, type HistoryShape, type KeyValueCall } from './histories.js';

describe('a failure made small', () => {
  const usual = { seed: 1, calls: 10_000, keys: 50, clients: 20, padding: 20, openShare: 0.01, values: Infinity, tellsRevisions: true };

  it.each<[string, HistoryShape]>([
    ['of 10,000 calls', usual],
    ['without revisions', { ...usual, tellsRevisions: false }],
    ['on few keys', { ...usual, calls: 1000, keys: 5, padding: 5 }],
  ])('shows a stale read in a history %s by a handful of calls', (_, shape) => {
    const [calls, stale] = withAStaleRead(historyOfARealStore(shape));
    const verdict = checkLinearizable(keyValueModel, calls);
    if (verdict.type !== 'not linearizable') throw new Error(verdict.text);
    expect(verdict.culprit).toMatchObject({ client: stale.client, start: stale.start });
    expect(verdict.calls.length).toBeLessThanOrEqual(8);
  });
});

/** Nine tenths through, a read gives what an earlier read of its key gave, although that was overwritten. */
function withAStaleRead(calls: readonly KeyValueCall[]): [KeyValueCall[], KeyValueCall] {
  const reads = calls.filter(({ operation, outcome }) => operation.type === 'get' && outcome.type === 'returned' && outcome.result.type === 'entry' && outcome.result.entry !== null);
  const victim = reads[Math.floor(0.9 * reads.length)];
  const earlier = reads.slice(0, Math.floor(0.8 * reads.length)).findLast(({ operation }) => operation.key === victim?.operation.key);
  if (victim?.outcome.type !== 'returned' || earlier?.outcome.type !== 'returned') throw new Error('the history has no two such reads');
  const stale: KeyValueCall = { ...victim, outcome: { ...victim.outcome, result: earlier.outcome.result } };
  return [calls.map((call) => (call === victim ? stale : call)), stale];
}
