import assert from 'node:assert/strict';
import { filter, firstValueFrom, type Observable } from 'rxjs';
import type { NodeId } from '../core/ids.js';
import type { ConnectionChange, Inbound, PeerMessage, Transport } from '../ports/transport.js';
import type { ComplianceCase } from './compliance.js';
import { appendOf, sampleEntries, sampleMessages } from './sample-messages.js';

/** What the suite needs to know about a transport; made anew for every case. */
export interface TransportFixture<T extends Transport = Transport> {
  /** A transport that isn't started, on the same network as the fixture's others. */
  create(id: NodeId): T;
  /** Where others find a transport once it is started. */
  addressOf(id: NodeId, transport: T): string;
}

/** No case takes anywhere near as long unless something was lost. */
const PATIENCE_MS = 15_000;

const CLUSTER = 'suite';

/**
 * The contract of `Transport` as checks that any implementation should pass.
 *
 * @example
 * for (const { name, run } of transportSuite(() => {
 *   const network = new MemoryNetwork();
 *   return { create: () => network.transport(), addressOf: (id) => id };
 * })) test(name, run);
 */
export function transportSuite<T extends Transport>(makeFixture: () => TransportFixture<T>): readonly ComplianceCase[] {
  return CASES.map(([name, check]) => ({
    name,
    async run() {
      const bench = new Bench(makeFixture());
      try {
        await check(bench);
      } finally {
        await bench.stopAll();
      }
    },
  }));
}

interface Host {
  readonly id: NodeId;
  readonly transport: Transport;
  readonly address: string;
  readonly received: Inbound[];
  readonly changes: ConnectionChange[];
}

/** The transports of one case and what they have emitted. */
class Bench {
  readonly #hosts: Host[] = [];
  readonly #fixture: TransportFixture;

  constructor(fixture: TransportFixture) {
    this.#fixture = fixture;
  }

  create(id: NodeId): Transport {
    return this.#fixture.create(id);
  }

