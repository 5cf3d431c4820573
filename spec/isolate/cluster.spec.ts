import { waitFor } from '../../lib/node/index.js';
import { msgpackCodec } from '../../lib/codec/msgpack.js';
import { MembershipChangeError, NotLeaderError, TransferError } from '../../lib/ports/errors.js';
import type { Codec } from '../../lib/ports/codec.js';
import { IsolatedNodes, freeAddresses } from './fixture.js';

// Real threads, disks and sockets, on a machine that may be busy with other things.
jest.setTimeout(30_000);

describe('three nodes, each in a thread of its own', () => {
  let nodes: IsolatedNodes;
  beforeEach(() => {
    nodes = new IsolatedNodes();
  });
  afterEach(() => nodes.dispose());

  it('replicate, hand followers\' commands and their results on, and answer reads on every node', async () => {
    const [leader, follower, other] = await nodes.three();
    expect((await leader.node.propose('one')).value).toBe(1);
    const forwarded = await follower.node.propose('two');
    expect(forwarded.value).toBe(2);
    expect((await other.node.proposeBatch(['three', 'four'])).map(({ value }) => value).sort()).toEqual([3, 4]);
    for (const { node } of [leader, follower, other]) expect([...(await node.read('all'))].sort()).toEqual(['four', 'one', 'three', 'two']);
    expect(follower.machine.words).toEqual(leader.machine.words);
  });

  it('keep commands out of the log that the leader\'s application can\'t read, and give no result that it can\'t encode', async () => {
    const picky: Codec<string> = {
      encode: (text) => new TextEncoder().encode(text),
      decode: (bytes) => {
        const text = new TextDecoder().decode(bytes);
        if (text === 'poison') throw new Error('that is poison');
        return text;
      },
    };
    const values = msgpackCodec<unknown>();
    const grudging: Codec<unknown> = {
      encode: (value) => {
        if (value === 2) throw new Error('not that one');
        return values.encode(value);
      },
      decode: (bytes) => values.decode(bytes),
    };
    const [leader, follower] = await nodes.three({ commandCodec: picky, valueCodec: grudging });
    await expect(follower.node.propose('poison')).rejects.toMatchObject({ name: 'ProposalRejectedError', reason: 'that is poison' });
    expect((await follower.node.propose('fine')).value).toBe(1);
    await expect(follower.node.propose('good')).rejects.toMatchObject({ name: 'ProposalIndeterminateError' });
    expect((await leader.node.propose('own')).value).toBe(3);
    expect(leader.machine.words).toEqual(['fine', 'good', 'own']);
  });

  it('change their membership, hand leadership over, and refuse with the errors of any node', async () => {
    // Nobody else stands for election because the machine is slow.
    const [leader, follower, other] = await nodes.three({ electionTimeoutMinMs: 60_000, electionTimeoutMaxMs: 120_000 });
    await expect(follower.node.changeMembership({ remove: ['c'] })).rejects.toBeInstanceOf(NotLeaderError);
    await expect(leader.node.changeMembership({ remove: ['x'] })).rejects.toMatchObject({ name: 'MembershipChangeError', outcome: 'refused' });
    await expect(leader.node.changeMembership({ remove: ['x'] })).rejects.toBeInstanceOf(MembershipChangeError);
    await expect(leader.node.transferLeadership('x')).rejects.toBeInstanceOf(TransferError);

    const [address] = await freeAddresses(1);
    const joining = nodes.make('d', address ?? '');
    await joining.node.start();
    const { configuration } = await leader.node.changeMembership({ add: { d: address ?? '' } });
    expect(configuration.learners).toEqual(['d']);
    await leader.node.propose('one');
    await waitFor(joining.node, ({ applied }) => applied.index === leader.node.metrics.value.applied.index);
    expect(joining.machine.words).toEqual(['one']);

    expect(await leader.node.transferLeadership(follower.node.id)).toBe(follower.node.id);
    await waitFor(follower.node, ({ leadership }) => leadership?.established === true);
    await waitFor(other.node, ({ leaderId }) => leaderId === follower.node.id);
    expect((await other.node.propose('two')).value).toBe(2);
  });

  it('bring a node that is behind the log up with a snapshot larger than every window', async () => {
    const [leader, follower] = await nodes.three();
    const words = Array.from({ length: 30 }, (_, at) => `${at} ${'z'.repeat(100_000)}`);
    await leader.node.proposeBatch(words);
    const { last } = await leader.node.takeSnapshot();
    leader.node.compactLog(last.index);
    await waitFor(leader.node, ({ compacted }) => compacted.index === last.index);
    const [address] = await freeAddresses(1);
    const joining = nodes.make('d', address ?? '');
    await joining.node.start();
    await leader.node.changeMembership({ add: { d: address ?? '' } });
    await waitFor(joining.node, ({ applied }) => applied.index >= last.index);
    expect(joining.machine.words).toEqual(words);
    expect(joining.events.map(({ type }) => type)).toContain('SnapshotInstalled');
    expect((await follower.node.propose('more')).value).toBe(31);
  });

  it('a leader that stops hands its office over first', async () => {
    const [leader, follower, other] = await nodes.three();
    await leader.node.stop();
    expect(leader.events).toContainEqual(expect.objectContaining({ type: 'LeadershipTransferEnded', outcome: 'transferred' }));
    const led = await Promise.any([follower, other].map(({ node }) => waitFor(node, ({ leadership }) => leadership?.established === true)));
    expect(led.leaderId).not.toBe(leader.node.id);
  });
});
