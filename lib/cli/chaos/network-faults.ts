import { done, idsExcept, nameOf, skipped, victimOf, type Fault, type FaultContext, type FaultReport, type Victim } from './fault-context.js';
import type { NoticedDamage } from './event-watch.js';
import type { LinkCondition } from './link-condition.js';

const LASTS_MS = [1500, 6000] as const;
/** What was damaged may be lost with a connection that breaks for another reason; then something else is damaged. */
const MAX_TRIES = 30;
const TRY_MS = 3000;
/** Within this a broken connection is opened again, on the slowest machine. */
const RECOVERS_MS = 60_000;

export const isolate: Fault = async (context) => {
  const victim = await victimOf(context, 0.6);
  return around(context, victim, { type: 'cut' }, `${nameOf(victim)} cut off`);
};

/** A minority, with the leader in it or without, from the rest. */
export const split: Fault = async (context) => {
  const { cluster, network, dice } = context;
  const first = await victimOf(context, 0.5);
  const size = Math.floor((cluster.members.length - 1) / 2);
  const minority = [first.member.id, ...dice.shuffled(idsExcept(context, [first.member.id])).slice(0, size - 1)];
  network.between(minority, idsExcept(context, minority), { type: 'cut' });
  if (first.isLeader) context.leaderHit();
  await context.hold(LASTS_MS);
  network.heal();
  return done(`${minority.join(' and ')} cut off from the rest${first.isLeader ? ', the leader among them' : ''}`);
};

export const oneWay: Fault = async (context) => {
  const { network, dice } = context;
  const victim = await victimOf(context, 0.6);
  const { id } = victim.member;
  const isDeaf = dice.chance(0.5);
  for (const other of idsExcept(context, [id])) {
    if (isDeaf) network.set(other, id, { type: 'cut' });
    else network.set(id, other, { type: 'cut' });
  }
  if (victim.isLeader) context.leaderHit();
  await context.hold(LASTS_MS);
  network.heal();
  return done(`${nameOf(victim)} ${isDeaf ? 'hears nobody' : 'is heard by nobody'}`);
};

export const hold: Fault = async (context) => {
  const victim = await victimOf(context, 0.6);
  return around(context, victim, { type: 'hold' }, `the links of ${nameOf(victim)} stalled, then delivered`);
};

export const delay: Fault = async (context) => {
  const { network, dice, cluster } = context;
  const ids = cluster.members.map(({ id }) => id);
  const delayMs = dice.whole(10, 150);
  const jitterMs = dice.whole(0, delayMs);
  network.between(ids, ids, { type: 'delay', delayMs, jitterMs });
  await context.hold(LASTS_MS);
  network.heal();
  return done(`every link ${delayMs} to ${delayMs + jitterMs} ms late`);
};

export const throttle: Fault = async (context) => {
  const victim = await victimOf(context, 0.6);
  const bytesPerSecond = context.dice.whole(2, 50) * 1024;
  const { network } = context;
  network.between([victim.member.id], idsExcept(context, [victim.member.id]), { type: 'throttle', bytesPerSecond });
  await context.hold(LASTS_MS);
  network.heal();
  return done(`the links of ${nameOf(victim)} let ${bytesPerSecond} bytes a second through`);
};

export const reset: Fault = async (context) => {
  const { network, dice, cluster } = context;
  const times = dice.whole(2, 8);
  let count = 0;
  for (let i = 0; i < times; i += 1) {
    const [a, b] = dice.shuffled(cluster.members.map(({ id }) => id));
    count += network.reset(a ?? '', b ?? '');
    await context.hold([50, 400]);
  }
  return count === 0 ? skipped('no connection stood') : done(`${count} connections reset`);
};

/** The receiver must refuse what was not sent so, whichever bit it is, and the two go on over a new connection. */
export const corrupt: Fault = async (context) => {
  const { network, dice, cluster, events, signal } = context;
  const before = events.noticedDamage.length;
  /** How many connections had been opened by then between those whose bytes were damaged. */
  const opened = new Map<string, number>();
  const noticed = (): NoticedDamage | undefined => events.noticedDamage.slice(before).find(({ from, to }) => opened.has(`${from}>${to}`));
  for (let tries = 0; tries < MAX_TRIES && noticed() === undefined && !signal.aborted; tries += 1) {
    const [from = '', to = ''] = dice.shuffled(cluster.members.map(({ id }) => id));
    const connections = network.opened(from, to);
    if (network.damage(from, to, 1)) opened.set(`${from}>${to}`, connections);
    await context.until(() => noticed() !== undefined, TRY_MS);
  }
  const pair = noticed();
  if (pair === undefined) {
    if (!signal.aborted) context.problem(`bytes were damaged on their way (${[...opened.keys()].join(', ')}), and no MessageRejected told of a checksum that does not match`);
    return skipped('no damaged frame was seen to arrive');
  }
  const { from, to } = pair;
  const connections = opened.get(`${from}>${to}`) ?? 0;
  const isBack = await context.until(() => network.opened(from, to) > connections, RECOVERS_MS);
  if (!isBack && !signal.aborted) context.problem(`${from} opened no new connection to ${to} after its bytes had been damaged`);
  return done(`a bit flipped in what ${from} sent to ${to}, which refused it`);
};

async function around(context: FaultContext, victim: Victim, condition: LinkCondition, text: string): Promise<FaultReport> {
  const { network } = context;
  const { id } = victim.member;
  network.between([id], idsExcept(context, [id]), condition);
  if (victim.isLeader) context.leaderHit();
  await context.hold(LASTS_MS);
  network.heal();
  return done(text);
}
