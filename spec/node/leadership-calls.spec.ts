import { defined } from '../support/defined.js';
import { MemoryCluster, outcomeOf, type NodeRun } from '../support/memory-cluster.js';

describe('calls about leadership', () => {
  let cluster: MemoryCluster;
  let leader: NodeRun;
  let others: NodeRun[];
  const open = async (settings = {}): Promise<void> => {
    cluster = await MemoryCluster.started({ settings });
    leader = await cluster.leader();
    others = cluster.others(leader);
    await cluster.advance(300);
  };
  const other = (i: number): NodeRun => defined(others[i]);
  afterEach(() => cluster.stop());

  test('S56 transferLeadership to a named voter resolves with it once it leads; no election timeout passes', async () => {
    await open();
    await leader.node.propose('x');
    const begun = cluster.clock.now();
    await expect(leader.node.transferLeadership(other(1).id)).resolves.toBe(other(1).id);
    expect(cluster.clock.now()).toBe(begun);
    expect(leader.node.metrics.value).toMatchObject({ leaderId: other(1).id, role: 'follower', leadership: null });
    await expect(other(1).node.propose('y')).resolves.toMatchObject({ value: 2 });
    const told = cluster.eventsOf(leader.id, 'LeadershipTransferStarted', 'LeadershipTransferEnded').map(({ type, to }) => [type, to]);
    expect(told).toEqual([['LeadershipTransferStarted', other(1).id], ['LeadershipTransferEnded', other(1).id]]);
  });

  test('S56 without a name the best follower is chosen: one that is behind is not', async () => {
    await open();
    cluster.network.block(leader.id, other(0).id);
    await leader.node.propose('x');
    await expect(leader.node.transferLeadership()).resolves.toBe(other(1).id);
  });

  test('S56 to one that lags it waits, and commands are refused as safe to retry; at its limit it gives up and commands are taken', async () => {
    await open();
    cluster.network.isolate(other(0).id);
    await leader.node.propose('x');
    const transfer = outcomeOf(leader.node.transferLeadership(other(0).id, { timeoutMs: 200 }));
    await cluster.settle();
    await expect(leader.node.propose('y')).rejects.toMatchObject({ name: 'ProposalRejectedError', reason: 'leadership is being transferred' });
    await expect(other(1).node.propose('y')).rejects.toMatchObject({ name: 'ProposalRejectedError', reason: 'leadership is being transferred' });
    await expect(leader.node.read('')).resolves.toEqual(['x']);
    await cluster.advance(200);
    expect(transfer).toMatchObject({ state: 'rejected', error: { name: 'TransferError' } });
    await expect(leader.node.propose('y')).resolves.toMatchObject({ value: 2 });
    expect(cluster.eventsOf(leader.id, 'ProposalRejected').at(-1)).toMatchObject({ reason: 'transferring' });
  });

  test('a node that stops while it hands over says that the transfer came to nothing', async () => {
    await open({ drainTimeoutMs: 0 });
    cluster.network.isolate(other(0).id);
    await leader.node.propose('x');
    const transfer = outcomeOf(leader.node.transferLeadership(other(0).id, { timeoutMs: 5_000 }));
    await cluster.settle();
    await leader.node.stop();
    await cluster.settle();
    expect(transfer).toMatchObject({ state: 'rejected', error: { name: 'TransferError', outcome: 'aborted', reason: 'the node stopped' } });
    expect(cluster.eventsOf(leader.id, 'LeadershipTransferEnded')).toMatchObject([{ to: other(0).id, outcome: 'aborted' }]);
  });

  test('S40 removing the target aborts the transfer', async () => {
    await open();
    cluster.network.intercept((_from, to, message) => (to === other(0).id && message.type === 'append' ? 'drop' : 'deliver'));
    await leader.node.propose('x');
    const transfer = outcomeOf(leader.node.transferLeadership(other(0).id, { timeoutMs: 5_000 }));
    await cluster.settle();
    await leader.node.changeMembership({ remove: [other(0).id] });
    expect(transfer).toMatchObject({ state: 'rejected', error: { name: 'TransferError', outcome: 'aborted', reason: `${other(0).id} is no longer a voter` } });
    await expect(leader.node.propose('y')).resolves.toMatchObject({ value: 2 });
  });

  test('calls take effect in the order in which they are made: what is proposed before a transfer is taken, what is proposed after it is not', async () => {
    await open();
    const before = [outcomeOf(leader.node.propose('x')), outcomeOf(leader.node.propose('y'))];
    const transfer = outcomeOf(leader.node.transferLeadership(other(1).id));
    const after = outcomeOf(leader.node.propose('z'));
    await cluster.advance(300);
    expect(before.map(({ state }) => state)).toEqual(['resolved', 'resolved']);
    expect(transfer).toMatchObject({ state: 'resolved', value: other(1).id });
    expect(after).toMatchObject({ state: 'rejected', error: { name: 'ProposalRejectedError', reason: 'leadership is being transferred' } });
    expect(leader.machine.words).toEqual(['x', 'y']);
    const told = cluster.eventsOf(leader.id, 'ProposalsAccepted', 'LeadershipTransferStarted', 'ProposalRejected').map(({ type }) => type);
    expect(told).toEqual(['ProposalsAccepted', 'LeadershipTransferStarted', 'ProposalRejected']);
  });

  test('so it is with stepDown and with changes of the members, one after the other in one moment', async () => {
    await open();
    const calls = [
      outcomeOf(leader.node.propose('x')),
      outcomeOf(leader.node.changeMembership({ demote: [other(0).id] })),
      outcomeOf(leader.node.propose('y')),
    ];
    leader.node.stepDown();
    const late = outcomeOf(leader.node.propose('z'));
    await cluster.settle();
    const told = cluster.eventsOf(leader.id, 'ProposalsAccepted', 'MembershipAppended', 'LeadershipLost').map(({ type }) => type);
    expect(told.slice(-4)).toEqual(['ProposalsAccepted', 'MembershipAppended', 'ProposalsAccepted', 'LeadershipLost']);
    expect(cluster.eventsOf(leader.id, 'ProposalsAccepted').at(-1)).toMatchObject({ count: 1 });
    await cluster.until(() => [...calls, late].every(({ state }) => state !== 'pending'), 'the answers');
    expect(calls.map(({ error }) => error)).toMatchObject([{}, { name: 'MembershipChangeError', outcome: 'indeterminate' }, {}]); // begun, and then nobody led
  });

  test('what is refused is refused in words', async () => {
    await open();
    await expect(leader.node.transferLeadership('z')).rejects.toMatchObject({ name: 'TransferError', outcome: 'refused', reason: 'z is not a voter' });
    await expect(leader.node.transferLeadership(leader.id)).rejects.toMatchObject({ outcome: 'refused', reason: 'this node leads already' });
    await expect(other(0).node.transferLeadership()).rejects.toMatchObject({ name: 'NotLeaderError', leaderId: leader.id });
    await expect(leader.node.transferLeadership(null, { timeoutMs: NaN })).rejects.toMatchObject({ name: 'ConfigError' });
    await expect(leader.node.transferLeadership(null, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
    expect(leader.node.metrics.value.leadership).not.toBeNull();
  });

  test('stepDown leaves the next election to the others', async () => {
    await open();
    leader.node.stepDown();
    other(0).node.stepDown(); // nothing happens on a follower
    await cluster.settle();
    expect(leader.node.metrics.value).toMatchObject({ role: 'follower', leadership: null });
    expect(cluster.eventsOf(leader.id, 'LeadershipLost').at(-1)).toMatchObject({ reason: 'requested' });
    const next = await cluster.leader();
    expect(next.id).not.toBe(leader.id);
  });

  test('campaign asks for an election at once; while the leader is heard it comes to nothing', async () => {
    await open();
    other(0).node.campaign();
    await cluster.advance(200);
    expect(cluster.eventsOf(other(0).id, 'VoteRejected').at(-1)).toMatchObject({ to: other(0).id, preVote: true, reason: 'leaderAlive' });
    expect(leader.node.metrics.value.leadership).not.toBeNull();
    cluster.crash(leader.id);
    await cluster.advance(450); // less than any election timeout is left to the others by then, and none has run out
    const begun = cluster.clock.now();
    await cluster.advance(50);
    other(1).node.campaign();
    await cluster.until(() => other(1).node.metrics.value.leadership !== null, 'leadership', 100);
    expect(cluster.clock.now() - begun).toBeLessThan(200);
  });

  test('with elections paused a node follows and votes, and never campaigns by itself; resumed it does', async () => {
    await open();
    for (const { node } of others) node.pauseElections();
    cluster.crash(leader.id);
    await cluster.advance(20_000);
    for (const { node } of others) node.pauseElections(); // as they are: no news
    await cluster.settle();
    expect(others.map(({ id, node }) => [node.metrics.value.electionsPaused, cluster.eventsOf(id, 'ElectionsPaused').length])).toEqual([[true, 1], [true, 1]]);
    expect(others.map(({ node }) => node.metrics.value.role)).toEqual(['follower', 'follower']);
    other(0).node.resumeElections();
    other(0).node.resumeElections();
    const next = await cluster.leader([other(0).id, other(1).id]);
    expect(next.id).toBe(other(0).id); // with the vote of one that is paused
    expect(next.node.metrics.value.electionsPaused).toBe(false);
    expect(cluster.eventsOf(next.id, 'ElectionsPaused', 'ElectionsResumed').map(({ type }) => type)).toEqual(['ElectionsPaused', 'ElectionsResumed']);
    await expect(next.node.propose('x')).resolves.toMatchObject({ value: 1 });
  });

  test('S61 a leader that stops hands over first: the others need no election timeout', async () => {
    await open();
    await leader.node.propose('x');
    await leader.node.stop();
    const begun = cluster.clock.now();
    const next = await cluster.leader(others.map(({ id }) => id));
    expect(cluster.clock.now() - begun).toBeLessThan(100);
    expect(cluster.eventsOf(leader.id, 'LeadershipLost').at(-1)).toMatchObject({ reason: 'transferred' });
    expect(cluster.eventsOf(next.id, 'ElectionStarted').at(-1)).toMatchObject({ trigger: 'transfer' });
  });

  test('S61 with nobody to hand over to it stops within its limit all the same', async () => {
    await open({ drainTimeoutMs: 400 });
    cluster.network.intercept((_from, _to, message) => (message.type === 'timeoutNow' ? 'drop' : 'deliver'));
    const stopped = outcomeOf(leader.node.stop());
    await cluster.advance(399);
    expect(stopped.state).toBe('pending');
    await cluster.advance(1);
    expect(stopped.state).toBe('resolved');
    expect(cluster.eventsOf(leader.id, 'LeadershipTransferEnded')).toMatchObject([{ outcome: 'timedOut' }]);
  });

  test('S61 when no other would take over it does not wait for one', async () => {
    await open({ drainTimeoutMs: 400 });
    for (const { node } of others) node.pauseElections();
    await cluster.advance(300);
    const begun = cluster.clock.now();
    await leader.node.stop();
    expect(cluster.clock.now()).toBe(begun);
    expect(cluster.eventsOf(leader.id, 'TransferRejected')).toMatchObject([{ to: null, reason: 'no other voter is in touch and would take over' }]);
    for (const { node } of others) node.resumeElections();
  });

  test('proposeBatch gives results in order, side by side; one that fails rejects the whole', async () => {
    await open();
    const words = Array.from({ length: 20 }, (_, i) => `x${i}`);
    const results = await leader.node.proposeBatch(words);
    expect(results.map(({ value }) => value)).toEqual(words.map((_, i) => i + 1));
    expect(new Set(results.map(({ index }, i) => index - i)).size).toBe(1);
    await expect(other(0).node.proposeBatch(['y', 'z'])).resolves.toMatchObject([{ value: 21 }, { value: 22 }]);
    expect(leader.machine.words).toEqual([...words, 'y', 'z']);
    await expect(leader.node.proposeBatch([])).resolves.toEqual([]);
    await expect(leader.node.proposeBatch(['a', 'b'], { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  });
});
