import fc from 'fast-check';
import { isJoint, membersOf } from '../../lib/core/configuration.js';
import type { NodeId } from '../../lib/core/ids.js';
import type { MembershipChange } from '../../lib/core/membership-plan.js';
import { CoreCluster } from '../support/core-cluster.js';
import { members } from '../support/core-membership.js';
import { SnapshotCarrier } from '../support/core-snapshots.js';
import { happenToWire, type WireChance } from '../support/core-walks.js';
import { defined } from '../support/defined.js';

const IDS = ['a', 'b', 'c', 'd', 'e'];

const CHANGES: readonly MembershipChange[] = [
  { add: { d: 'd:1' } },
  { add: { e: { address: 'e:1', autoPromote: false } } },
  { add: { d: 'd:1', e: 'e:1' }, promote: ['d', 'e'], remove: ['b', 'c'] },
  { voters: ['a', 'b', 'c'], learners: ['d', 'e'], nodes: { a: 'a:1', b: 'b:1', c: 'c:1', d: { address: 'd:1', priority: 2 }, e: 'e:1' } },
  { voters: ['c', 'd', 'e'], nodes: { c: 'c:1', d: 'd:1', e: 'e:1' } },
  { voters: ['b'], nodes: { b: 'b:1' } },
  { voters: ['a', 'e'], learners: ['b'], nodes: { a: 'a:1', b: { address: 'b:1', autoPromote: true }, e: 'e:1' } },
  { remove: ['a'] },
  { demote: ['b'] },
  { promote: ['d'] },
  { voters: IDS, nodes: Object.fromEntries(IDS.map((id) => [id, `${id}:1`])) },
];

type Chance =
  | WireChance
  | { readonly type: 'persist' | 'apply' | 'propose' | 'readLog' | 'crash' | 'compact' | 'stepDown' | 'campaign' | 'stage' | 'install'; readonly who: number }
  | { readonly type: 'change' | 'transfer' | 'read' | 'pause' | 'connect'; readonly who: number; readonly what: number }
  | { readonly type: 'wait'; readonly ms: number }
  | { readonly type: 'settle' | 'send' };

const who = fc.nat(4);
const chance: fc.Arbitrary<Chance> = fc.oneof(
  { weight: 16, arbitrary: fc.record({ type: fc.constant('deliver' as const), which: fc.nat(80) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('drop' as const, 'double' as const), which: fc.nat(80) }) },
  { weight: 10, arbitrary: fc.record({ type: fc.constantFrom('persist' as const, 'apply' as const, 'readLog' as const), who }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('propose' as const), who }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constantFrom('crash' as const, 'compact' as const, 'stepDown' as const, 'campaign' as const), who }) },
  { weight: 9, arbitrary: fc.record({ type: fc.constantFrom('stage' as const, 'install' as const), who }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constantFrom('change' as const, 'transfer' as const, 'read' as const), who, what: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom('pause' as const, 'connect' as const), who, what: fc.nat(20) }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.nat(60) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom('settle' as const, 'send' as const) }) },
);

/** A cluster to which anything happens, and what must be true of it whatever does. */
class Walk {
  readonly cluster: CoreCluster;
  readonly carrier: SnapshotCarrier;
  private nextId = 1;
  /** The highest commit index that anybody knew when a read began. */
  private readonly reads = new Map<number, number>();
  private readonly asked = new Map<number, NodeId>();

  constructor(seed: number) {
    const logs = { d: [], e: [] };
    this.cluster = new CoreCluster({ ids: IDS, logs, configuration: members('abc'), options: { seed, logCacheBytes: 200, maxAppendBytes: 100, maxInflightMessages: 3 } });
    this.carrier = new SnapshotCarrier(this.cluster);
  }

  /** Whom a nudge goes to: mostly the leader, if it is what only a leader can do. */
  private leading(who: number): NodeId {
    return who < 4 ? (this.cluster.leader ?? 'a') : 'e';
  }

  happen(what: Chance): void {
    const { cluster } = this;
    switch (what.type) {
      case 'deliver':
      case 'drop':
      case 'double':
        if (!happenToWire(cluster, what)) return;
        break;
      case 'wait':
        cluster.now += what.ms;
        for (const id of IDS) cluster.tick(id);
        break;
      case 'settle':
        cluster.settle();
        break;
      case 'send':
        this.carrier.send();
        break;
      case 'pause':
        cluster.step(IDS[what.who] ?? 'a', { type: 'pauseElections', paused: what.what % 3 === 0 });
        break;
      case 'connect':
        cluster.step(IDS[what.who] ?? 'a', { type: 'connection', peer: IDS[what.what % 5] ?? 'a', up: what.what % 2 === 0, error: 'reset' });
        break;
      case 'change':
      case 'transfer':
      case 'read':
        this.ask(what.type, this.leading(what.who), what.what);
        break;
      default:
        this.happenTo(what.type, IDS[what.who] ?? 'a');
    }
    this.check();
  }

