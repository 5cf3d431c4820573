import { MemoryCluster, outcomeOf } from '../support/memory-cluster.js';
import { recorded } from '../support/recorded.js';
import { rejectionsTold } from '../support/unhandled.js';

const S62 = 'S62 fsync fails once: the store is poisoned, the node stops with a fatal error, nothing later is acknowledged:';

describe('a node on a disk that fails', () => {
  let cluster: MemoryCluster;
  afterEach(async () => {
    await cluster.stop();
    await rejectionsTold();
  });

  test(`${S62} on the leader, with proposals in flight`, async () => {
    cluster = await MemoryCluster.started({ ids: ['a'] });
    const run = await cluster.leader();
    const acknowledged = await run.node.propose('before');
    const streams = [run.node.events, run.node.metrics, run.node.serverMetrics, run.node.committed()].map((stream) => recorded<unknown>(stream));
    cluster.disk('a').failNextSync('EIO: i/o error, fdatasync');
    const inFlight = Array.from({ length: 10 }, (_, i) => outcomeOf(run.node.propose(`x${i}`)));
    const read = outcomeOf(run.node.read('', { timeoutMs: 100 }));
    await cluster.settle();
    for (const { state, error } of inFlight) {
      expect(state).toBe('rejected');
      expect(error).toMatchObject({ name: 'ProposalIndeterminateError', reason: 'fatalError', cause: { name: 'FatalError', operation: 'append' } });
    }
    expect(read.state).not.toBe('pending');
    const types = cluster.events('a').map(({ type }) => type);
    expect(types.slice(types.indexOf('LeadershipLost'))).toEqual(['LeadershipLost', 'LeaderLost', 'RoleChanged', 'ProposalsDropped', 'FatalErrorRaised', 'NodeStopped']);
    expect(cluster.eventsOf('a', 'LeadershipLost')).toMatchObject([{ reason: 'fatalError' }]);
    expect(cluster.eventsOf('a', 'FatalErrorRaised')).toMatchObject([{ operation: 'append', error: 'append: EIO: i/o error, fdatasync' }]);
    expect(cluster.eventsOf('a', 'NodeStopped')).toMatchObject([{ reason: 'fatalError' }]);
    for (const { notes } of streams) expect(notes.at(-1)).toMatch(/^error: append failed; the node has stopped and acknowledges nothing more: append: EIO/);
    await expect(run.node.propose('after')).rejects.toMatchObject({ name: 'StoppedError', state: 'failed' });
    expect(run.node.metrics.value).toMatchObject({ runningState: 'failed', fatalError: 'append: append: EIO: i/o error, fdatasync', pendingProposals: 0 });
    const again = await cluster.start('a');
    await cluster.leader();
    expect(again.machine.words[acknowledged.value - 1]).toBe('before');
  });

  test(`${S62} on a follower: it acknowledges nothing from then on, and the others go on`, async () => {
    cluster = await MemoryCluster.started();
    const leader = await cluster.leader();
    const [failing, healthy] = cluster.others(leader);
    const sent: string[] = [];
    cluster.disk(failing?.id ?? '').failNextSync();
    let hasFailed = false;
    failing?.node.events.subscribe({ next: ({ type }) => (hasFailed ||= type === 'FatalErrorRaised'), error: () => undefined });
    cluster.network.intercept((from, _to, message) => {
      if (from === failing?.id && hasFailed) sent.push(message.type);
      return 'deliver';
    });
    await leader.node.propose('x');
    await cluster.advance(3_000);
    expect(hasFailed).toBe(true);
    expect(sent).toEqual([]);
    expect(failing?.ended).toMatchObject({ name: 'FatalError' });
    await expect(leader.node.propose('y')).resolves.toMatchObject({ value: 2 });
    await cluster.advance(300);
    expect(healthy?.machine.words).toEqual(['x', 'y']);
    await cluster.start(failing?.id ?? '');
    await cluster.advance(500);
    expect(cluster.run(failing?.id ?? '').machine.words).toEqual(['x', 'y']);
  });

  test(`${S62} during the very first write`, async () => {
    cluster = new MemoryCluster({ ids: ['a'] });
    const run = cluster.create('a');
    cluster.disk('a').failNextSync();
    await expect(run.node.start()).rejects.toMatchObject({ name: 'StorageError', operation: 'append' });
    expect(run.events.map(({ type }) => type)).toEqual(['FatalErrorRaised', 'NodeStopped']);
    expect(run.ended).toMatchObject({ name: 'FatalError', operation: 'start' });
  });

  test('S63 a flipped bit in acknowledged data: the node refuses to start, and CorruptionDetected names the index', async () => {
    cluster = await MemoryCluster.started({ ids: ['a'] });
    const { node } = await cluster.leader();
    const { index } = await node.propose('x');
    await node.stop();
    cluster.disk('a').corruptEntry(index);
    const run = cluster.create('a');
    await expect(run.node.start()).rejects.toMatchObject({ name: 'CorruptLogError', where: 'log', index });
    expect(run.events.map(({ type }) => type)).toEqual(['CorruptionDetected', 'FatalErrorRaised', 'NodeStopped']);
    expect(run.events[0]).toMatchObject({ seq: 1, where: `log at index ${index}: the checksum does not match`, action: 'refusedToStart' });
    expect(run.node.metrics.value.runningState).toBe('failed');
    expect(run.machine.words).toEqual([]);
  });

  test('S63 a corrupt snapshot is never restored: the node refuses to start', async () => {
    cluster = await MemoryCluster.started({ ids: ['a'] });
    const { node } = await cluster.leader();
    const { index } = await node.propose('x');
    await node.stop();
    await cluster.compact('a', index);
    cluster.disk('a').corruptSnapshot();
    const run = cluster.create('a');
    await expect(run.node.start()).rejects.toMatchObject({ name: 'CorruptLogError', where: 'snapshot', index });
    expect(run.events[0]).toMatchObject({ type: 'CorruptionDetected', action: 'refusedToStart' });
  });

  test('S63 a flipped bit that is found while the node runs stops it, and nothing is skipped', async () => {
    cluster = await MemoryCluster.started({ settings: { logCacheBytes: 0 } });
    const leader = await cluster.leader();
    const follower = cluster.others(leader)[0];
    cluster.crash(follower?.id ?? '');
    for (let i = 0; i < 5; i += 1) await leader.node.propose(`x${i}`);
    cluster.disk(leader.id).corruptEntry(4);
    await cluster.start(follower?.id ?? '');
    await cluster.until(() => leader.ended !== null);
    expect(leader.ended).toMatchObject({ name: 'FatalError', operation: 'read', cause: { name: 'CorruptLogError', index: 4 } });
    expect(cluster.eventsOf(leader.id, 'CorruptionDetected')).toMatchObject([{ where: 'log at index 4: the checksum does not match', action: 'stopped' }]);
    const next = await cluster.leader(cluster.others(leader).map(({ id }) => id));
    await expect(next.node.read('')).resolves.toEqual(['x0', 'x1', 'x2', 'x3', 'x4']);
  });

  test('S63 an unacknowledged tail may vanish in a crash, acknowledged entries never', async () => {
    cluster = await MemoryCluster.started({ ids: ['a'] });
    const { node } = await cluster.leader();
    await node.propose('acknowledged');
    cluster.disk('a').holdSync();
    const lost = outcomeOf(node.propose('lost'));
    await cluster.settle();
    expect(lost.state).toBe('pending');
    const again = await cluster.restart('a');
    await cluster.leader();
    await cluster.settle();
    expect(again.machine.words).toEqual(['acknowledged']);
    expect(lost.state).toBe('pending'); // of a process that is no more
  });

  test('S65 disk full: proposals fail clearly; after space is freed the node works again following a restart, with nothing lost', async () => {
    cluster = await MemoryCluster.started({ ids: ['a'] });
    const run = await cluster.leader();
    const acknowledged: string[] = [];
    const disk = cluster.disk('a');
    disk.limitBytes(disk.image.entries.bytes + 2_000);
    let failure: unknown = null;
    for (let i = 0; failure === null; i += 1) {
      const word = `word ${i} ${'.'.repeat(100)}`;
      await run.node.propose(word).then(() => acknowledged.push(word), (error: unknown) => (failure = error));
    }
    expect(failure).toMatchObject({ name: 'ProposalIndeterminateError', reason: 'fatalError', cause: { message: expect.stringContaining('ENOSPC: no space left on device; free space and start again') } });
    expect(acknowledged.length).toBeGreaterThan(5);
    await expect(run.node.propose('more')).rejects.toMatchObject({ name: 'StoppedError', state: 'failed' });
    expect(cluster.eventsOf('a', 'FatalErrorRaised')).toMatchObject([{ operation: 'append', error: expect.stringContaining('ENOSPC') }]);
    await run.node.stop();
    disk.limitBytes(null);
    const again = await cluster.start('a');
    await cluster.leader();
    await again.node.propose('after');
    expect(again.machine.words).toEqual([...acknowledged, 'after']);
  });
});
