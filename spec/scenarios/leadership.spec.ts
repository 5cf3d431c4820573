import { Observable } from 'rxjs';
import type { LeadershipLossReason } from '../../lib/core/events.js';
import type { NodeId } from '../../lib/core/ids.js';
import { whileLeader, type ActiveLeadership } from '../../lib/node/operators/while-leader.js';
import { MemoryCluster, outcomeOf, type ListNode, type NodeRun } from '../support/memory-cluster.js';
import { roughLife } from '../support/rough-life.js';

const S1 = 'S1 three nodes elect exactly one leader; a single node elects itself and applies nothing before its entry is durable:';
const S71 = 'S71 LeadershipAcquired and LeadershipLost pair on every path:';
const S71_JOB = 'S71 whileLeader starts only after Established, tears down before another node can be established, and never overlaps itself:';

/** When a job ran, on one node, under one leadership. */
interface Shift {
  readonly id: NodeId;
  readonly runId: string;
  readonly term: number;
  readonly from: number;
  to: number | null;
}

describe('electing one leader', () => {
  test(`${S1} three nodes`, async () => {
    const cluster = await MemoryCluster.started();
    const leader = await cluster.leader();
    await cluster.advance(5_000);
    expect(cluster.ids.map((id) => cluster.node(id).metrics.value.leaderId)).toEqual([leader.id, leader.id, leader.id]);
    expect(cluster.ids.filter((id) => cluster.node(id).metrics.value.role === 'leader')).toEqual([leader.id]);
    expect(cluster.ids.flatMap((id) => cluster.eventsOf(id, 'LeadershipAcquired'))).toHaveLength(1);
    await cluster.stop();
  });

  test(`${S1} a single node`, async () => {
    const cluster = await MemoryCluster.started({ ids: ['a'] });
    const { node, machine } = await cluster.leader();
    expect(cluster.clock.now()).toBe(1_000); // it has nobody to wait for
    cluster.disk('a').holdSync();
    const outcome = outcomeOf(node.propose('x'));
    await cluster.advance(1_000);
    expect(outcome.state).toBe('pending');
    expect(machine.words).toEqual([]);
    expect(node.metrics.value).toMatchObject({ lastLog: { index: 3 }, persisted: { index: 2 }, committed: { index: 2 }, role: 'leader' });
    cluster.disk('a').releaseSync();
    await cluster.settle();
    expect(outcome).toMatchObject({ state: 'resolved', value: { index: 3, value: 1 } });
    expect(machine.words).toEqual(['x']);
    await cluster.stop();
  });

  test(`${S1} a single node whose first vote is not durable does not lead`, async () => {
    const cluster = new MemoryCluster({ ids: ['a'] });
    const run = cluster.create('a');
    run.node.events.subscribe(({ type }) => type === 'ClusterBootstrapped' && cluster.disk('a').holdSync());
    await run.node.start();
    await cluster.advance(5_000);
    expect(cluster.eventsOf('a', 'ElectionStarted').length).toBeGreaterThan(0);
    expect(cluster.eventsOf('a', 'LeadershipAcquired')).toEqual([]);
    cluster.disk('a').releaseSync();
    await cluster.leader();
    await cluster.stop();
  });
});

const PATIENT = { electionTimeoutMinMs: 900, electionTimeoutMaxMs: 1000 };
const IMPATIENT = { electionTimeoutMinMs: 300, electionTimeoutMaxMs: 400 };

describe('the end of a leadership', () => {
  const ends: [LeadershipLossReason, (cluster: MemoryCluster, leader: NodeRun) => Promise<void>][] = [
    [
      'quorumLost',
      async (cluster, leader) => {
        cluster.network.isolate(leader.id);
        await cluster.advance(PATIENT.electionTimeoutMinMs);
      },
    ],
    [
      'higherTerm',
      async (cluster, leader) => {
        // It hears and is not heard; the others have less patience than it has (see PATIENT), so that it is told.
        for (const { id } of cluster.others(leader)) cluster.network.block(leader.id, id);
        await cluster.until(() => cluster.eventsOf(leader.id, 'LeadershipLost').length > 0);
      },
    ],
    ['transferred', async (_cluster, { node }) => node.stop()],
    [
      'stopped',
      async (cluster, leader) => {
        for (const { node } of cluster.others(leader)) node.pauseElections(); // nobody to hand over to
        const stopped = leader.node.stop();
        await cluster.advance(2_000);
        await stopped;
      },
    ],
    [
      'requested',
      async (cluster, { node }) => {
        node.stepDown();
        await cluster.settle();
      },
    ],
    [
      'removed',
      async (_cluster, { id, node }) => {
        await node.changeMembership({ remove: [id] });
      },
    ],
    [
      'fatalError',
      async (cluster, { id, node }) => {
        cluster.disk(id).failNextSync();
        await node.propose('x').catch(() => undefined);
      },
    ],
  ];

  test.each(ends)(`${S71} %s`, async (reason, end) => {
    const cluster = new MemoryCluster({ settings: (id) => (id === 'a' ? PATIENT : IMPATIENT) });
    cluster.network.intercept((from, _to, message) => (from !== 'a' && message.type === 'preVoteRequest' ? 'drop' : 'deliver'));
    await Promise.all(cluster.ids.map((id) => cluster.start(id)));
    const leader = await cluster.leader();
    expect(leader.id).toBe('a');
    cluster.network.intercept(null);
    await end(cluster, leader);
    const pairs = cluster.eventsOf(leader.id, 'LeadershipAcquired', 'LeadershipLost');
    expect(pairs.slice(-2)).toMatchObject([{ type: 'LeadershipAcquired' }, { type: 'LeadershipLost', reason, term: pairs.at(-2)?.term }]);
    pairs.forEach(({ type }, i) => expect(type).toBe(i % 2 === 0 ? 'LeadershipAcquired' : 'LeadershipLost'));
    // The lease goes before the leadership, and every peer's replication with it.
    expect(cluster.eventsOf(leader.id, 'LeaseChanged').at(-1)).toMatchObject({ valid: false });
    const { length } = cluster.eventsOf(leader.id, 'ReplicationStarted');
    expect(cluster.eventsOf(leader.id, 'ReplicationStopped')).toHaveLength(length);
    expect(leader.node.metrics.value).toMatchObject({ leadership: null, replication: {}, lastQuorumAckAt: null });
    await cluster.stop();
  });
});

