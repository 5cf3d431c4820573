import { configurationOf, encodeConfiguration } from '../../lib/core/configuration.js';
import type { RaftEvent } from '../../lib/core/events.js';
import type { RaftMessage } from '../../lib/core/messages.js';
import { MemoryDisk } from '../../lib/storage/memory.js';
import type { MemoryTransport } from '../../lib/transport/memory.js';
import { defined } from './defined.js';
import { MemoryCluster } from './memory-cluster.js';
import { SessionCluster } from './session-cluster.js';

/** Short scenes in the life of real nodes; each gives every event that was published in it. */
export const SCENES = {
  'a cluster starts, is given commands and queries, and stops': async () => {
    const cluster = await MemoryCluster.started();
    const leader = await cluster.leader();
    await leader.node.propose('x');
    await leader.node.read('');
    await cluster.advance(300);
    await defined(cluster.others(leader)[0]).node.propose('y'); // refused here, then handed on
    return ended(cluster);
  },

  'a leader is cut off with proposals in its log, and comes back': async () => {
    const cluster = await MemoryCluster.started();
    const leader = await cluster.leader();
    cluster.network.isolate(leader.id);
    leader.node.propose('lost').catch(() => undefined);
    const next = await cluster.leader(cluster.others(leader).map(({ id }) => id));
    await next.node.propose('instead');
    cluster.network.heal();
    await cluster.advance(1_000);
    return ended(cluster);
  },

  'a follower does not hear the leader and asks for votes': async () => {
    const cluster = await MemoryCluster.started();
    const leader = await cluster.leader();
    await cluster.advance(300);
    cluster.network.block(leader.id, defined(cluster.others(leader)[0]).id);
    await cluster.advance(1_500);
    return ended(cluster);
  },

  'no vote reaches its candidate': async () => {
    const cluster = await MemoryCluster.started();
    cluster.network.intercept((_from, _to, message) => (message.type === 'voteReply' ? 'drop' : 'deliver'));
    await cluster.advance(4_000);
    cluster.network.intercept(null);
    return ended(cluster);
  },

  'a process does not get the thread': async () => {
    const cluster = await MemoryCluster.started();
    const leader = await cluster.leader();
    const follower = defined(cluster.others(leader)[0]);
    cluster.network.isolate(follower.id);
    for (const { clock } of [follower, leader]) {
      const goOn = clock.pause();
      await cluster.advance(5_000);
      goOn();
      await cluster.settle();
    }
    return ended(cluster);
  },

  'a disk hangs, and then fails': async () => {
    const cluster = await MemoryCluster.started({ settings: { storageStallMs: 200 } });
    const leader = await cluster.leader();
    const { id } = defined(cluster.others(leader)[0]);
    cluster.disk(id).holdSync();
    await leader.node.propose('x');
    await cluster.advance(500);
    cluster.disk(id).failNextSync();
    cluster.disk(id).releaseSync();
    await cluster.settle();
    return ended(cluster);
  },

  'a bit flips in the log of a node that is down': async () => {
    const cluster = await MemoryCluster.started({ ids: ['a'] });
    await cluster.leader();
    await cluster.stop();
    cluster.disk('a').corruptEntry(1);
    await cluster.start('a').catch(() => undefined);
    return ended(cluster);
  },

  'a node with an empty store is taken in': async () => {
    const cluster = new MemoryCluster();
    await cluster.start('a');
    await cluster.start('b');
    await cluster.start('c', { peers: undefined as never }); // no first configuration of its own
    await cluster.leader(['a', 'b']);
    await cluster.advance(300);
    return ended(cluster);
  },

  'a node that lost its disk needs what is compacted': async () => {
    const cluster = await MemoryCluster.started();
    await (await cluster.leader()).node.propose('x');
    await cluster.advance(300);
    await cluster.stop();
    await cluster.compact('a', 3);
    await cluster.compact('b', 3);
    cluster.disks.set('c', new MemoryDisk());
    await Promise.all(cluster.ids.map((id) => cluster.start(id, id === 'c' ? { peers: undefined as never } : {})));
    await cluster.leader(['a', 'b']);
    await cluster.advance(500);
    return ended(cluster);
  },

  'a reporter throws': async () => {
    const report = (): never => {
      throw new Error('boom');
    };
    const cluster = await MemoryCluster.started({ ids: ['a'], settings: { reporter: { report }, onUnhandledError: () => undefined } });
    await cluster.leader();
    await cluster.settle();
    return ended(cluster);
  },

  'two leaders that no node of ours elected write a configuration, replace it, talk nonsense, flood, and send a snapshot': async () => {
    const cluster = new MemoryCluster({ ids: ['a'] });
    await cluster.start('a', { peers: undefined as never, maxQueuedMessages: 16 });
    const [x, y] = [await stranger(cluster, 'x'), await stranger(cluster, 'y')];
    const say = async (from: MemoryTransport, ...messages: RaftMessage[]): Promise<void> => {
      for (const message of messages) from.send('a', message);
      await cluster.settle();
    };
    const previous = { index: 0, term: 0 };
    const configuration = configurationOf({ a: '', x: '' });
    const payload = encodeConfiguration(configuration);
    await say(x, { type: 'append', term: 1, round: 1, previous, commit: 0, entries: [{ index: 1, term: 1, kind: 'configuration', payload }] });
    await say(y, { type: 'append', term: 2, round: 1, previous, commit: 0, entries: [{ index: 1, term: 2, kind: 'noop', payload: new Uint8Array() }] });
    await say(y, { type: 'heartbeat', term: 2, round: 2, commit: 1_000 });
    await say(y, ...Array.from({ length: 40 }, (_, i): RaftMessage => ({ type: 'heartbeat', term: 2, round: 3 + i, commit: 0 })));
    const snapshot = { last: { index: 9, term: 2 }, configuration, configurationIndex: 1, bytes: 2 };
    await say(y, { type: 'installSnapshot', term: 2, round: 50, snapshot, attempt: 1, offset: 0, data: new Uint8Array(1), checksum: 0xd202ef8d, done: false });
    return ended(cluster);
  },
  'a client\'s session is opened, another one left idle, and the first one closed': async () => {
    const cluster = await SessionCluster.started({ limits: { sessionTimeoutMs: 3_000 } });
    const { node } = await cluster.leader();
    await cluster.during(node.propose({ type: 'openSession', wallTime: cluster.clock.wallTime() }));
    const session = await cluster.session(await cluster.leader());
    await cluster.clock.advance(5_000);
    await cluster.during(session.close());
    await cluster.stop();
    return [...cluster.runs.values()].flatMap(({ events }) => events);
  },

  'a server joins and is promoted, a change is refused, and leadership is handed over': async () => {
    const cluster = await MemoryCluster.started();
    const { node } = await cluster.leader();
    await cluster.join('d');
    await node.changeMembership({ add: { d: 'd:1' } });
    await cluster.until(() => node.metrics.value.membership.committed.voters.includes('d'), 'the promotion');
    await node.changeMembership({ voters: [] }).catch(() => undefined);
    await node.transferLeadership('z').catch(() => undefined);
    node.pauseElections();
    node.resumeElections();
    await node.transferLeadership();
    return ended(cluster);
  },

  'a learner would leave the cluster without a quorum': async () => {
    const cluster = await MemoryCluster.started();
    const leader = await cluster.leader();
    const [other, dead] = cluster.others(leader);
    cluster.crash(defined(dead).id); // two of three decide, two of four would not
    await cluster.join('d');
    cluster.network.intercept((from, _to, message) => (from === other?.id && message.type === 'appendReply' ? 'drop' : 'deliver'));
    const added = leader.node.changeMembership({ add: { d: 'd:1' } });
    await cluster.settle();
    cluster.network.isolate('d'); // it has everything, and is gone before the change is committed
    await cluster.advance(600);
    cluster.network.intercept(null);
    await cluster.advance(600);
    await added;
    return ended(cluster);
  },

  'a machine can\'t be saved, then can, and a node that was away gets what was saved': async () => {
    const cluster = await MemoryCluster.started();
    const { node, machine } = await cluster.leader();
    const away = defined(cluster.others(await cluster.leader())[0]);
    const snapshot = machine.snapshot.bind(machine);
    machine.snapshot = () => {
      throw new Error('no room');
    };
    await node.takeSnapshot().catch(() => undefined);
    machine.snapshot = snapshot;
    cluster.network.isolate(away.id);
    for (const word of ['x', 'y', 'z']) await node.propose(word);
    const { last } = await node.takeSnapshot();
    node.compactLog(last.index);
    await cluster.settle();
    cluster.network.heal();
    await cluster.until(() => away.machine.words.length === 3, 'the snapshot');
    await cluster.settle();
    return ended(cluster);
  },
} satisfies Readonly<Record<string, () => Promise<RaftEvent[]>>>;

export type Scene = keyof typeof SCENES;

/** A transport that only says what it is told to. */
async function stranger(cluster: MemoryCluster, id: string): Promise<MemoryTransport> {
  const transport = cluster.network.transport();
  await transport.start({ clusterId: 'rxraft', nodeId: id });
  transport.setPeers(new Map([['a', '']]));
  return transport;
}

/** Stops everything and gives what was published. */
async function ended(cluster: MemoryCluster): Promise<RaftEvent[]> {
  await cluster.stop();
  return cluster.runs.flatMap(({ events }) => events);
}
