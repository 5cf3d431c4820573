import type { NodeId } from '../../core/ids.js';
import { isQuorum } from '../invariants/agreed-configurations.js';
import type { SimulatedCluster } from '../simulated-cluster.js';
import { bitRot } from './bit-rot.js';
import type { Dice } from './dice.js';
import type { FaultContext } from './fault-context.js';
import type { FaultName } from './fault-names.js';
import type { Range } from './plan.js';
import type { SimulatedServer } from './server.js';
import { callingSubscriber, fickleSubscriber, slowSubscriber, throwingReporter } from './subscriber-faults.js';

/** Injects one fault; false when there was nothing to do it to. */
type Fault = (context: FaultContext) => boolean;

/** How each fault comes about and how long it lasts. */
export const FAULTS: Readonly<Record<FaultName, Fault>> = {
  partition(context) {
    const { cluster, dice } = context;
    const ids = shuffledIds(cluster, dice);
    const size = dice.whole(1, ids.length - 1);
    cut(context, [ids.slice(0, size), ids.slice(size)]);
    return true;
  },
  /** Two halves that meet in one server alone. */
  bridge(context) {
    const { cluster, dice } = context;
    const [, ...ids] = shuffledIds(cluster, dice);
    if (ids.length < 2) return false;
    const size = dice.whole(1, ids.length - 1);
    cut(context, [ids.slice(0, size), ids.slice(size)]);
    return true;
  },
  /** In half of the cases of a server whose clock is slow too: a leader then goes on in its belief while others elect a new one. */
  isolation(context) {
    const { cluster, dice, until } = context;
    const id = shuffledIds(cluster, dice)[0] ?? '';
    cluster.note(`${id} is isolated`);
    cluster.network.isolate(id);
    const isSlow = dice.chance(0.5);
    healLater(context, isSlow ? [300, 2000] : [20, 1000]);
    if (isSlow) {
      const server = cluster.servers.find((each) => each.id === id);
      server?.drift(Math.min(...cluster.plan.clockRates));
      until([300, 2000], () => server?.drift(1));
    }
    return true;
  },
  'one-way cut'(context) {
    const { cluster, dice } = context;
    const [from, ...others] = shuffledIds(cluster, dice);
    if (from === undefined || others.length === 0) return false;
    const unreachable = others.slice(0, dice.whole(1, others.length));
    cluster.note(`${from} can't send to ${unreachable.join(' ')}`);
    for (const to of unreachable) cluster.network.block(from, to);
    healLater(context);
    return true;
  },
  'flapping link'({ cluster, dice, until }) {
    const [from, to] = shuffledIds(cluster, dice);
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
    const [from, to] = shuffledIds(cluster, dice);
    if (from === undefined || to === undefined) return false;
    const link = { from, to };
    const least = dice.between([10, 200]);
    cluster.note(`messages from ${from} to ${to} take ${least.toFixed(0)} ms and more`);
    cluster.network.setFaults({ ...cluster.plan.link, delayMs: [least, 2 * least] }, link);
    until([50, 1000], () => cluster.network.setFaults(cluster.plan.link, link));
    return true;
  },
  crash: ({ cluster, dice }) => withServer(cluster, dice, (server) => server.crash('crashes')),
  'power cut'({ cluster, dice }) {
    const up = cluster.servers.filter(({ run }) => run !== null);
    if (up.length === 0 || dice.chance(0.5)) return false;
    for (const server of dice.shuffled(up).slice(0, dice.whole(2, cluster.servers.length))) server.crash('loses its power');
    return true;
  },
  /** A leader is cut off while all others start anew, with no memory of the lease that they have given, or their clocks hurry on. */
  coup(context) {
    const { cluster, dice, until } = context;
    const leader = cluster.servers.find(({ isLeading }) => isLeading);
    if (leader === undefined) return false;
    cluster.note(`${leader.id} is isolated by a coup`);
    cluster.network.isolate(leader.id);
    healLater(context, [100, 1000]);
    const { clockRates } = cluster.plan;
    leader.drift(Math.min(...clockRates));
    until([100, 1000], () => leader.drift(1));
    const isRestart = dice.chance(0.5);
    for (const server of cluster.servers) {
      if (server === leader) continue;
      if (isRestart) server.crash('starts anew');
      cluster.betweenTurns(() => {
        if (server.run === null) server.boot();
        server.drift(Math.max(...clockRates));
      });
    }
    return true;
  },
  pause: ({ cluster, dice, until }) =>
    withServer(cluster, dice, (server) => {
      server.pause();
      until([10, 1000], () => server.resume());
    }),
  'clock drift': ({ cluster, dice, until }) =>
    withServer(cluster, dice, (server) => {
      server.drift(dice.pick(cluster.plan.clockRates));
      until([50, 2000], () => server.drift(dice.pick(cluster.plan.clockRates)));
    }),
  stop: ({ cluster, dice }) => withServer(cluster, dice, (server) => server.stop()),
  'slow disk': ({ cluster, dice, until }) =>
    withServer(cluster, dice, (server) => {
      server.diskSlowness = dice.between([5, 50]);
      cluster.note(`the disk of ${server.id} is ${server.diskSlowness.toFixed(0)} times slower`);
      until([50, 1000], () => {
        server.diskSlowness = 1;
      });
    }),
  'stuck disk': ({ cluster, dice, until }) =>
    withServer(cluster, dice, (server) => {
      server.disk.holdSync();
      cluster.note(`the disk of ${server.id} hangs`);
      until([50, 600], () => server.disk.releaseSync());
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
  /** The disk writes when the power goes: of what waits, a part is there afterwards, whole writes alone. */
  'torn write': ({ cluster, dice, until }) =>
    withServer(cluster, dice, (server) => {
      server.disk.holdSync();
      cluster.note(`the disk of ${server.id} is about to be cut off`);
      until([1, 100], () => server.crash('loses its power amid a write'));
    }),
  'bit rot': bitRot,
  /** Monotonic time leaps ahead, as after a sleep of the machine; while leases must hold, by no more than their margin allows. */
  'clock jump': ({ cluster, dice }) =>
    withServer(cluster, dice, (server) => {
      server.jump(dice.between(cluster.plan.clockJumpMs));
    }),
  'slow subscriber': slowSubscriber,
  'calling subscriber': callingSubscriber,
  'fickle subscriber': fickleSubscriber,
  'throwing reporter': throwingReporter,
};

/**
 * One of the servers that are well, a leader more often than not. Seldom so many that no quorum is well: a cluster
 * that does nothing does nothing wrong.
 */
function withServer(cluster: SimulatedCluster, dice: Dice, act: (server: SimulatedServer) => void): boolean {
  const well = cluster.servers.filter(({ isWell }) => isWell);
  if (well.length === 0) return false;
  const leaders = well.filter(({ isLeading }) => isLeading);
  const victim = dice.pick(leaders.length > 0 && dice.chance(0.5) ? leaders : well);
  const leavesQuorum = isQuorum(cluster.configuration, (id) => well.some((server) => server.id === id && server !== victim));
  if (!leavesQuorum && !dice.chance(0.1)) return false;
  act(victim);
  return true;
}

/** Every server in random order, in half of the cases with a leader first: what befalls leaders tells most. */
function shuffledIds(cluster: SimulatedCluster, dice: Dice): NodeId[] {
  const ids = dice.shuffled(cluster.servers.map(({ id }) => id));
  const leader = cluster.servers.find(({ isLeading }) => isLeading)?.id;
  return leader === undefined || dice.chance(0.5) ? ids : [leader, ...ids.filter((id) => id !== leader)];
}

function cut(context: FaultContext, [one, other]: readonly [NodeId[], NodeId[]]): void {
  const { cluster, dice } = context;
  if (dice.chance(0.7)) cluster.network.heal();
  cluster.note(`the network parts ${one.join(' ')} from ${other.join(' ')}`);
  cluster.network.partition(one, other);
  healLater(context);
}

function flap(cluster: SimulatedCluster, from: NodeId, to: NodeId, times: number, until: FaultContext['until']): void {
  cluster.network.block(from, to);
  until([5, 80], () => {
    cluster.network.unblock(from, to);
    if (times > 1) until([5, 80], () => flap(cluster, from, to, times - 1, until));
  });
}

/** Opens every link after a while, unless another cut has come in between: then that one's end does. */
function healLater({ cluster, until, cuts }: FaultContext, durationMs: Range = [20, 1000]): void {
  cuts.count += 1;
  const own = cuts.count;
  until(durationMs, () => {
    if (cuts.count !== own) return;
    cluster.note('every link is open');
    cluster.network.heal();
  });
}

function calmLinks(cluster: SimulatedCluster): void {
  cluster.note('links are as usual');
  cluster.network.setFaults(cluster.plan.link);
}
