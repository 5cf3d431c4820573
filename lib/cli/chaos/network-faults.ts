import { done, idsExcept, nameOf, skipped, victimOf, type Fault, type FaultContext, type FaultReport, type Victim } from './fault-context.js';
import type { LinkCondition } from './link-condition.js';

const LASTS_MS = [1500, 6000] as const;
/** A damaged frame may be lost with a connection that breaks for another reason; then another one is damaged. */
const MAX_TRIES = 30;
const TRY_MS = 3000;

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

/** The receiver must refuse what it can't have been sent, and the two go on over a new connection. */
export const corrupt: Fault = async (context) => {
  const { network, dice, cluster, events, signal } = context;
  const before = events.count('MessageRejected');
  const isRefused = (): boolean => events.count('MessageRejected') > before;
  let damaged = 0;
  for (let tries = 0; tries < MAX_TRIES && !isRefused() && !signal.aborted; tries += 1) {
    const [from, to] = dice.shuffled(cluster.members.map(({ id }) => id));
    if (network.damage(from ?? '', to ?? '', 1)) damaged += 1;
    await context.until(isRefused, TRY_MS);
  }
  if (isRefused()) return done('a bit flipped in the header of a frame, which was refused');
  if (!signal.aborted) context.problem(`${damaged} frames were damaged on their way, and no MessageRejected told of any`);
  return skipped('no damaged frame was seen to arrive');
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