  private ask(type: 'change' | 'transfer' | 'read', id: NodeId, what: number): void {
    const number = this.nextId++;
    if (type === 'read') {
      this.reads.set(number, Math.max(...IDS.map((each) => this.cluster.status(each).committed.index)));
      this.cluster.step(id, { type: 'read', id: number, lease: what % 2 === 0 });
      return;
    }
    this.asked.set(number, id);
    if (type === 'change') this.cluster.step(id, { type: 'changeMembership', id: number, change: CHANGES[what % CHANGES.length] ?? {}, expected: null });
    else this.cluster.step(id, { type: 'transfer', id: number, to: IDS[what % 7] ?? null, timeoutMs: 10 * what });
  }

  private happenTo(type: 'persist' | 'apply' | 'propose' | 'readLog' | 'crash' | 'compact' | 'stepDown' | 'campaign' | 'stage' | 'install', id: NodeId): void {
    const { cluster, carrier } = this;
    const node = cluster.node(id);
    switch (type) {
      case 'persist':
        return cluster.persist(id, 1);
      case 'apply':
        return cluster.apply(id);
      case 'propose':
        cluster.propose(this.leading(IDS.indexOf(id)), 'x', 'y');
        return;
      case 'readLog':
        return cluster.step(id, ...node.answerLogReads());
      case 'crash':
        for (const [number, asked] of this.asked) if (asked === id) this.asked.delete(number);
        carrier.forget(id);
        return cluster.restart(id);
      case 'compact': {
        const { applied, persisted, snapshot } = node.status;
        if (applied.index > persisted.index || applied.index <= snapshot.index || node.logReads.length > 0 || node.core.restoring !== null) return;
        if (node.status.committedConfiguration.index > applied.index) return;
        return cluster.step(id, ...node.compact(applied.index - 1));
      }
      case 'stage':
        return carrier.stage(id);
      case 'install':
        return carrier.install(id);
      default:
        return cluster.step(id, { type });
    }
  }

  private check(): void {
    for (const id of IDS) {
      const node = this.cluster.node(id);
      for (const { id: number, refusal, index } of node.reads.splice(0)) {
        if (refusal === null && index < defined(this.reads.get(number))) throw new Error(`read ${number} on ${id} at ${index} misses what was committed before it began`);
      }
      for (const { id: number } of [...node.membershipOutcomes.splice(0), ...node.transferOutcomes.splice(0)]) {
        if (!this.asked.delete(number)) throw new Error(`${number} was answered twice`);
      }
      const { voters, learners } = node.status.effective.configuration;
      if (voters.some((voter) => learners.includes(voter))) throw new Error(`${id} has somebody who is voter and learner`);
    }
  }

  run(ms: number): void {
    for (const end = this.cluster.now + ms; this.cluster.now < end; ) {
      this.cluster.runFor(20);
      this.carrier.carry();
      this.check();
    }
  }

  /** Left alone, it comes to rest: one leader, no joint configuration, every call answered, every member with the whole log. */
  recover(): void {
    for (const id of IDS) {
      this.cluster.step(id, { type: 'pauseElections', paused: false }, ...IDS.map((peer) => ({ type: 'connection' as const, peer, up: true, error: '' })));
    }
    this.run(6_000);
    const leader = defined(this.cluster.leader ?? undefined, 'a leader');
    this.cluster.propose(leader, 'last');
    this.run(400);
    const { effective, lastLog } = this.cluster.status(leader);
    expect(isJoint(effective.configuration)).toBe(false);
    expect([...this.asked]).toEqual([]);
    const here = membersOf(effective.configuration);
    expect(here.map((id) => [id, this.cluster.status(id).applied])).toEqual(here.map((id) => [id, { index: lastLog.index, term: lastLog.term }]));
    expect(here.map((id) => this.cluster.status(id).effective)).toEqual(here.map(() => effective));
    for (const id of IDS) this.cluster.step(id, { type: 'halt', reason: 'stopped' });
    expect(IDS.map((id) => this.cluster.node(id).pairs.open)).toEqual(IDS.map(() => []));
  }
}

describe('whatever chance does to members, leaders, messages, disks, snapshots and clocks', () => {
  it('one leader a term, one entry an index, reads that miss nothing, calls answered once, a fold that equals the state; and the cluster recovers', () => {
    fc.assert(
      fc.property(fc.array(chance, { minLength: 100, maxLength: 500, size: 'max' }), fc.nat(), (chances, seed) => {
        const walk = new Walk(seed);
        for (const what of chances) walk.happen(what);
        walk.recover();
      }),
      // Shrinking takes minutes: only on demand.
      { numRuns: Number(process.env['WALKS'] ?? 40), endOnFailure: process.env['SHRINK'] === undefined },
    );
  });
});
