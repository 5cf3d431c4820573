import { from, lastValueFrom } from 'rxjs';
import type { RaftEvent } from '../../lib/core/events.js';
import { initialMetrics } from '../../lib/node/metrics/initial.js';
import { MetricsFold } from '../../lib/node/metrics/fold.js';
import type { RaftMetrics } from '../../lib/node/metrics/metrics.js';
import { reduceMetrics } from '../../lib/node/metrics/reduce.js';
import { toMetrics } from '../../lib/node/metrics/to-metrics.js';
import { recent } from '../../lib/node/operators/recent.js';
import type { StreamItem } from '../../lib/node/operators/stream-items.js';
import { waitFor } from '../../lib/node/operators/wait-for.js';
import { expectFoldEqualsStatus } from '../support/core-fold.js';
import { defined } from '../support/defined.js';
import { MemoryCluster, type ListNode } from '../support/memory-cluster.js';
import { recorded } from '../support/recorded.js';
import { roughLife } from '../support/rough-life.js';

/** Expects what follows an item to be the next number, in one run. */
function expectGapless(events: readonly RaftEvent[]): void {
  const runId = events[0]?.runId;
  events.forEach((event, i) => {
    if (event.seq !== i + 1 || event.runId !== runId) throw new Error(`event ${i + 1} of ${String(runId)} is ${event.seq} of ${event.runId}`);
  });
}

describe('the stream of events over a rough life', () => {
  const folds = new Map<string, MetricsFold>();
  const nodes = new Map<string, ListNode>();
  let turns = 0;
  let cluster: MemoryCluster;

  beforeAll(async () => {
    cluster = new MemoryCluster({
      settings: (id) => ({
        reporter: {
          report: (event) => {
            const fold = folds.get(event.runId) ?? new MetricsFold(initialMetrics(event.nodeId, event.runId));
            folds.set(event.runId, fold);
            fold.apply(event, event.at, event.seq);
            if (event.type === 'VoteGranted') throw new Error('a reporter that fails now and then');
          },
        },
        onUnhandledError: () => undefined,
        turnObserver: ({ status, output }) => {
          turns += 1;
          const node = defined(nodes.get(id), `the node ${id}`);
          expectFoldEqualsStatus(node.metrics.value, status());
          // The reporter's own fold of what it was given is the same value.
          const fold = folds.get(node.metrics.value.runId);
          if (fold !== undefined && output.events.length > 0) expect(fold.snapshot()).toEqual(node.metrics.value);
        },
      }),
      onCreated: (node, id) => nodes.set(id, node),
    });
    await Promise.all(cluster.ids.map((id) => cluster.start(id)));
    await roughLife(cluster, { rounds: 18 });
  }, 60_000);
  afterAll(() => cluster.stop());

  test('S69 fold of events equals the node\'s state after every turn', () => {
    // The observer above has compared them; a mismatch is fatal to its node.
    expect(turns).toBeGreaterThan(1_500);
    expect(cluster.runs.filter(({ ended }) => ended instanceof Error)).toEqual([]);
    for (const { node, events, isAlive } of cluster.runs) if (isAlive) expect(events.reduce(reduceMetrics, initialMetrics())).toEqual(node.metrics.value);
  });

  test('S70 sequence numbers are gapless across bursts, role flips inside one turn, and subscriber errors', () => {
    for (const { events } of cluster.runs) expectGapless(events);
    const all = cluster.runs.flatMap(({ events }) => events);
    expect(all.some(({ type }) => type === 'SubscriberFailed')).toBe(true);
    const flips = all.filter((event, i) => event.type === 'RoleChanged' && all.slice(i + 1, i + 8).some((later) => later.type === 'RoleChanged' && later.at === event.at && later.runId === event.runId));
    expect(flips.length).toBeGreaterThan(0);
  });

  test('S71 LeadershipAcquired and LeadershipLost pair strictly, in every run that came to an end or went on', () => {
    for (const { events, isAlive } of cluster.runs) {
      const pairs = events.filter(({ type }) => type === 'LeadershipAcquired' || type === 'LeadershipLost').map(({ type }) => type);
      pairs.forEach((type, i) => expect(type).toBe(i % 2 === 0 ? 'LeadershipAcquired' : 'LeadershipLost'));
      const wasStopped = events.at(-1)?.type === 'NodeStopped';
      if (isAlive || wasStopped) expect(pairs.length % 2 === 1).toBe(isAlive && !wasStopped && events.at(-1) !== undefined && isLeading(events));
    }
  });

  test('S74 a late subscriber gets the current state first, then every later event, none twice', async () => {
    const leader = await cluster.leader();
    const history = recent(leader.node, 5);
    const before = leader.node.metrics.value;
    await leader.node.propose('one');
    await leader.node.propose('two');
    await cluster.settle();
    const items: StreamItem[] = [];
    history.subscribe((item) => items.push(item));
    await leader.node.propose('three');
    await cluster.settle();
    const [first, ...rest] = items;
    const state = first?.type === 'CurrentState' ? first : null;
    expect(state?.metrics.seq).toBeGreaterThan(before.seq); // more happened than is kept
    const events = rest as RaftEvent[];
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => defined(state).seq + 1 + i));
    expect(events.reduce(reduceMetrics, defined(state).metrics)).toEqual(leader.node.metrics.value);
    history.close();
  });

  test('S75 a recorded event stream, serialised and read back, folds to the same metrics elsewhere', async () => {
    for (const { node, events, isAlive } of cluster.runs) {
      const lines = events.map((event) => JSON.stringify(event));
      const readBack = lines.map((line) => JSON.parse(line) as RaftEvent);
      expect(readBack).toEqual(events);
      const elsewhere: RaftMetrics = await lastValueFrom(from(readBack).pipe(toMetrics()));
      const folded: RaftMetrics = events.reduce(reduceMetrics, initialMetrics());
      expect(elsewhere).toEqual(folded);
      if (isAlive) expect(elsewhere).toEqual(node.metrics.value);
    }
  });

  test('waitFor sees the metrics of a real node', async () => {
    const leader = await cluster.leader();
    const { index } = leader.node.metrics.value.applied;
    const reached = recorded(from(waitFor(leader.node, ({ applied }) => applied.index > index)), ({ applied }) => applied.index);
    await leader.node.propose('x');
    await cluster.settle();
    expect(reached.notes).toEqual([index + 1, 'complete']);
  });
});

function isLeading(events: readonly RaftEvent[]): boolean {
  return events.reduce((leads, { type }) => (type === 'LeadershipAcquired' ? true : type === 'LeadershipLost' ? false : leads), false);
}
