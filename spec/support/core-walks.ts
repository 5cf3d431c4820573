import type { CoreCluster } from './core-cluster.js';

/** What chance may do to a message on its way; `which` picks one by remainder. */
export interface WireChance {
  readonly type: 'deliver' | 'drop' | 'double';
  readonly which: number;
}

/** False when no message is on its way. */
export function happenToWire(cluster: CoreCluster, { type, which }: WireChance): boolean {
  const envelope = cluster.wire[which % Math.max(1, cluster.wire.length)];
  if (envelope === undefined) return false;
  if (type !== 'double') cluster.wire.splice(cluster.wire.indexOf(envelope), 1);
  if (type !== 'drop') cluster.inject(envelope.from, envelope.to, envelope.message);
  return true;
}
