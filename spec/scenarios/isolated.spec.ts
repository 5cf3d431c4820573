import { IsolatedNodes } from '../isolate/fixture.js';

describe('an application that blocks its thread', () => {
  let nodes: IsolatedNodes;
  beforeEach(() => {
    nodes = new IsolatedNodes();
  });
  afterEach(() => nodes.dispose());

  it('S73 for 10 times the election timeout: in worker mode leadership is not lost', async () => {
    const electionTimeoutMinMs = 300;
    const cluster = await nodes.three({ electionTimeoutMinMs, electionTimeoutMaxMs: 600, heartbeatIntervalMs: 60 });
    const [leader, follower] = cluster;
    await leader.node.propose('before');
    const { term } = leader.node.metrics.value;
    const seen = cluster.map(({ events }) => events.length);

    const until = performance.now() + 10 * electionTimeoutMinMs;
    while (performance.now() < until) Math.sqrt(until); // the application computes

    expect((await follower.node.propose('after')).term).toBe(term);
    expect(leader.node.metrics.value).toMatchObject({ term, role: 'leader', leadership: { term } });
    for (const [at, { node, events }] of cluster.entries()) {
      expect(node.metrics.value).toMatchObject({ term, leaderId: leader.node.id });
      // Nothing was missed meanwhile, and nothing of it tells of a change of leaders.
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
      const lost = events.slice(seen[at]).filter(({ type }) => type === 'LeadershipLost' || type === 'LeaderLost' || type === 'RoleChanged' || type === 'TermAdvanced');
      expect(lost).toEqual([]);
    }
  }, 30_000); // three seconds of it are the point
});
