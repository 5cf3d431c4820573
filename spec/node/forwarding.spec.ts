import type { Codec } from '../../lib/ports/codec.js';
import { msgpackCodec } from '../../lib/codec/msgpack.js';
import type { ForwardReply, PeerMessage } from '../../lib/ports/transport.js';
import { MemoryCluster, outcomeOf, type NodeRun, type NodeSettings } from '../support/memory-cluster.js';
import { defined } from '../support/defined.js';

const values = msgpackCodec<unknown>();

/** A codec that can't carry one value, whichever way. */
function codecWithout(word: unknown, direction: 'encode' | 'decode'): Codec<unknown> {
  const isIt = (value: unknown): boolean => value === word;
  return {
    encode(value) {
      if (direction === 'encode' && isIt(value)) throw new TypeError(`can't encode ${String(word)}`);
      return values.encode(value);
    },
    decode(bytes) {
      const value = values.decode(bytes);
      if (direction === 'decode' && isIt(value)) throw new TypeError(`can't decode ${String(word)}`);
      return value;
    },
  };
}

describe('forwarding', () => {
  let cluster: MemoryCluster;
  let leader: NodeRun;
  let follower: NodeRun;
  const open = async (settings: NodeSettings = {}): Promise<void> => {
    cluster = await MemoryCluster.started({ settings });
    leader = await cluster.leader();
    follower = defined(cluster.others(leader)[0], 'a follower');
    await cluster.until(() => follower.node.metrics.value.leaderId === leader.id);
  };
  afterEach(() => cluster.stop());

  /** Keeps back what `from` sends `to` of one type. */
  const holdBack = (type: PeerMessage['type'], from: string): PeerMessage[] => {
    const held: PeerMessage[] = [];
    cluster.network.intercept((sender, _to, message) => {
      if (sender !== from || message.type !== type) return 'deliver';
      held.push(message);
      return 'drop';
    });
    return held;
  };

  test('a follower\'s proposal returns the leader\'s result', async () => {
    await open();
    await leader.node.propose('one');
    await expect(follower.node.propose('two')).resolves.toEqual({ index: 4, term: leader.node.metrics.value.term, value: 2 });
    await expect(follower.node.read('')).resolves.toEqual(['one', 'two']);
  });

  test('its node need not wait for the next entry, or a timer, to apply what it was answered', async () => {
    await open({ commitNoticeDelayMs: 1000 });
    const { index } = await follower.node.propose('one');
    await cluster.settle();
    expect(follower.node.metrics.value.applied.index).toBe(index);
    const own = await leader.node.propose('two'); // nobody waits for it elsewhere
    await cluster.settle();
    expect(follower.node.metrics.value.applied.index).toBe(index);
    await expect(follower.node.read('')).resolves.toEqual(['one', 'two']);
    expect(follower.node.metrics.value.applied.index).toBe(own.index);
  });

  test('S59 a follower\'s proposal returns the leader\'s error: overloaded', async () => {
    await open({ maxUncommittedBytes: 1 });
    for (const { id } of cluster.others(leader)) cluster.disk(id).holdSync();
    const first = outcomeOf(leader.node.propose('x'.repeat(100)));
    await cluster.settle();
    await expect(follower.node.propose('y')).rejects.toMatchObject({ name: 'OverloadedError' });
    for (const { id } of cluster.others(leader)) cluster.disk(id).releaseSync();
    await cluster.settle();
    expect(first.state).toBe('resolved');
  });

  test('S59 a forwarded call takes one hop only: whom the follower takes for the leader refuses what it can\'t do itself', async () => {
    await open();
    const other = defined(cluster.others(leader)[1], 'the other follower');
    let hops = 0;
    cluster.network.intercept((_from, to, message) => {
      if (message.type === 'forwardRequest') hops += 1;
      return to === leader.id && message.type === 'forwardRequest' ? 'drop' : 'deliver';
    });
    // The follower's transport mistakes the other follower for the leader.
    const send = follower.options.transport.send.bind(follower.options.transport);
    const mistake = jest.spyOn(other.options.transport, 'send');
    follower.options.transport.send = (to, message) => send(message.type === 'forwardRequest' ? other.id : to, message);
    const outcome = outcomeOf(follower.node.propose('x', { timeoutMs: 300 }));
    await cluster.settle();
    expect(hops).toBe(1);
    const replies = mistake.mock.calls.map(([, message]) => message).filter((message): message is ForwardReply => message.type === 'forwardReply');
    expect(replies).toMatchObject([{ outcome: { ok: false, code: 'notLeader', leaderId: leader.id } }]);
    // A reply of someone who was not asked settles nothing.
    expect(outcome.state).toBe('pending');
    await cluster.advance(300);
    expect(outcome).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError', reason: 'timeout' } });
  });

  test('a call under way when the leader is cut off is indeterminate, and the deposed leader hands its own on to the new one', async () => {
    await open();
    const held = holdBack('forwardRequest', follower.id);
    const outcome = outcomeOf(follower.node.propose('x', { timeoutMs: 60_000 }));
    await cluster.settle();
    cluster.network.isolate(leader.id);
    const next = await cluster.leader(cluster.others(leader).map(({ id }) => id));
    cluster.network.intercept(null);
    cluster.network.heal();
    await cluster.until(() => leader.node.metrics.value.leaderId === next.id);
    expect(held).toHaveLength(1);
    // The connection broke, so the caller was told at once that the outcome is unknown.
    expect(outcome).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError', reason: 'connectionLost' } });
    await expect(leader.node.propose('through the new leader')).resolves.toMatchObject({ value: 1 });
  });

  test.each(['propose', 'read'] as const)('the connection to the leader breaks: a %s learns at once what is known of it', async (operation) => {
    await open();
    holdBack('forwardRequest', follower.id);
    const outcome = outcomeOf<unknown>(operation === 'propose' ? follower.node.propose('x') : follower.node.read(''));
    await cluster.settle();
    expect(outcome.state).toBe('pending');
    cluster.network.intercept(null);
    cluster.network.isolate(leader.id);
    await cluster.settle();
    const expected = operation === 'propose' ? { name: 'ProposalIndeterminateError', reason: 'connectionLost' } : { name: 'NotLeaderError', leaderId: null };
    expect(outcome).toMatchObject({ state: 'rejected', error: expected });
  });

  test.each(['propose', 'read'] as const)('a %s made while the leader is out of reach is refused at once, and after it is back goes through', async (operation) => {
    await open();
    const call = (): Promise<unknown> => (operation === 'propose' ? follower.node.propose('x') : follower.node.read(''));
    cluster.network.isolate(leader.id);
    await cluster.settle();
    const outcome = outcomeOf<unknown>(call());
    await cluster.settle();
    expect(outcome).toMatchObject({ state: 'rejected', error: { name: 'NotLeaderError', leaderId: null } });
    cluster.network.heal();
    await cluster.settle();
    const again = outcomeOf<unknown>(call());
    await cluster.settle();
    expect(again.state).toBe('resolved');
  });

  test('a call that waits for a leader cut off in silence ends when another leader is known', async () => {
    await open();
    const others = ['a', 'b', 'c'].filter((id) => id !== leader.id);
    const silent = (from: string, to: string): boolean => from === leader.id || to === leader.id;
    cluster.network.intercept((from, to) => (silent(from, to) ? 'drop' : 'deliver'));
    const outcome = outcomeOf<unknown>(follower.node.propose('x', { timeoutMs: 60_000 }));
    await cluster.settle();
    expect(outcome.state).toBe('pending');
    while (others.every((id) => follower.node.metrics.value.leaderId !== id)) await cluster.advance(50);
    expect(outcome).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError' } });
  });

  test.each([
    ['propose', { name: 'ProposalIndeterminateError', reason: 'timeout' }],
    ['read', { name: 'TimeoutError', timeoutMs: 400 }],
  ] as const)('a %s whose reply does not come ends with its own time limit', async (operation, expected) => {
    await open();
    holdBack('forwardReply', leader.id);
    const outcome = outcomeOf<unknown>(operation === 'propose' ? follower.node.propose('x', { timeoutMs: 400 }) : follower.node.read('', { timeoutMs: 400 }));
    await cluster.advance(399);
    expect(outcome.state).toBe('pending');
    await cluster.advance(1);
    expect(outcome).toMatchObject({ state: 'rejected', error: expected });
  });

  test('a late reply to an earlier run of the node is ignored, also when the runs share a seed', async () => {
    await open({ seed: 7 });
    const held = holdBack('forwardReply', leader.id);
    void outcomeOf(follower.node.propose('of the earlier run'));
    await cluster.settle();
    const late = defined(held[0], 'the reply');
    follower = await cluster.restart(follower.id);
    await cluster.until(() => follower.node.metrics.value.leaderId === leader.id);
    held.length = 0;
    const outcome = outcomeOf(follower.node.propose('of this run'));
    await cluster.settle();
    cluster.network.intercept(null);
    leader.options.transport.send(follower.id, late);
    await cluster.settle();
    expect(outcome.state).toBe('pending');
    leader.options.transport.send(follower.id, defined(held[0], 'the reply to this run'));
    await cluster.settle();
    expect(outcome).toMatchObject({ state: 'resolved', value: { value: 2 } });
  });

  test('a doubled reply and one from a node that was not asked settle nothing twice', async () => {
    await open();
    cluster.network.setFaults({ duplicateRate: 1 });
    await expect(follower.node.propose('x')).resolves.toMatchObject({ value: expect.any(Number) });
    await cluster.settle();
  });

  test('a query never travels: what can\'t be encoded is answered all the same', async () => {
    await open({ valueCodec: codecWithout('bad', 'encode') });
    await expect(follower.node.read('bad')).resolves.toEqual([]);
  });

  test('a result that can\'t be encoded leaves the command done: its caller is told indeterminate, never rejected', async () => {
    await open({ valueCodec: codecWithout(1, 'encode') });
    await expect(follower.node.propose('x')).rejects.toMatchObject({ name: 'ProposalIndeterminateError' });
    expect(leader.machine.words).toEqual(['x']);
  });

  test('a result that can\'t be decoded fails its call with the codec\'s error', async () => {
    await open({ valueCodec: codecWithout(1, 'decode') });
    await expect(follower.node.propose('x')).rejects.toThrow("can't decode 1");
    await cluster.settle();
  });

  test('a forwarded command that the leader can\'t decode is refused before it reaches the log, where it would stop every node', async () => {
    await open();
    const before = leader.node.metrics.value.lastLog.index;
    cluster.network.intercept((from, _to, message) => {
      if (from === follower.id && message.type === 'forwardRequest') message.payload.fill(0xc1); // no MessagePack value begins so
      return 'deliver';
    });
    await expect(follower.node.propose('x')).rejects.toMatchObject({ name: 'ProposalRejectedError' });
    expect(leader.node.metrics.value).toMatchObject({ runningState: 'running', lastLog: { index: before } });
  });

  test('without a leader a call is refused at once, and safe to retry', async () => {
    cluster = await MemoryCluster.started();
    await expect(cluster.node('a').propose('x')).rejects.toMatchObject({ name: 'NotLeaderError', leaderId: null });
    await expect(cluster.node('a').read('')).rejects.toMatchObject({ name: 'NotLeaderError', leaderId: null });
  });

  test('an aborted forwarded call is let go of at once', async () => {
    await open({ maxPendingProposals: 1 });
    holdBack('forwardRequest', follower.id);
    const controller = new AbortController();
    const outcome = outcomeOf(follower.node.propose('x', { signal: controller.signal, timeoutMs: 1_000_000 }));
    await cluster.settle();
    await expect(follower.node.propose('y')).rejects.toMatchObject({ name: 'OverloadedError' });
    controller.abort(new Error('enough'));
    await cluster.settle();
    expect(outcome).toMatchObject({ state: 'rejected', error: { name: 'ProposalIndeterminateError', reason: 'aborted', cause: new Error('enough') } });
    cluster.network.intercept(null);
    await expect(follower.node.propose('z')).resolves.toMatchObject({ value: 1 });
  });
});
