import { map, tap, type MonoTypeOperatorFunction } from 'rxjs';
import { closedLoop } from '../../../lib/cli/bench/closed-loop.js';
import { openBenchCluster } from '../../../lib/cli/bench/memory-cluster.js';
import { depthCosts, pipeOf } from '../../../lib/cli/bench/operator-depth.js';
import type { RaftEvent } from '../../../lib/core/events.js';
import { EventPublisher } from '../../../lib/node/reporting/publisher.js';
import * as stamp from '../../../lib/node/reporting/stamp.js';

describe('operators in a row', () => {
  afterEach(() => jest.restoreAllMocks());

  test.each([1, 10, 40])('%d of them see each event once, as the one object that the node built', async (depth) => {
    const stamped = jest.spyOn(stamp, 'stamped');
    const calls = new Array<number>(depth).fill(0);
    const first: RaftEvent[] = [];
    const last: RaftEvent[] = [];
    const count = (i: number): MonoTypeOperatorFunction<RaftEvent> => tap(() => (calls[i] = (calls[i] ?? 0) + 1));
    const { leader, stop } = await openBenchCluster({
      nodes: 1,
      observe: ({ events }) => {
        const deep = calls.reduce((stream, _, i) => stream.pipe(count(i), map((event) => event)), events.pipe(tap((event) => first.push(event))));
        deep.subscribe((event) => last.push(event));
      },
    });
    await closedLoop(4, 100, () => leader.propose(new Uint8Array(0)));
    await stop();
    expect(first.length).toBeGreaterThan(100);
    expect(first.map(({ seq }) => seq)).toEqual(first.map((_, i) => i + 1));
    expect(last.every((event, i) => event === first[i])).toBe(true);
    expect(last).toHaveLength(first.length);
    expect(calls).toEqual(calls.map(() => first.length));
    expect(stamped).toHaveBeenCalledTimes(first.length);
  });

  it('of the benchmark let every event pass', () => {
    const publisher = new EventPublisher({ nodeId: 'a', runId: 'r', onUnhandledError: (error) => expect(error).toBeNull() });
    const seen: number[] = [];
    publisher.events.pipe(pipeOf(40)).subscribe(({ seq }) => seen.push(seq));
    publisher.publish([{ type: 'RoleChanged', term: 1, from: 'follower', to: 'preCandidate', reason: 'electionTimeout' }, { type: 'ElectionTimeoutElapsed', term: 1 }] as never, 0, 0);
    expect(seen).toEqual([1, 2]);
  });

  it('are measured one depth after the other', async () => {
    const costs = await depthCosts({ depths: [0, 3], events: 1000 });
    expect(costs).toHaveLength(2);
    for (const nanos of costs) expect(nanos).toBeGreaterThanOrEqual(0);
  });
});