describe('a job on the leader', () => {
  let cluster: MemoryCluster;
  let shifts: Shift[];

  const employ = (node: ListNode, id: NodeId): void => {
    let running = 0;
    const job = ({ term, fencingToken }: ActiveLeadership): Observable<never> =>
      new Observable(() => {
        running += 1;
        expect(running).toBe(1);
        expect(fencingToken).toBe(term);
        expect(node.metrics.value.leadership).toMatchObject({ term, established: true, leaseValid: true });
        const shift: Shift = { id, runId: node.metrics.value.runId, term, from: cluster.clock.now(), to: null };
        shifts.push(shift);
        return () => {
          running -= 1;
          shift.to = cluster.clock.now();
        };
      });
    whileLeader(node, job).subscribe({ error: () => undefined });
  };
  beforeEach(() => {
    shifts = [];
    cluster = new MemoryCluster({ onCreated: employ });
  });
  afterEach(() => cluster.stop());
  const started = async (): Promise<NodeRun> => {
    await Promise.all(cluster.ids.map((id) => cluster.start(id)));
    return cluster.leader();
  };

  test(`${S71_JOB} across a partition`, async () => {
    const old = await started();
    expect(shifts).toMatchObject([{ id: old.id, to: null }]);
    const cutAt = cluster.clock.now();
    cluster.network.isolate(old.id);
    const next = await cluster.leader(cluster.others(old).map(({ id }) => id));
    expect(shifts).toMatchObject([{ id: old.id }, { id: next.id, to: null }]);
    const [first, second] = shifts;
    // It ended by its lease, before its own check-quorum and before any follower's patience could end.
    expect(first?.to).not.toBeNull();
    expect(first?.to ?? Infinity).toBeLessThan(cutAt + 500);
    expect(first?.to ?? Infinity).toBeLessThan(second?.from ?? 0);
    expect(second?.term).toBeGreaterThan(first?.term ?? 0);
    cluster.network.heal();
    await cluster.advance(2_000);
    expect(shifts).toHaveLength(2);
  });

  test(`${S71_JOB} not while the quorum has not answered, nor before an entry of the term is committed`, async () => {
    await Promise.all(cluster.ids.map((id) => cluster.start(id)));
    cluster.network.intercept((_from, _to, message) => (message.type === 'append' ? 'drop' : 'deliver'));
    await cluster.until(() => cluster.ids.some((id) => cluster.node(id).metrics.value.leadership !== null));
    await cluster.advance(300);
    expect(shifts).toEqual([]);
    cluster.network.intercept(null);
    await cluster.leader();
    expect(shifts.length).toBe(1);
  });

  test(`${S71_JOB} when the node stops or fails, the job ends with it`, async () => {
    const first = await started();
    await first.node.stop();
    expect(shifts[0]?.to).toBe(cluster.clock.now());
    const next = await cluster.leader(cluster.others(first).map(({ id }) => id));
    cluster.disk(next.id).failNextSync();
    await next.node.propose('x').catch(() => undefined);
    await cluster.settle();
    expect(shifts[1]?.to).toBe(cluster.clock.now());
  });

  test(`${S71_JOB} over a rough life no two jobs ever run at once in the whole cluster`, async () => {
    await started();
    await roughLife(cluster, { rounds: 18 });
    expect(shifts.length).toBeGreaterThanOrEqual(10);
    // The job of a process that died ended with it.
    const died = new Map(cluster.runs.map(({ options, diedAt }) => [options.runId, diedAt]));
    const inOrder = [...shifts].sort((one, other) => one.from - other.from);
    inOrder.forEach(({ runId, term, to }, i) => {
      const next = inOrder[i + 1];
      const endedAt = to ?? died.get(runId) ?? Infinity;
      if (next === undefined) return;
      expect(endedAt).toBeLessThanOrEqual(next.from);
      expect(next.term).toBeGreaterThanOrEqual(term);
    });
    expect(inOrder.filter(({ to }) => to === null).length).toBeGreaterThan(1); // some died, the last one runs
  }, 30_000);
});
