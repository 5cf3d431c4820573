import type { NodeId } from '../../core/ids.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import type { Dice } from './dice.js';
import type { FaultName } from './fault-names.js';
import type { Range } from './plan.js';
import type { SimulatedServer } from './server.js';

/** What a fault is given to do its work with. */
export interface FaultContext {
  readonly cluster: SimulatedCluster;
  readonly dice: Dice;
  /** Ends the fault after a while, unless all faults have ended before. */
  readonly until: (durationMs: Range, end: () => void) => void;
}

/** Injects one fault; false when there was nothing to do it to. */
type Fault = (context: FaultContext) => boolean;

/** How each fault comes about and how long it lasts. */
export const FAULTS: Readonly<Record<FaultName, Fault>> = {
  partition({ cluster, dice, until }) {
    const ids = dice.shuffled(idsOf(cluster));
    const size = dice.whole(1, ids.length - 1);
    cut(cluster, [ids.slice(0, size), ids.slice(size)], until);
    return true;
  },
  /** Two halves that meet in one server alone. */
  bridge({ cluster, dice, until }) {
    const [, ...ids] = dice.shuffled(idsOf(cluster));
    if (ids.length < 2) return false;
    const size = dice.whole(1, ids.length - 1);
    cut(cluster, [ids.slice(0, size), ids.slice(size)], until);
    return true;
  },
  isolation({ cluster, dice, until }) {
    const id = dice.pick(idsOf(cluster));
    cluster.note(`${id} is isolated`);
    cluster.network.isolate(id);
    until([50, 2000], () => healAll(cluster));
    return true;
  },
  'one-way cut'({ cluster, dice, until }) {
    const [from, ...others] = dice.shuffled(idsOf(cluster));
    if (from === undefined || others.length === 0) return false;
    const unreachable = others.slice(0, dice.whole(1, others.length));
    cluster.note(`${from} can't send to ${unreachable.join(' ')}`);
    for (const to of unreachable) cluster.network.block(from, to);
    until([50, 2000], () => healAll(cluster));
    return true;
  },
  'flapping link'({ cluster, dice, until }) {
    const [from, to] = dice.shuffled(idsOf(cluster));
    if (from === undefined || to === undefined) return false;
    cluster.note(`the link from ${from} to ${to} flaps`);
    flap(cluster, from, to, dice.whole(2, 8), until);
    return true;
  },
  loss({ cluster, dice, until }) {
    const lossRate = dice.between([0.1, 0.6]);
    cluster.note(`${(lossRate * 100).toFixed(0)} % of all messages are lost`);
    cluster.network.setFaults({ ...cluster.plan.link, lossRate });
    until([50, 1000], () => calmLinks(cluster));
    return true;
  },
  doubling({ cluster, dice, until }) {
    const duplicateRate = dice.between([0.2, 0.9]);
    cluster.note(`${(duplicateRate * 100).toFixed(0)} % of all messages arrive twice`);
    cluster.network.setFaults({ ...cluster.plan.link, duplicateRate, delayMs: [0, dice.between([5, 100])] });
    until([50, 1000], () => calmLinks(cluster));
    return true;
  },
  'delay spike'({ cluster, dice, until }) {
    const most = dice.between([50, 600]);
    cluster.note(`messages take up to ${most.toFixed(0)} ms`);
    cluster.network.setFaults({ ...cluster.plan.link, delayMs: [0, most] });
    until([50, 1000], () => calmLinks(cluster));
    return true;
  },
  'slow link'({ cluster, dice, until }) {
    const [from, to] = dice.shuffled(idsOf(cluster));
    if (from === undefined || to === undefined) return false;
    const link = { from, to };
    const least = dice.between([10, 200]);
    cluster.note(`messages from ${from} to ${to} take ${least.toFixed(0)} ms and more`);
    cluster.network.setFaults({ ...cluster.plan.link, delayMs: [least, 2 * least] }, link);
    until([50, 3000], () => cluster.network.setFaults(cluster.plan.link, link));
    return true;
  },
  crash: ({ cluster, dice }) => withServer(cluster, dice, (server) => server.crash('crashes')),
  'power cut'({ cluster, dice }) {
    const up = cluster.servers.filter(({ run }) => run !== null);
    for (const server of dice.shuffled(up).slice(0, dice.whole(2, cluster.servers.length))) server.crash('loses its power');
    return up.length > 0;
  },
  pause: ({ cluster, dice, until }) =>
    withServer(cluster, dice, (server) => {
      server.pause();
      until([10, 1500], () => server.resume());
    }),
  stop: ({ cluster, dice }) => withServer(cluster, dice, (server) => server.stop()),
  'slow disk': ({ cluster, dice, until }) =>
    withServer(cluster, dice, (server) => {
      server.diskSlowness = dice.between([5, 50]);
      cluster.note(`the disk of ${server.id} is ${server.diskSlowness.toFixed(0)} times slower`);
      until([50, 2000], () => {
        server.diskSlowness = 1;
      });
    }),
  'stuck disk': ({ cluster, dice, until }) =>
    withServer(cluster, dice, (server) => {
      server.disk.holdSync();
      cluster.note(`the disk of ${server.id} hangs`);
      until([50, 1500], () => server.disk.releaseSync());
    }),
  'failing fsync': ({ cluster, dice }) =>
    withServer(cluster, dice, (server) => {
      if (server.disk.poison !== null) return; // it has failed already, and a paused process does not know it yet
      server.expectedErrors.add('EIO');
      server.disk.failNextSync();
      cluster.note(`the next fsync of ${server.id} fails`);
    }),
  'disk full': ({ cluster, dice }) =>
    withServer(cluster, dice, (server) => {
      server.expectedErrors.add('ENOSPC');
      server.disk.limitBytes(0);
      cluster.note(`the disk of ${server.id} is full`);
    }),
};

function withServer(cluster: SimulatedCluster, dice: Dice, act: (server: SimulatedServer) => void): boolean {
  const up = cluster.servers.filter(({ run }) => run !== null);
  if (up.length > 0) act(dice.pick(up));
  return up.length > 0;
}

function cut(cluster: SimulatedCluster, [one, other]: readonly [NodeId[], NodeId[]], until: FaultContext['until']): void {
  cluster.note(`the network parts ${one.join(' ')} from ${other.join(' ')}`);
  cluster.network.partition(one, other);
  until([50, 2000], () => healAll(cluster));
}

function flap(cluster: SimulatedCluster, from: NodeId, to: NodeId, times: number, until: FaultContext['until']): void {
  cluster.network.block(from, to);
  until([5, 80], () => {
    cluster.network.unblock(from, to);
    if (times > 1) until([5, 80], () => flap(cluster, from, to, times - 1, until));
  });
}

function healAll(cluster: SimulatedCluster): void {
  cluster.note('every link is open');
  cluster.network.heal();
}

function calmLinks(cluster: SimulatedCluster): void {
  cluster.note('links are as usual');
  cluster.network.setFaults(cluster.plan.link);
}

function idsOf(cluster: SimulatedCluster): NodeId[] {
  return cluster.servers.map(({ id }) => id);
}
