import { decodeConfiguration } from '../../lib/core/configuration.js';
import { recover } from '../../lib/node/recovery.js';
import { MemoryDisk, MemoryStorage } from '../../lib/storage/memory.js';
import { ListMachine } from '../support/list-machine.js';
import { MemoryCluster } from '../support/memory-cluster.js';

const IDENTITY = { clusterId: 'rxraft', nodeId: 'a' };
const PEERS = { a: 'a:1', b: 'b:1' };

describe('recover', () => {
  test('an empty store gets the first configuration, durable before the node starts', async () => {
    const disk = new MemoryDisk();
    const { state, bootstrapped } = await recover(new MemoryStorage(disk), new ListMachine(), IDENTITY, PEERS);
    expect(bootstrapped).toMatchObject({ voters: ['a', 'b'], votersOutgoing: [], nodes: { a: { address: 'a:1' }, b: { address: 'b:1' } } });
    disk.crash();
    const again = await new MemoryStorage(disk).open(IDENTITY);
    expect(again).toEqual(state);
    expect(again).toMatchObject({ hardState: { term: 1, votedFor: null }, lastLog: { index: 1, term: 1 }, terms: [{ term: 1, first: 1 }] });
    expect(again.configurations.map(({ payload }) => decodeConfiguration(payload))).toEqual([bootstrapped]);
  });

  test('every node writes the same first entry, whatever the order of its peers', async () => {
    const payloads = await Promise.all(
      [PEERS, { b: 'b:1', a: 'a:1' }].map(async (peers) => (await recover(new MemoryStorage(), new ListMachine(), IDENTITY, peers)).state.configurations[0]?.payload),
    );
    expect(payloads[0]).toEqual(payloads[1]);
  });

  test('the first configuration may carry labels and priorities, which are read back alike', async () => {
    const disk = new MemoryDisk();
    const peers = { a: { address: 'a:1', metadata: { http: 'a:2' }, priority: 2 }, b: 'b:1' };
    const { bootstrapped } = await recover(new MemoryStorage(disk), new ListMachine(), IDENTITY, peers);
    disk.crash();
    expect(bootstrapped?.nodes).toEqual({ a: { address: 'a:1', metadata: { http: 'a:2' }, priority: 2 }, b: { address: 'b:1' } });
    disk.crash();
    const again = await new MemoryStorage(disk).open(IDENTITY);
    expect(again.configurations.map(({ payload }) => decodeConfiguration(payload))).toEqual([bootstrapped]);
  });

  test('an empty store without peers stays empty: the node waits to be added', async () => {
    const { state, bootstrapped } = await recover(new MemoryStorage(), new ListMachine(), IDENTITY, undefined);
    expect(bootstrapped).toBeNull();
    expect(state.lastLog.index).toBe(0);
  });

  test('a machine that was used before is reset, and restored from the snapshot when there is one', async () => {
    const machine = new ListMachine();
    machine.words = ['of an earlier run'];
    const cluster = await MemoryCluster.started({ ids: ['a'] });
    const { node } = await cluster.leader();
    for (const word of ['x', 'y', 'z']) await node.propose(word);
    await cluster.stop();
    await cluster.compact('a', 4);
    const { bootstrapped, state } = await recover(new MemoryStorage(cluster.disk('a')), machine, IDENTITY, PEERS);
    expect(bootstrapped).toBeNull();
    expect(state.snapshot?.last.index).toBe(4);
    expect(machine.resets).toBe(1);
    expect(machine.words).toEqual(['x', 'y']); // z is behind the snapshot: the log brings it
  });
});

describe('a cluster\'s first start and its later ones', () => {
  test('ClusterBootstrapped is told once, right after NodeStarted', async () => {
    const cluster = await MemoryCluster.started();
    await cluster.leader();
    for (const id of cluster.ids) expect(cluster.events(id).slice(0, 2).map(({ type }) => type)).toEqual(['NodeStarted', 'ClusterBootstrapped']);
    await cluster.stop();
    await Promise.all(cluster.ids.map((id) => cluster.start(id)));
    await cluster.leader();
    for (const id of cluster.ids) expect(cluster.eventsOf(id, 'ClusterBootstrapped')).toEqual([]);
    await cluster.stop();
  });

  test('a restart writes nothing, and the configuration in the log counts, not the one in the options', async () => {
    const cluster = await MemoryCluster.started({ ids: ['a'] });
    await cluster.leader();
    await cluster.stop();
    const before = { hardState: cluster.disk('a').image.hardState, entries: [...cluster.disk('a').image.entries] };
    const { node, events } = cluster.create('a', { peers: { a: 'elsewhere:1', b: 'b:1', c: 'c:1' } });
    let written = 0;
    const submit = jest.spyOn(cluster.disk('a'), 'submit').mockImplementation(() => {
      written += 1;
      return new Promise<void>(() => undefined);
    });
    await node.start();
    expect(written).toBe(1); // the campaign of the only voter: term and vote
    expect(events[0]).toMatchObject({ type: 'NodeStarted', configuration: { voters: ['a'] } });
    expect({ hardState: cluster.disk('a').image.hardState, entries: [...cluster.disk('a').image.entries] }).toEqual(before);
    submit.mockRestore();
    cluster.crash('a');
  });

  test('what was applied before a restart is applied again, from the log', async () => {
    const cluster = await MemoryCluster.started();
    const leader = await cluster.leader();
    for (const word of ['x', 'y']) await leader.node.propose(word);
    for (const id of cluster.ids) cluster.crash(id);
    await Promise.all(cluster.ids.map((id) => cluster.start(id)));
    await cluster.leader();
    await cluster.advance(300);
    for (const id of cluster.ids) expect(cluster.run(id).machine.words).toEqual(['x', 'y']);
    await cluster.stop();
  });

  test('a node with an empty store and no peers waits as a learner and takes what the cluster\'s leader sends', async () => {
    const cluster = new MemoryCluster();
    await cluster.start('a');
    await cluster.start('b');
    const { node, machine } = cluster.create('c', { peers: undefined as never });
    await node.start();
    await cluster.leader(['a', 'b']);
    await cluster.node('a').propose('x');
    await cluster.advance(300);
    expect(machine.words).toEqual(['x']);
    expect(cluster.events('c')[0]).toMatchObject({ type: 'NodeStarted', role: 'learner' });
    expect(cluster.eventsOf('c', 'RoleChanged')[0]).toMatchObject({ from: 'learner', to: 'follower', reason: 'membership' });
    await cluster.stop();
  });
});