  async start(id: NodeId, clusterId = CLUSTER): Promise<Host> {
    const transport = this.create(id);
    const received: Inbound[] = [];
    const changes: ConnectionChange[] = [];
    transport.messages.subscribe((inbound) => received.push(inbound));
    transport.connections.subscribe((change) => changes.push(change));
    await transport.start({ clusterId, nodeId: id });
    const host = { id, transport, address: this.#fixture.addressOf(id, transport), received, changes };
    this.#hosts.push(host);
    return host;
  }

  /** Starts the nodes, makes them each other's peers and waits until all are connected. */
  async connected<const Ids extends readonly NodeId[]>(...ids: Ids): Promise<{ [K in keyof Ids]: Host }> {
    const hosts: Host[] = [];
    for (const id of ids) hosts.push(await this.start(id));
    introduce(...hosts);
    for (const host of hosts) {
      for (const peer of hosts) if (peer !== host) await connection(host, peer.id, true);
    }
    return hosts as { [K in keyof Ids]: Host };
  }

  async stopAll(): Promise<void> {
    for (const { transport } of this.#hosts) await transport.stop();
  }
}

const CASES: readonly (readonly [string, (bench: Bench) => Promise<void>])[] = [
  ['every kind of message arrives as it was sent, with its sender', async (bench) => {
    const [a, b] = await bench.connected('a', 'b');
    for (const message of sampleMessages()) {
      a.transport.send('b', message);
      a.transport.flush();
      await arrived(b, (inbound) => inbound.message.type === message.type);
      assert.deepEqual(plain(b.received.at(-1)), plain({ from: 'a', message }));
      b.received.length = 0;
    }
  }],
  ['messages go to the peer they are sent to, and to no other', async (bench) => {
    const [a, b, c] = await bench.connected('a', 'b', 'c');
    a.transport.send('b', round(1));
    c.transport.send('b', round(2));
    a.transport.send('c', round(3));
    await Promise.all([arrived(b, isRound(1)), arrived(b, isRound(2)), arrived(c, isRound(3))]);
    assert.deepEqual(b.received.map(({ from }) => from).sort(), ['a', 'c']);
    assert.equal(c.received.length, 1);
    assert.equal(a.received.length, 0);
  }],
  ['messages leave without a flush too', async (bench) => {
    const [a, b] = await bench.connected('a', 'b');
    a.transport.send('b', round(1));
    await arrived(b, isRound(1));
  }],
  ['a thousand heartbeats arrive in order over a good link', async (bench) => {
    const [a, b] = await bench.connected('a', 'b');
    for (let number = 1; number <= 1000; number += 1) a.transport.send('b', round(number));
    a.transport.flush();
    await arrived(b, isRound(1000));
    assert.deepEqual(b.received.map(({ message }) => (message.type === 'heartbeat' ? message.round : 0)), Array.from({ length: 1000 }, (_, place) => place + 1));
  }],
  ['appends of a mebibyte arrive whole and in order', async (bench) => {
    const [a, b] = await bench.connected('a', 'b');
    const sent = [1, 2, 3, 4, 5].map((number) => appendOf(sampleEntries(number * 1000, 256, 4096), number));
    for (const message of sent) a.transport.send('b', message);
    a.transport.flush();
    await arrived(b, ({ message }) => message.type === 'append' && message.round === 5);
    assert.deepEqual(plain(b.received), plain(sent.map((message) => ({ from: 'a', message }))));
  }],
  ['one array of entries may be sent to several peers', async (bench) => {
    const [a, b, c] = await bench.connected('a', 'b', 'c');
    const entries = sampleEntries(1, 20, 100);
    const [toB, toC] = [appendOf(entries, 1), { ...appendOf(entries, 2), commit: 9 }];
    a.transport.send('b', toB);
    a.transport.send('c', toC);
    a.transport.flush();
    await Promise.all([arrived(b, () => true), arrived(c, () => true)]);
    assert.deepEqual(plain([b.received[0]?.message, c.received[0]?.message]), plain([toB, toC]));
  }],
  ['a message to nobody is dropped in silence', async (bench) => {
    const [a, b] = await bench.connected('a', 'b');
    a.transport.send('nobody', round(1));
    a.transport.send('b', round(2));
    await arrived(b, isRound(2));
    assert.equal(b.received.length, 1);
  }],
  ['the own id among the peers is ignored', async (bench) => {
    const [a, b] = await bench.connected('a', 'b');
    introduce(a, b);
    a.transport.send('a', round(1));
    a.transport.send('b', round(2));
    await arrived(b, isRound(2));
    assert.equal(a.received.length, 0);
    assert.ok(a.changes.every(({ peer }) => peer === 'b'));
  }],
  ['nodes of another cluster are out of reach', async (bench) => {
    const [a, b] = await bench.connected('a', 'b');
    const stranger = await bench.start('stranger', 'another');
    stranger.transport.setPeers(new Map([['a', a.address]]));
    stranger.transport.send('a', round(1));
    b.transport.send('a', round(2));
    await arrived(a, isRound(2));
    assert.equal(a.received.length, 1);
    assert.ok(stranger.changes.every(({ up }) => !up));
  }],
  ['a node that is no peer yet may connect, and is answered', async (bench) => {
    const leader = await bench.start('leader');
    const joiner = await bench.start('joiner');
    leader.transport.setPeers(new Map([['joiner', joiner.address]]));
    await connection(leader, 'joiner', true);
    leader.transport.send('joiner', round(1));
    await arrived(joiner, isRound(1));
    joiner.transport.send('leader', round(2));
    await arrived(leader, isRound(2));
    assert.equal(leader.received[0]?.from, 'joiner');
  }],
  ['a connection comes up, goes down when the peer stops, and comes up when it is back', async (bench) => {
    const [a, b] = await bench.connected('a', 'b');
    await b.transport.stop();
    await connection(a, 'b', false);
    assert.notEqual(a.changes.at(-1)?.error, '');
    a.transport.send('b', round(1)); // dropped
    const again = await bench.start('b');
    introduce(a, again);
    await connection(a, 'b', true);
    a.transport.send('b', round(2));
    await arrived(again, isRound(2));
    assert.equal(again.received.length, 1);
  }],
  ['a removed peer is disconnected and gets nothing more; added again, it does', async (bench) => {
    const [a, b, c] = await bench.connected('a', 'b', 'c');
    introduce(a, c);
    await connection(a, 'b', false);
    b.transport.setPeers(new Map());
    introduce(a, b, c);
    await connection(a, 'b', true);
    a.transport.send('b', round(1));
    await arrived(b, isRound(1));
  }],
  ['peers may be named before the start', async (bench) => {
    const b = await bench.start('b');
    const early = bench.create('a');
    early.setPeers(new Map([['b', b.address]]));
    early.send('b', round(1)); // too early
    const up = within(firstValueFrom(early.connections.pipe(filter(({ up: isUp }) => isUp))), 'no connection');
    await early.start({ clusterId: CLUSTER, nodeId: 'a' });
    await up;
    early.send('b', round(2));
    await arrived(b, isRound(2));
    assert.equal(b.received.length, 1);
    await early.stop();
  }],
  ['stopping completes the four streams, and nothing throws afterwards', async (bench) => {
    const [a, b] = await bench.connected('a', 'b');
    let completed = 0;
    const streams: readonly Observable<unknown>[] = [a.transport.messages, a.transport.connections, a.transport.rejections, a.transport.drops];
    for (const stream of streams) stream.subscribe({ complete: () => (completed += 1) });
    await a.transport.stop();
    assert.equal(completed, 4);
    a.transport.send('b', round(1));
    a.transport.flush();
    introduce(a, b);
    await a.transport.stop();
    assert.equal(b.received.length, 0);
  }],
  ['a transport that was never started can be stopped', async (bench) => {
    const transport = bench.create('a');
    transport.flush();
    await transport.stop();
    await transport.stop();
  }],
  ['what was sent before stop leaves, as long as the peer is there', async (bench) => {
    const [a, b] = await bench.connected('a', 'b');
    a.transport.send('b', round(1));
    const arrival = arrived(b, isRound(1));
    await a.transport.stop();
    await arrival;
  }],
  ['a transport is started once', async (bench) => {
    const [a] = await bench.connected('a', 'b');
    await assert.rejects(a.transport.start({ clusterId: CLUSTER, nodeId: 'a' }), Error);
  }],
];

const round = (number: number): PeerMessage => ({ type: 'heartbeat', term: 1, round: number, commit: 0 });

const isRound = (number: number) => ({ message }: Inbound): boolean => message.type === 'heartbeat' && message.round === number;

/** Tells each of them about all. */
function introduce(...hosts: readonly Host[]): void {
  const addresses = new Map(hosts.map(({ id, address }) => [id, address]));
  for (const { transport } of hosts) transport.setPeers(addresses);
}

async function arrived(host: Host, isMeant: (inbound: Inbound) => boolean): Promise<void> {
  if (host.received.some(isMeant)) return;
  await within(firstValueFrom(host.transport.messages.pipe(filter(isMeant))), `${host.id} did not receive what was sent to it`);
}

/** Waits until the last that was said of the connection is `up`. */
async function connection(host: Host, peer: NodeId, up: boolean): Promise<void> {
  const isSo = (): boolean => host.changes.findLast((change) => change.peer === peer)?.up === up;
  if (isSo()) return;
  await within(firstValueFrom(host.transport.connections.pipe(filter(isSo))), `${host.id} never said that its connection to ${peer} is ${up ? 'up' : 'down'}`);
}

async function within<T>(promise: Promise<T>, complaint: string): Promise<T> {
  let giveUp: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    giveUp = setTimeout(() => { reject(new assert.AssertionError({ message: complaint })); }, PATIENCE_MS);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(giveUp);
  }
}

/** Byte arrays as hexadecimal text, whatever class the transport makes them. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, plain(field)]));
  return value;
}
