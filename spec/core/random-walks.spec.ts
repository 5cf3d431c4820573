import fc from 'fast-check';
import { CoreCluster } from '../support/core-cluster.js';
import { carrySnapshots } from '../support/core-snapshots.js';
import { happenToWire, type WireChance } from '../support/core-walks.js';

const IDS = ['a', 'b', 'c'];

/** What chance may do; `who` and `which` pick by remainder. */
type Chance =
  | WireChance
  | { readonly type: 'persist' | 'apply' | 'read' | 'propose' | 'readLog' | 'crash' | 'compact'; readonly who: number }
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'settle' };

const chance: fc.Arbitrary<Chance> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ type: fc.constant('deliver' as const), which: fc.nat(50) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('drop' as const, 'double' as const), which: fc.nat(50) }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constantFrom('persist' as const, 'apply' as const, 'readLog' as const), who: fc.nat(2) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('propose' as const, 'read' as const), who: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('crash' as const, 'compact' as const), who: fc.nat(2) }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('settle' as const) }) },
);

function happen(cluster: CoreCluster, what: Chance): void {
  switch (what.type) {
    case 'deliver':
    case 'drop':
    case 'double':
      happenToWire(cluster, what);
      return;
    case 'wait':
      cluster.now += what.ms;
      for (const id of IDS) cluster.tick(id);
      return;
    case 'settle':
      return cluster.settle();
    default:
      return happenTo(cluster, what.type, IDS[what.who] ?? 'a');
  }
}

function happenTo(cluster: CoreCluster, type: Exclude<Chance, { which: number } | { type: 'wait' | 'settle' }>['type'], id: string): void {
  const node = cluster.node(id);
  switch (type) {
    case 'persist':
      return cluster.persist(id, 1);
    case 'apply':
      return cluster.apply(id);
    case 'read':
      return cluster.step(id, { type: 'read', id: cluster.now, lease: false });
    case 'propose':
      cluster.propose(id, 'x', 'y');
      return;
    case 'readLog':
      return cluster.step(id, ...node.answerLogReads());
    case 'crash':
      return cluster.restart(id);
    case 'compact': {
      const { applied, persisted, snapshot } = node.status;
      // The shell takes no snapshot of what is not on its own disk yet.
      if (applied.index > persisted.index || applied.index <= snapshot.index || node.logReads.length > 0) return;
      return cluster.step(id, ...node.compact(applied.index - 1));
    }
    default:
      return type satisfies never;
  }
}

describe('whatever chance does to messages, disks and clocks', () => {
  it('one leader a term, one entry an index, a fold that equals the state; and the cluster recovers', () => {
    fc.assert(
      fc.property(fc.array(chance, { minLength: 50, maxLength: 400, size: 'max' }), fc.nat(), (chances, seed) => {
        const cluster = new CoreCluster({ ids: IDS, options: { seed, logCacheBytes: 200, maxAppendBytes: 100, maxInflightMessages: 3 } });
        for (const what of chances) {
          happen(cluster, what);
          carrySnapshots(cluster);
        }
        for (let i = 0; i < 60; i += 1) {
          cluster.runFor(50);
          carrySnapshots(cluster);
        }
        expect(cluster.leader).not.toBeNull();
        cluster.propose(cluster.leader ?? 'a', 'last');
        for (let i = 0; i < 10; i += 1) {
          cluster.runFor(20);
          carrySnapshots(cluster);
        }
        const applied = IDS.map((id) => cluster.status(id).applied.index);
        expect(applied).toEqual(IDS.map(() => cluster.status(cluster.leader ?? 'a').lastLog.index));
      }),
      { numRuns: Number(process.env['WALKS'] ?? 60) },
    );
  });
});
