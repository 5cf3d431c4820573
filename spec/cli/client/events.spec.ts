import { configurationOf, type Configuration } from '../../../lib/core/configuration.js';
import { OUTPUT_CLOSED } from '../../../lib/cli/interrupt.js';
import { ClientFixture, type Ended } from '../../support/client-fixture.js';
import { eventually, HttpFixture } from '../../support/http-fixture.js';

/** Nodes a, b and c that serve HTTP; who of them is a member, a and b say. */
describe('rxraft events', () => {
  let command: ClientFixture;
  let nodes: Record<'a' | 'b' | 'c', HttpFixture>;
  let running: Promise<Ended>;
  const notes: string[] = [];
  let shown = '';
  const hostOf = (id: 'a' | 'b' | 'c'): string => new URL(nodes[id].url('/')).host;
  const said = (text: string): Promise<void> => eventually(() => notes.some((note) => note.includes(text)));
  const showed = (text: string): Promise<void> => eventually(() => shown.includes(text));
  const lead = (id: 'a' | 'b' | 'c', leaderId: string): void => nodes[id].node.emit('NewLeader', { leaderId, previousLeaderId: null });

  /** Tells a and b who is a member now, and where; a reports it. */
  const change = (index: number, members: Readonly<Record<string, string | null>>): void => {
    const configuration: Configuration = {
      ...configurationOf(Object.fromEntries(Object.keys(members).map((id) => [id, `h:${id}`]))),
      nodes: Object.fromEntries(Object.entries(members).map(([id, http]) => [id, { address: `h:${id}`, ...(http === null ? {} : { metadata: { http } }) }])),
    };
    const membership = { effective: configuration, effectiveIndex: index, committed: configuration, committedIndex: index };
    for (const id of ['a', 'b'] as const) nodes[id].node.set({ nodeId: id, membership });
    nodes.a.node.emit('MembershipCommitted', { configuration, index });
  };
  const follow = async (flags: Parameters<ClientFixture['run']>[3] = {}): Promise<void> => {
    running = command.run('events', [], [hostOf('a')], flags);
    await eventually(() => nodes.a.service.load.eventStreams === 1 && nodes.b.service.load.eventStreams === 1);
  };

  beforeEach(async () => {
    notes.length = 0;
    shown = '';
    command = new ClientFixture();
    command.onNote = (text) => notes.push(text);
    command.onOutput = (out) => (shown = out);
    const [a, b, c] = await Promise.all([HttpFixture.open({}, 'a'), HttpFixture.open({}, 'b'), HttpFixture.open({}, 'c')]);
    nodes = { a, b, c };
    c.node.set({ nodeId: 'c' });
    change(1, { a: hostOf('a'), b: hostOf('b') });
  });
  afterEach(async () => {
    command.interrupt.abort();
    await running;
    command.close();
    await Promise.all(Object.values(nodes).map((node) => node.close()));
  });

  it('finds the other members from one, and ends with 130 at Ctrl-C', async () => {
    await follow();
    lead('b', 'a');
    await showed('a leads');
    command.interrupt.abort('SIGINT');
    expect(await running).toMatchObject({ code: 130, notes: [], out: expect.stringMatching(/^\S+ {2}b {2}NewLeader +term 1 {2}a leads\n$/) });
    await eventually(() => nodes.a.service.load.eventStreams === 0 && nodes.b.service.load.eventStreams === 0);
  });

  it('ends with 0 when nobody reads its output any more', async () => {
    await follow();
    command.interrupt.abort(OUTPUT_CLOSED);
    expect((await running).code).toBe(0);
  });

  it('follows a node that joins from its first event on, and one that leaves until it stops, and says so', async () => {
    await follow({ type: ['NewLeader', 'NodeStopped'] });
    lead('c', 'nobody yet');
    change(2, { a: hostOf('a'), b: hostOf('b'), c: hostOf('c') });
    await said(`c joined the cluster; following it at ${hostOf('c')}`);
    await showed('nobody yet leads');
    change(3, { a: hostOf('a'), b: hostOf('b') });
    await said('c left the cluster; following it until it stops');
    nodes.c.node.emit('NodeStopped', { reason: 'requested' });
    await showed('NodeStopped');
    await nodes.c.close();
    lead('a', 'a');
    await showed('a leads');
    expect(shown).not.toContain('Membership'); // asked of the nodes, not by the person
    expect(notes).toHaveLength(2);
    expect(nodes.a.service.load.eventStreams + nodes.b.service.load.eventStreams).toBe(2);
  });

  it('says that a node is gone that was lost before it left', async () => {
    await follow();
    await nodes.b.close();
    await said('lost b: ');
    change(2, { a: hostOf('a') });
    await said('b left the cluster; it is gone');
  });

  it('goes where a node moves, without showing anything twice', async () => {
    await follow({ type: ['NewLeader'] });
    lead('b', 'x');
    await showed('x leads');
    change(2, { a: hostOf('a'), b: hostOf('c') }); // c answers for b there
    await said(`b is at ${hostOf('c')} now`);
    nodes.c.node.seq = 1;
    lead('c', 'y');
    await showed('y leads');
    expect(shown.match(/x leads/g)).toHaveLength(1);
  });

  it('says who can not be followed, and follows once it is told where', async () => {
    change(2, { a: hostOf('a'), b: hostOf('b'), c: null });
    await follow();
    expect(notes).toEqual(["c can't be followed: the configuration does not say where it serves HTTP; rxraft member set-address c <host:port> --http <host:port> tells it"]);
    change(3, { a: hostOf('a'), b: hostOf('b'), c: hostOf('c') });
    await said('c joined the cluster; following it at');
  });

  it('of the nodes that are named follows these alone', async () => {
    running = command.run('events', [], [hostOf('a')], { node: ['a'] });
    await eventually(() => nodes.a.service.load.eventStreams === 1);
    change(2, { a: hostOf('a'), b: hostOf('b'), c: hostOf('c') });
    await showed('MembershipCommitted');
    lead('a', 'b');
    await showed('b leads');
    expect([notes, nodes.b.service.load.eventStreams, nodes.c.service.load.eventStreams]).toEqual([[], 0, 0]);
  });

  it('takes --type or --all, not both', async () => {
    running = command.run('events', [], [hostOf('a')], { type: ['NewLeader'], all: true });
    expect(await running).toMatchObject({ code: 2, error: 'give --type or --all, not both' });
  });
});
