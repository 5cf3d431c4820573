import { refusalOf } from '../../lib/node/forwarding.js';
import { NotLeaderError, OverloadedError, ProposalIndeterminateError, ProposalRejectedError, StoppedError, TimeoutError } from '../../lib/ports/errors.js';
import type { ForwardRequest } from '../../lib/ports/transport.js';
import { defined } from '../support/defined.js';
import { MemoryCluster, outcomeOf, type NodeRun } from '../support/memory-cluster.js';
import { SessionCluster } from '../support/session-cluster.js';

describe('S59 a forwarded proposal', () => {
  let cluster: MemoryCluster;
  let leader: NodeRun;
  let follower: NodeRun;
  beforeEach(async () => {
    cluster = await MemoryCluster.started();
    leader = await cluster.leader();
    follower = defined(cluster.others(leader)[0], 'a follower');
    await cluster.until(() => follower.node.metrics.value.leaderId === leader.id);
  });
  afterEach(() => cluster.stop());

  test.each([
    [new NotLeaderError('b', 'b:1'), NotLeaderError, { leaderId: 'b', leaderAddress: 'b:1' }],
    [new OverloadedError('maxUncommittedBytes', 5), OverloadedError, {}],
    [new ProposalRejectedError('leadership is being transferred'), ProposalRejectedError, { reason: 'leadership is being transferred' }],
    [new ProposalIndeterminateError('leadershipLost'), ProposalIndeterminateError, { reason: 'leadershipLost' }],
    [new TimeoutError('propose', 7), TimeoutError, {}],
    [new StoppedError('stopping'), StoppedError, {}],
    [new TypeError('who knows'), ProposalRejectedError, { reason: 'who knows' }],
  ] as const)('that the leader answers with %p rejects with that class at its sender', async (error, expected, fields) => {
    cluster.network.intercept((_from, to, message) => (to === leader.id && message.type === 'forwardRequest' ? 'drop' : 'deliver'));
    const sent = jest.spyOn(follower.options.transport, 'send');
    const outcome = outcomeOf(follower.node.propose('x'));
    await cluster.settle();
    const request = defined(sent.mock.calls.map(([, message]) => message).find((message): message is ForwardRequest => message.type === 'forwardRequest'));
    leader.options.transport.send(follower.id, { type: 'forwardReply', id: request.id, outcome: refusalOf(error) });
    leader.options.transport.flush();
    await cluster.settle();
    expect(outcome.error).toBeInstanceOf(expected);
    expect(outcome.error).toMatchObject(fields);
  });

  test('carries its deadline along: the leader gives up on it no later than its sender', async () => {
    for (const { id } of cluster.others(leader)) if (id !== follower.id) cluster.crash(id);
    cluster.network.intercept((_from, to, message) => (message.type === 'append' && to === follower.id ? 'drop' : 'deliver'));
    const outcome = outcomeOf(follower.node.propose('x', { timeoutMs: 120 }));
    await cluster.settle();
    expect(leader.node.metrics.value.pendingProposals).toBe(1);
    await cluster.advance(120);
    expect(outcome).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError' } });
    expect(leader.node.metrics.value.pendingProposals).toBe(0);
  });

  test('does not go round in circles when two followers take each other for the leader', async () => {
    const other = defined(cluster.others(leader)[1], 'the other follower');
    let requests = 0;
    cluster.network.intercept((_from, _to, message) => {
      if (message.type === 'forwardRequest') requests += 1;
      return 'deliver';
    });
    for (const [one, another] of [[follower, other], [other, follower]] as const) {
      const send = one.options.transport.send.bind(one.options.transport);
      one.options.transport.send = (to, message) => send(message.type === 'forwardRequest' ? another.id : to, message);
    }
    const outcomes = [outcomeOf(follower.node.propose('x', { timeoutMs: 200 })), outcomeOf(other.node.propose('y', { timeoutMs: 200 }))];
    await cluster.advance(1_000);
    expect(requests).toBe(2);
    expect(outcomes.map(({ state }) => state)).toEqual(['rejected', 'rejected']);
  });
});

describe('S59 a forwarded session command', () => {
  test('of a session that is gone is refused by the leader, and the follower\'s caller learns so', async () => {
    const cluster = await SessionCluster.started();
    const session = await cluster.session(await cluster.follower());
    const { node } = await cluster.leader();
    await cluster.during(node.propose({ type: 'closeSession', session: session.id, wallTime: 0 }));
    const outcome = outcomeOf(session.propose('x'));
    await cluster.until(() => outcome.state !== 'pending', 'the refusal');
    expect(outcome).toMatchObject({ state: 'rejected', error: { name: 'SessionExpiredError', session: session.id } });
    expect(session.state).toBe('expired');
    expect(await cluster.words()).toEqual([]);
    await cluster.stop();
  });
});
